"""A fleet is changed in steps, and a host that is not changed after all is left to other runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
HOSTS = {"gramex": {"hosts": {"a": {}, "b": {}, "c": {}}, "vars": {"ansible_connection": "local"}}}
# Notes what it is called with; fails where the environment says so.
DOUBLE = """
import json, os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        host, name = task_vars["inventory_hostname"], self._task.action
        word = str(self._task.args.get("do") or ("give" if self._task.args.get("give") else name))
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{host} {word}\\n")
        if f"{host} {name}" in os.environ["SICK"]:
            return {"failed": True, "msg": "sick", **({"stamp": host} if name == "gramex_apply" else {})}
        return {"packages": [], "lease": {"token": host}, "stamp": host, "apps": []}
"""
DEPLOY = """
- hosts: gramex
  gather_facts: false
  any_errors_fatal: true
  vars: {gramex_plan: {apps: [], settings: {gramex_break_lock: false}}}
  tasks:
    - ansible.builtin.import_role: {name: gramex, tasks_from: deploy.yml}
"""


class Fleet:
    """Three hosts that are this machine, on which nothing is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hosts.yml").write_text(yaml.safe_dump(HOSTS))
        (folder / "deploy.yml").write_text(DEPLOY)
        for name in ("gramex_service", "gramex_release", "gramex_apply"):
            (folder / f"{name}.py").write_text(DOUBLE)

    def play(self, playbook: str | Path, *sick: str, **variables: Any) -> list[str]:
        """Run a playbook; what the actions noted: `host word`."""
        notes = self.folder / "notes"
        notes.write_text("")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_ACTION_PLUGINS": str(self.folder),
            "ANSIBLE_LIBRARY": str(ROOT / "ansible" / "plugins" / "modules"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "ansible" / "roles"),
            "NOTES": str(notes),
            "SICK": ",".join(sick),
        }
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(playbook), "-e", json.dumps(variables)]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode == 0) == (not sick), done.stdout + done.stderr
        return notes.read_text().splitlines()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.mark.parametrize(
    ("verb", "sick", "told", "touched"),
    [
        ("rollback", "a", {}, ["a rollback"]),
        ("restart", "b", {"gramex_serial": "2"}, ["a restart", "b restart"]),
    ],
)
def test_a_sick_host_ends_a_verb_before_the_next_step(
    fleet: Fleet, verb: str, sick: str, told: dict[str, str], touched: list[str]
) -> None:
    playbook = ROOT / "ansible" / "playbooks" / f"{verb}.yml"
    assert sorted(fleet.play(playbook, f"{sick} gramex_service", **told)) == touched


def test_verbs_step_as_the_role_does() -> None:
    defaults = yaml.safe_load((ROOT / "ansible" / "roles" / "gramex" / "defaults" / "main.yml").read_text())
    for verb in ("rollback", "restart"):
        steps = yaml.safe_load((ROOT / "ansible" / "playbooks" / f"{verb}.yml").read_text())[0]["vars"]["steps"]
        assert f"default({defaults['gramex_serial']})" in steps


def test_a_host_is_left_to_others_when_another_one_is_sick(fleet: Fleet) -> None:
    done = fleet.play(fleet.folder / "deploy.yml", "b gramex_release")
    assert sorted(done) == ["a give", "a gramex_release", "b gramex_release", "c give", "c gramex_release"]


def test_a_host_that_was_changed_is_not_given_back_twice(fleet: Fleet) -> None:
    done = fleet.play(fleet.folder / "deploy.yml", "b gramex_apply")
    assert sorted(done) == [f"{host} gramex_{action}" for host in "abc" for action in ("apply", "release")]
