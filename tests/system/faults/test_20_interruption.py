"""A first deploy that is killed at any task: the next one converges, without help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from system import visit
from system.controller import Controller
from system.target import Browser, Target

UNDER_WAY = re.compile(r"^  \S+: (.+?) \.\.\. $")  # a task that was announced, and has no result yet
WHILE = 0.15  # seconds: one that is not needed has its result sooner


def in_a_new_task(tried: list[str]) -> Callable[[str], bool]:
    """Stop in the first task that is under way and is not among those that were `tried`; note its title there."""
    began: dict[str, float] = {}

    def stop(output: str) -> bool:
        found = UNDER_WAY.match(output.rpartition("\n")[2])
        if not found or found[1] in tried:
            return False
        if time.monotonic() - began.setdefault(found[1], time.monotonic()) < WHILE:
            return False
        tried.append(found[1])
        return True

    return stop


def kill_everywhere(controller: Controller) -> list[str]:
    """Kill a run in its first task, the next one in its second, until one gets through; the titles of the tasks."""
    tried: list[str] = []
    for _ in range(30):
        play = controller.play("site.yml", stop=in_a_new_task(tried))
        if play.code == 0:
            return tried
        assert play.code == -9, play.end
    raise AssertionError(f"no run got through: {tried}")


@pytest.fixture(scope="module")
def first(controller: Controller) -> list[str]:
    """The first deploy on empty hosts, killed at every task."""
    return kill_everywhere(controller)


def test_a_first_deploy_that_was_killed_at_every_task_converges(
    first: list[str], controller: Controller, target: Target, browser: Browser
) -> None:
    print(f"killed in: {', '.join(first)}")
    assert {"Bring releases into service", "Install nginx", "Serve the sites"} <= set(first), first
    assert set(controller.deploy().changed.values()) == {0}
    visit.visit_pages(browser)
    assert visit.log_in(browser, "from the vault") == 302
    visit.talk(browser)
