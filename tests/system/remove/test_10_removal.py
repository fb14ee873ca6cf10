"""Undeploy: every trace is gone but the data, and what was there before is as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system import state, traces, visit
from system.controller import Controller, Play
from system.target import REMOTE, Browser, Target

DATA = r"/var/lib/gramex(/|$)"
USERS = r"/etc/(passwd|group|shadow|gshadow)$"  # who owns kept data stays
PLAYBOOK = "ansible/playbooks/remove.yml"


def before(target: Target) -> dict[str, Any]:
    return json.loads(target.output(f"cat {REMOTE}/before.json"))


@pytest.fixture(scope="module")
def there(targets: list[Target]) -> dict[str, dict[str, Any]]:
    """By host: what is there while the apps run, after a user was there."""
    for target in targets:
        visit.sign(Browser(target, "/etc/gramex/tls/localhost/cert.pem"), "kept")
    return {target.name: target.snapshot() for target in targets}


@pytest.fixture(scope="module")
def removed(controller: Controller, there: dict[str, Any], references: dict[str, dict[str, Any]]) -> Play:
    """A removal that was killed while it took the apps away, and one that was let through."""
    killed = controller.play(PLAYBOOK, stop=lambda output: "Take away all apps ... " in output)
    assert killed.code == -9, killed.end
    return controller.play(PLAYBOOK)


def test_removal_succeeds(removed: Play) -> None:
    assert removed.code == 0, removed.end


def test_nothing_but_data_is_left(
    removed: Play, there: dict[str, Any], references: dict[str, dict[str, Any]], target: Target
) -> None:
    """The comparison is worth something: while the apps ran it found all kinds of traces."""
    found = traces.left_behind(before(target), there[target.name], references[target.name])
    for trace in target_traces(target):
        assert any(line.startswith(trace) for line in found), (trace, found)
    left = traces.left_behind(before(target), target.snapshot(), references[target.name], f"{DATA}|{USERS}")
    assert "\n".join(left) == ""
    assert target.output("ls /var/lib/gramex/api/data/api") == "book.db"


def target_traces(target: Target) -> list[str]:
    """How lines begin that tell of a deployment: files, users, groups, what boots, runs and listens, tasks, rules."""
    common = ["/srv/gramex", "/etc/gramex", "/etc/passwd", "/etc/group", "processes: new: ", "listeners: new: tcp 443"]
    if target.init == "systemd":
        units = ["/etc/systemd/system/gramex-api@.service", "services: new: gramex-api"]
        return [*common, *units, "/etc/systemd/system/gramex-api:", "firewall: new: "]
    return [*common, "/etc/init.d/gramex-api", "/etc/rc2.d/S01gramex-api", "/etc/cron.d/gramex-api"]


def test_nginx_rests_and_has_its_default_site_back(removed: Play, target: Target) -> None:
    assert not state.runs(target, "nginx")
    assert target.output("readlink -f /etc/nginx/sites-enabled/default") == "/etc/nginx/sites-available/default"
    if target.init == "systemd":
        assert target.run("systemctl is-enabled nginx").stdout.strip() == "disabled"
    else:
        assert target.run("ls /etc/rc2.d/S*nginx").returncode != 0


def test_removing_twice_changes_nothing(removed: Play, controller: Controller) -> None:
    again = controller.play(PLAYBOOK)
    assert again.code == 0, again.end
    assert set(again.changed.values()) == {0}, again.end
