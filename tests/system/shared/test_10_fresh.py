"""Fresh hosts: what a preflight and a dry run say of them, and that both leave them as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from system import traces
from system.controller import Controller, Play
from system.target import Target

SECRET = "hush-4711-hush"
PREFLIGHT = "ansible/playbooks/preflight.yml"


@pytest.fixture(scope="module")
def first(targets: list[Target], controller: Controller) -> dict[str, Any]:
    """A preflight and a dry run, then the first deploy and one more."""
    before = {target.name: target.snapshot() for target in targets}
    told: dict[str, Any] = {
        "preflight": controller.play(PREFLIGHT),
        "wrong": controller.play(PREFLIGHT, "-e", json.dumps({"gramex_apps": wrong(controller)})),
        "check": controller.play("site.yml", "--check", "--diff", "-vvv"),
    }
    told["left"] = {
        target.name: traces.left_behind(before[target.name], target.snapshot(), before[target.name])
        for target in targets
    }
    told["deploy"] = controller.deploy("--diff")
    told["again"] = controller.deploy()
    return told


def wrong(controller: Controller) -> list[dict[str, Any]]:
    """Apps with something wrong for each host."""
    source = str(controller.root / "examples" / "site")
    front = {"name": "site", "hosts": ["front"], "source": source, "domain": "shop.invalid", "tls": "none"}
    alone = {"name": "direct", "hosts": ["alone"], "source": source, "domain": "alone.localhost", "port": 443}
    copied = {"name": "copied", "hosts": ["front"], "source": {"host": "/opt/nowhere"}, "domain": "localhost"}
    alone = {**alone, "expose": True, "tls": "files", "needs": ["127.0.0.1:1"], "python": "/nowhere/python3"}
    return [front, alone, copied]


def test_fresh_hosts_are_fit(first: dict[str, Any]) -> None:
    play: Play = first["preflight"]
    assert play.code == 0, play.end
    assert play.output.count("nothing stands in the way of a deploy") == 2


def test_what_is_wrong_is_in_one_table(first: dict[str, Any]) -> None:
    play: Play = first["wrong"]
    assert play.code != 0
    assert "4 things to mend:" in play.output, play.end
    for row in (
        "you              alone  python of direct: /nowhere/python3 does not run: there is no such file.",
        "gramex_apps[2] (copied).source: there is no folder /opt/nowhere on front.",
        "IT team          alone  outbound port of direct: 127.0.0.1:1 cannot be reached from the host: Connection re",
        "domain owner     front  DNS of shop.invalid: has no address; it must lead to ",
    ):
        assert row in play.output, play.end


def test_a_dry_run_before_the_first_says_what_would_be_done(first: dict[str, Any]) -> None:
    play: Play = first["check"]
    assert play.code == 0, play.end
    assert set(play.changed) == {"front", "alone"}
    assert min(play.changed.values()) > 0
    for words in ("user gramex-together made", "user gramex-direct made", "nginx"):
        assert words in play.output


def test_neither_changes_a_host(first: dict[str, Any]) -> None:
    assert first["left"] == {"front": [], "alone": []}


@pytest.mark.parametrize("name", ["check", "deploy"])
def test_no_secret_is_shown(name: str, first: dict[str, Any], apps: Path) -> None:
    key = (apps / "alone.localhost.key").read_text().splitlines()[1]
    assert SECRET not in first[name].output
    assert key not in first[name].output


def test_a_second_deploy_changes_nothing(first: dict[str, Any]) -> None:
    assert first["again"].changed == {"front": 0, "alone": 0}, first["again"].end
