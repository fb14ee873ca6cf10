"""What more apps on a host cost a run that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from system.controller import Controller, Play

MANY, MORE = 10, 3  # apps, and how many times longer a run may take for them than for one
TRIES = 2  # the quicker one counts: others may be using the machine


def quickest(controller: Controller, apps: list[dict[str, Any]]) -> Play:
    """Bring apps about on the host with nginx, then run again, which must change nothing."""
    told = ["-e", json.dumps({"gramex_apps": apps}), "--limit=front"]
    controller.deploy(*told)
    plays = [controller.deploy(*told) for _ in range(TRIES)]
    assert [play.changed for play in plays] == [{"front": 0}] * TRIES
    return min(plays, key=lambda play: play.seconds)


@pytest.fixture(scope="module")
def plays(controller: Controller, apps: Path) -> dict[int, Play]:
    """Runs that change nothing, by the number of apps. There was one app of the many before: it is not made again."""
    source = str(apps / "shared" / "one")
    many = [{"name": f"app{number}", "domain": "localhost", "path": f"/{number}/"} for number in range(MANY - 1)]
    many = [{"name": "one", "domain": "localhost", "path": "/apart/one/"}, *many]
    many = [{**app, "hosts": ["front"], "source": source, "drain": "5s"} for app in many]
    return {len(some): quickest(controller, some) for some in (many, many[:1])}


def test_ten_apps_take_little_more_time_than_one(plays: dict[int, Play]) -> None:
    ten, one = plays[MANY], plays[1]
    print(f"a run that changes nothing: {one.seconds:.1f} s for one app, {ten.seconds:.1f} s for {MANY}")
    assert ten.seconds <= MORE * one.seconds, ten.end


def test_the_slow_tasks_show(plays: dict[int, Play]) -> None:
    assert "\nSlowest: " in plays[MANY].output
