"""A run that is killed at any task: the next one converges, without help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from system import state, visit
from system.controller import Controller
from system.target import Browser, Target

BEGINS = re.compile(r"^  \S+: .+? \.\.\. ", re.MULTILINE)  # how the gramex callback announces a task


def at_task(number: int) -> Callable[[str], bool]:
    """Stop when the task of this number, from 1, begins."""
    return lambda output: len(BEGINS.findall(output)) >= number


def in_task(title: str, seconds: float) -> Callable[[str], bool]:
    """Stop some seconds after the task of this title began."""
    began: list[float] = []

    def stop(output: str) -> bool:
        if not began and f": {title} ... " in output:
            began.append(time.monotonic())
        return bool(began) and time.monotonic() - began[0] >= seconds

    return stop


def kill_everywhere(controller: Controller) -> list[int]:
    """Kill a run at its first task, the next one at its second, and so on until one gets through; exit codes."""
    codes = []
    for number in range(1, 30):
        play = controller.play("site.yml", stop=at_task(number))
        codes.append(play.code)
        if play.code == 0:
            return codes
        assert play.code == -9, play.end
    raise AssertionError(f"no run got through: {codes}")


@pytest.fixture(scope="module")
def first(controller: Controller) -> list[int]:
    """The first deploy on empty hosts, killed at every task."""
    return kill_everywhere(controller)


def test_a_first_deploy_that_was_killed_at_every_task_converges(
    first: list[int], controller: Controller, target: Target, browser: Browser
) -> None:
    assert len(first) > 5, first
    assert set(controller.deploy().changed.values()) == {0}
    visit.visit_pages(browser)
    assert visit.log_in(browser, "from the vault") == 302
    visit.talk(browser)


@pytest.fixture(scope="module")
def second(first: list[int], controller: Controller, targets: list[Target], apps: Path) -> list[int]:
    """A change that is killed on both sides while it is brought into service, each time later; exit codes."""
    page = apps / "site" / "index.template.html"
    page.write_text(re.sub(r"[A-Z]\w+ teas", "Eight teas", page.read_text(encoding="utf-8")), encoding="utf-8")
    codes = []
    for seconds in (0.3, 1, 2, 4, 8, 16, 40, 80):
        play = controller.play("site.yml", stop=in_task("Bring releases into service", seconds))
        codes.append(play.code)
        if play.code == 0:
            return codes
        for target in targets:
            target.run("pkill -9 -x -f /usr/bin/python3")  # the module: its code came by standard input
    raise AssertionError(f"no run got through: {codes}")


def test_a_change_that_was_killed_at_any_moment_converges(
    second: list[int], controller: Controller, target: Target, browser: Browser
) -> None:
    assert len(second) > 1, second
    assert set(controller.deploy().changed.values()) == {0}
    assert "Eight teas" in browser.get("/").text
    visit.visit_pages(browser)
    assert state.colour(target, "site") in ("blue", "green"), "both colours run"
