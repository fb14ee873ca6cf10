"""`GramexService` away from Windows, and the parts of it that are the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gramex.winservice import GramexService
from gramex.winservice.errors import MEANINGS, explain
from gramex.winservice.output import NAME, last_line, open_output
from gramex.winservice.settings import Settings, find_class, place_of

ROOT = Path(__file__).resolve().parents[3]
PROJECT = ROOT / "tests" / "wine" / "apps" / "yourproject_service.txt"


def test_off_windows_it_is_one_line(tmp_path: Path) -> None:
    script = tmp_path / "yourproject_service.py"
    script.write_text(PROJECT.read_text(encoding="utf-8"), encoding="utf-8")
    for command in ([str(script), "install"], ["-m", "gramex", "service", "install"], ["-m", "gramex", "service"]):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "Windows" in line


def test_help_is_printed_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    GramexService.setup(["install", "--help"])
    assert "--startup" in capsys.readouterr().out


def test_the_guide_has_the_page_s_file() -> None:
    guide = (ROOT / "runtime" / "gramex" / "guide" / "windows.md").read_text(encoding="utf-8")
    assert PROJECT.read_text(encoding="utf-8") in guide


def test_errors_of_windows_are_told() -> None:
    for code in (1056, 1060, 1062, 1073):
        assert "MyApp" in explain(code, "MyApp", "Windows' text.")
        assert "\n" not in MEANINGS[code]
    assert explain(4711, "MyApp", "Something odd.\r\n") == "MyApp: Something odd (error 4711)"


def test_a_class_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert place_of(GramexService) == ("gramex.winservice", "GramexService")
    assert find_class(Settings(*place_of(GramexService), folder="")) is GramexService
    file = tmp_path / "own.service.py"
    file.write_text("import beside\nfrom gramex.winservice import GramexService\nclass Own(GramexService): pass\n")
    (tmp_path / "beside.py").touch()
    found = find_class(Settings(str(file), "Own", ""))
    assert issubclass(found, GramexService)
    assert place_of(found) == (str(file), "Own")
    for name in ("own.service", "beside"):
        monkeypatch.delitem(sys.modules, name)


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom gramex.winservice.output import open_output\n"
        "print(open_output([Path(sys.argv[1])]))\nprint('größe ☃', file=sys.stderr)\nos.system('echo child; echo')\n"
        "assert sys.stdin.read() == ''\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    log = tmp_path / NAME
    assert log.read_text(encoding="utf-8") == f"{log}\ngröße ☃\nchild\n\n" * 2
    assert last_line(tmp_path) == "child"
    assert last_line(tmp_path / "none") == ""


def test_a_large_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gramex.winservice.output.LARGE", 3)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    (tmp_path / NAME).write_text("long\n", encoding="utf-8")
    assert open_output([tmp_path / "none", tmp_path]) == tmp_path / NAME
    assert (tmp_path / NAME).read_text(encoding="utf-8") == ""
    assert (tmp_path / "service.log.1").read_text(encoding="utf-8") == "long\n"
