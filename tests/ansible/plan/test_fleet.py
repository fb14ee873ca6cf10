"""The steps in which site.yml changes several hosts, with this machine as all of them and a role that only says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TELL = [
    {"name": "Change it", "ansible.builtin.debug": {"msg": "changed {{ inventory_hostname }}"}},
    {"name": "Be well", "ansible.builtin.fail": {"msg": "sick"}, "when": "inventory_hostname == sick | default('')"},
]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hosts; the plays of site.yml, of which those with roles only tell whom they would change."""
    folder = tmp_path_factory.mktemp("fleet")
    hosts = dict.fromkeys(("one", "two", "three", "four"))
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False}
    children = {group: {"hosts": hosts} for group in ("gramex", "proxy")}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": here, "children": children}}, sort_keys=False))
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(yaml.safe_dump({"gramex_apps": []}))
    plays = yaml.safe_load((ROOT / "site.yml").read_text())
    for play in plays:
        if play.pop("roles", None):
            play.pop("post_tasks", None)
            play["tasks"] = TELL
    (folder / "site.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    return folder


@pytest.mark.parametrize(
    ("told", "changed"),
    [
        ([], [{"one"}, {"two", "three", "four"}]),
        (["-e", "sick=one"], [{"one"}]),
        (["-e", "sick=two", "-e", "gramex_serial=2"], [{"one", "two"}]),
    ],
)
def test_steps(told: list[str], changed: list[set[str]], inventory: Path) -> None:
    environment = {
        **os.environ,
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    if os.geteuid() != 0:
        pytest.skip("the plan needs root")
    command = ["ansible-playbook", "-i", str(inventory / "hosts.yml"), str(inventory / "site.yml"), *told]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    steps = [set(re.findall(r"changed (\w+)", step)) for step in done.stdout.split("\nApps and proxy\n")[1:]]
    assert steps == changed, done.stdout + done.stderr
    assert (done.returncode == 0) is ("sick" not in " ".join(told))
    assert ("Report" in done.stdout) is (done.returncode == 0)
