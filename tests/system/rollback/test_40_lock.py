"""Two runs at once: one has the host, the other is told who that is; a run that was killed is in nobody's way."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from system.controller import Controller
from system.target import Target

LEASE = "/run/gramex-lock/lease.json"


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


def at_apply(output: str) -> bool:
    return "Bring releases into service ... " in output


def test_a_run_that_was_killed_leaves_its_place_to_the_next(controller: Controller, host: Target) -> None:
    play = controller.play("site.yml", stop=at_apply)
    assert play.code == -9
    play = controller.play("ansible/playbooks/restart.yml", "-e", "app=copied")
    assert play.code == 0, play.end
    assert host.run(f"test -e {LEASE}").returncode == 1


def test_a_run_that_fails_before_it_changes_anything_lets_go(controller: Controller, host: Target, apps: Path) -> None:
    lock = apps / "lock.txt"
    lock.mkdir(exist_ok=True)  # that no file is there shows when the host has been compared
    play = controller.play("site.yml", "-e", f"gramex_lock={lock}")
    assert play.code != 0
    assert "lock.txt" in play.output, play.end
    assert host.run(f"test -e {LEASE}").returncode == 1


def test_another_controllers_run_is_waited_for_or_broken(controller: Controller, host: Target) -> None:
    until = time.time() + 600
    host.output(
        f"""echo '{{"token": "desk/0 1 2", "holder": "ann@desk", "purpose": "a deploy of wiki", """
        f""""since": {until - 660}, "until": {until}}}' >{LEASE}"""
    )
    play = controller.play("site.yml")
    assert play.code != 0
    assert "ann@desk changes this host: a deploy of wiki, since " in play.output, play.end
    assert "gramex_break_lock=true" in play.output
    play = controller.play("ansible/playbooks/restart.yml", "-e", "app=copied", "-e", "gramex_break_lock=true")
    assert play.code == 0, play.end
    assert host.run(f"test -e {LEASE}").returncode == 1


def test_of_two_deploys_at_once_one_is_told_of_the_other(controller: Controller) -> None:
    command = ["ansible-playbook", "-i", str(controller.inventory), "site.yml"]
    runs = [
        subprocess.Popen(command, cwd=controller.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    codes = [run.returncode for run in runs]
    assert 0 in codes, outputs
    for code, output in zip(codes, outputs, strict=True):
        assert code == 0 or " changes this host: a deploy of " in output, output
