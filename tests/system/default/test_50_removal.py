"""Undeploy: every trace is gone but the data, and the next deploy finds them again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system import state, traces
from system.controller import Controller, Play
from system.target import REMOTE, Target, root_folder

DATA = r"/var/lib/gramex(/|$)"
USERS = r"/etc/(passwd|group|shadow|gshadow)$"  # who owns kept data stays


@pytest.fixture(scope="module")
def references(targets: list[Target]) -> dict[str, dict[str, Any]]:
    """By host: what the same packages alone would have left there."""
    tools = root_folder() / "tests" / "system" / "remote"
    found = {}
    for target in targets:
        image = target.image()
        packages = traces.new_packages(before(target), target.snapshot())
        found[target.name] = traces.reference(image, packages, tools)
    return found


def before(target: Target) -> dict[str, Any]:
    return json.loads(target.output(f"cat {REMOTE}/before.json"))


@pytest.fixture(scope="module")
def removed(controller: Controller, references: dict[str, dict[str, Any]]) -> Play:
    return controller.play("ansible/playbooks/remove.yml")


def test_removal_succeeds(removed: Play) -> None:
    assert removed.code == 0, removed.end


def test_nothing_but_data_is_left(removed: Play, references: dict[str, dict[str, Any]], target: Target) -> None:
    left = traces.left_behind(before(target), target.snapshot(), references[target.name], f"{DATA}|{USERS}")
    assert "\n".join(left) == ""
    assert target.output("ls /var/lib/gramex/api/data/api") == "book.db"


def test_nginx_rests_and_has_its_default_site_back(removed: Play, target: Target) -> None:
    assert not state.runs(target, "nginx")
    assert target.output("readlink -f /etc/nginx/sites-enabled/default") == "/etc/nginx/sites-available/default"
    if target.init == "systemd":
        assert target.run("systemctl is-enabled nginx").stdout.strip() == "disabled"
    else:
        assert target.run("ls /etc/rc2.d/S*nginx").returncode != 0


def test_removing_twice_changes_nothing(removed: Play, controller: Controller) -> None:
    again = controller.play("ansible/playbooks/remove.yml")
    assert again.code == 0, again.end
    assert set(again.changed.values()) == {0}, again.end
