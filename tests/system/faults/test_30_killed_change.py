"""A change that is killed on both sides at any moment: what runs goes on, and the next run converges without help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from system import state, visit
from system.controller import Controller
from system.target import Browser, Target

USERS = ("--get=https://localhost/", "--get=https://localhost/api/add?x=1", "--post=https://localhost/api/entries")


def in_task(title: str, seconds: float) -> Callable[[str], bool]:
    """Stop some seconds after the task of this title began."""
    began: list[float] = []

    def stop(output: str) -> bool:
        if not began and f": {title} ... " in output:
            began.append(time.monotonic())
        return bool(began) and time.monotonic() - began[0] >= seconds

    return stop


@dataclass
class Killed:
    """Exit codes of the runs, and by host what users met meanwhile."""

    codes: list[int] = field(default_factory=list)
    load: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def killed(controller: Controller, targets: list[Target], apps: Path) -> Killed:
    """A change that is killed while it is brought into service, each time later, until one gets through."""
    told = Killed()
    page = apps / "site" / "index.template.html"
    page.write_text(re.sub(r"[A-Z]\w+ teas", "Eight teas", page.read_text(encoding="utf-8")), encoding="utf-8")
    with ExitStack() as loads:
        told.load = {target.name: loads.enter_context(target.load(*USERS)) for target in targets}
        for seconds in (0.3, 1, 3, 9, 27, 80):
            play = controller.play("site.yml", stop=in_task("Bring releases into service", seconds))
            told.codes.append(play.code)
            if play.code == 0:
                break
            for target in targets:
                target.run("pkill -9 -x -f /usr/bin/python3")  # the module: its code came by standard input
    return told


def test_it_converges(killed: Killed, controller: Controller, targets: list[Target]) -> None:
    assert killed.codes[-1] == 0, killed.codes
    assert len(killed.codes) > 1, killed.codes
    assert set(controller.deploy().changed.values()) == {0}
    for target in targets:
        assert state.colour(target, "site") in ("blue", "green"), "both colours run"


def test_users_get_the_new_release(killed: Killed, browser: Browser) -> None:
    assert "Eight teas" in browser.get("/").text
    visit.visit_pages(browser)


@pytest.mark.init("systemd")
def test_no_request_was_lost_meanwhile(killed: Killed, target: Target) -> None:
    load = killed.load[target.name]
    print(f"{len(killed.codes)} runs, {load['requests']} requests, {load['failed']} failed")
    assert load["requests"] > 200
    assert load["failed"] == 0, load["errors"]


@pytest.mark.init("sysvinit")
def test_users_hardly_noticed_without_systemd(killed: Killed, target: Target) -> None:
    load = killed.load[target.name]
    assert load["failed"] < load["requests"] / 20, load["errors"]
