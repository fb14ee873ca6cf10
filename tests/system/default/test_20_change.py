"""A change of two apps while users are there: nobody notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from system import state, visit
from system.controller import Controller, Play
from system.target import Browser, Target

USERS = (
    "--get=https://localhost/",
    "--get=https://localhost/api/add?x=1",
    "--post=https://localhost/api/entries",
    "--live=wss://localhost/api/live",
)
DRAIN = 5  # seconds, as the inventory says


@dataclass
class Change:
    """What a change looked like: the play; by host what users met and, before it, colours and the untouched app."""

    play: Play
    load: dict[str, dict[str, Any]]
    colours: dict[str, list[str]]
    untouched: dict[str, list[str]]


@pytest.fixture(scope="module")
def change(targets: list[Target], controller: Controller, apps: Path) -> Iterator[Change]:
    colours = {target.name: [state.colour(target, app) for app in ("site", "api")] for target in targets}
    untouched = {target.name: state.processes(target, "shared") for target in targets}
    with ExitStack() as loads:
        load = {target.name: loads.enter_context(target.load(*USERS)) for target in targets}
        time.sleep(1)  # users are there before the change ...
        page = apps / "site" / "index.template.html"
        page.write_text(page.read_text(encoding="utf-8").replace("Six teas", "Seven teas"), encoding="utf-8")
        page = apps / "api" / "index.html"
        page.write_text(page.read_text(encoding="utf-8").replace("Guest book", "Guest book of today"), encoding="utf-8")
        play = controller.play()
        time.sleep(DRAIN + 2)  # ... and after the old colour has drained
    return Change(play, load, colours, untouched)


def test_the_change_is_deployed(change: Change) -> None:
    assert change.play.code == 0, change.play.end
    assert all(change.play.changed.values()), change.play.end


def test_users_get_the_new_release(change: Change, target: Target, browser: Browser) -> None:
    assert "Seven teas" in browser.get("/").text
    assert "Guest book of today" in browser.get("/api/").text
    assert visit.log_in(browser, "from the vault") == 302


def test_no_request_fails_during_a_change(change: Change, target: Target) -> None:
    load = change.load[target.name]
    print(f"{target.name}: {load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["requests"] > 500
    assert load["failed"] == 0, load["errors"]


def test_websockets_are_told_to_go_and_find_the_new_release(change: Change, target: Target) -> None:
    load = change.load[target.name]
    assert load["reconnected"] == 1
    assert load["messages"] > DRAIN


def test_the_other_colour_serves_and_the_old_one_is_gone(change: Change, target: Target) -> None:
    other = {"blue": "green", "green": "blue"}
    for app, before in zip(("site", "api"), change.colours[target.name], strict=True):
        assert state.colour(target, app) == other[before]
        assert len(state.processes(target, app)) == 1


def test_an_untouched_app_keeps_running(change: Change, target: Target) -> None:
    assert change.untouched[target.name]
    assert state.processes(target, "shared") == change.untouched[target.name]


def test_again_changes_nothing(change: Change, controller: Controller, targets: list[Target]) -> None:
    before = {target.name: [state.processes(target, app) for app in ("site", "api", "shared")] for target in targets}
    play = controller.deploy()
    assert set(play.changed.values()) == {0}, play.end
    for target in targets:
        assert [state.processes(target, app) for app in ("site", "api", "shared")] == before[target.name]
