"""The Windows image is not built here: what can be read in its description is compared with the role's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / "images" / "windows.Dockerfile"
TEXT = PLACE.read_text(encoding="utf-8")


def test_it_has_the_interpreter_of_the_role() -> None:
    defaults = yaml.safe_load((ROOT / "ansible/roles/winservice/defaults/main.yml").read_text(encoding="utf-8"))
    (version,) = re.findall(r"(?m)^ARG PYTHON=(.*)$", TEXT)
    assert f"/python-{version}-embed-amd64.zip" in defaults["winservice_python"]
    assert re.search(r"(?m)^ARG PYTHON_SHA256=[0-9a-f]{64}$", TEXT)


def test_it_runs_as_no_administrator_and_says_whether_it_is_well() -> None:
    final = TEXT.rpartition("\nFROM ")[2]
    words = [line.split()[0] for line in final.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert "USER ContainerUser" in final
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "RUN" not in words[words.index("USER") :]
    assert re.search(r'HEALTHCHECK [^\n]*`\n +CMD \["C:\\\\python\\\\python.exe", "-m", "gramex", "health"', final)


def test_what_it_copies_is_there() -> None:
    for line in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", TEXT):
        for name in line.split():
            assert (ROOT / name).exists(), name


def test_everything_is_installed_by_its_hash_but_our_wheel() -> None:
    installs = re.findall(r"pip install ([^;`]*)", TEXT)
    assert [line for line in installs if "--require-hashes" not in line and r"C:\wheels" not in line] == []


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, PLACE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
