"""The machine restarts: all apps that served before serve again, and their users are still logged in."""

from __future__ import annotations

import pytest

from system import state, visit
from system.target import Browser, Target

APPS = ("site", "api", "shared")


@pytest.fixture(scope="module")
def restarted(targets: list[Target]) -> dict[str, tuple[Browser, list[str]]]:
    """By host: somebody who logged in before the restart, and the colours that served."""
    before = {}
    for target in targets:
        browser = Browser(target, "/etc/gramex/tls/localhost/cert.pem")
        assert visit.log_in(browser, "from the vault") == 302
        before[target.name] = (browser, [state.colour(target, app) for app in APPS])
    for target in targets:
        target.restart()
    return before


def test_pages_and_sessions_are_back(restarted: dict[str, tuple[Browser, list[str]]], target: Target) -> None:
    browser, _ = restarted[target.name]
    target.wait("ss -lnt | grep -q :443")
    if target.init != "systemd":  # scripts run one after another, and a runlevel is reached before they have ended
        for app in APPS:
            target.wait(f"test -S /run/gramex/{app}/{app}.sock")
    visit.visit_pages(browser)
    assert visit.is_member(browser), "the session was lost"


def test_the_active_colours_are_back(restarted: dict[str, tuple[Browser, list[str]]], target: Target) -> None:
    _, colours = restarted[target.name]
    assert [state.colour(target, app) for app in APPS] == colours
    assert [len(state.processes(target, app)) for app in APPS] == [1, 1, 1]


@pytest.mark.init("systemd")
def test_no_unit_has_failed(restarted: dict[str, tuple[Browser, list[str]]], target: Target) -> None:
    assert target.output("systemctl list-units --failed --plain --no-legend") == ""
