"""Rollback, restart, status and logs of an app that has users: no request is lost, and each verb says what it did."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from system import state
from system.controller import Controller, Play
from system.target import Browser, Target

USERS = ("--get=https://localhost/", "--post=https://localhost/api/entries", "--live=wss://localhost/api/live")
TURNS = 2
DRAIN = 5  # seconds, as the inventory says
OTHER = {"blue": "green", "green": "blue"}


def verb(controller: Controller, name: str, **variables: Any) -> Play:
    """Run the playbook of a verb."""
    options = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
    return controller.play(f"ansible/playbooks/{name}.yml", *options)


@dataclass
class Story:
    """What users of two apps met while verbs ran, and what each verb left."""

    releases: list[str] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    serving: list[str] = field(default_factory=list)
    plays: dict[str, Play] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


@pytest.fixture(scope="module")
def story(controller: Controller, host: Target, apps: Path) -> Story:
    """One change, then a rollback, a deploy that must not undo it, a restart, and back and forth a few times."""
    told = Story()

    def note(name: str, play: Play) -> None:
        assert play.code == 0, f"{name}:\n{play.end}"
        told.plays[name] = play
        told.colours.append(host.output("cat /srv/gramex/api/active"))
        told.serving.append(host.output(f"basename $(readlink /srv/gramex/api/run/{told.colours[-1]}-1)"))

    with host.load(*USERS, seconds=500) as load:
        page = apps / "api" / "index.html"
        page.write_text(page.read_text(encoding="utf-8").replace("Guest book", "Guest book of today"), encoding="utf-8")
        note("deploy", controller.play())
        told.releases = state.releases(host, "api")
        note("rollback", verb(controller, "rollback", app="api"))
        note("again", controller.play())
        note("restart", verb(controller, "restart", app="api"))
        for turn in range(TURNS):
            release = told.releases[(turn + 1) % 2]
            note(f"turn {turn}", verb(controller, "rollback", app="api", release=release))
        time.sleep(DRAIN + 2)  # the last old colour has drained
    told.load = load
    return told


def test_a_rollback_brings_the_release_before(story: Story) -> None:
    old, new = story.releases
    assert story.serving[:2] == [new, old]
    play = story.plays["rollback"]
    print(f"a rollback took {play.seconds:.1f} s in all")
    assert re.search(rf"^api +{old} ", play.output, re.MULTILINE), play.end
    assert list(play.changed.values()) == [1]


def test_a_deploy_does_not_undo_a_rollback(story: Story) -> None:
    old, new = story.releases
    play = story.plays["again"]
    assert story.serving[2] == old
    assert set(play.changed.values()) == {0}, play.end
    assert f"somebody went back from release {new}" in play.output, play.end


def test_a_restart_starts_the_same_release_as_the_other_colour(story: Story) -> None:
    assert story.serving[3] == story.serving[2]
    assert story.colours[3] == OTHER[story.colours[2]]


def test_back_and_forth(story: Story) -> None:
    assert story.serving[4:] == [story.releases[(turn + 1) % 2] for turn in range(TURNS)]
    assert [OTHER[colour] for colour in story.colours[3:-1]] == story.colours[4:]


def test_no_request_is_lost(story: Story) -> None:
    load = story.load
    print(f"{load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["requests"] > 1000
    assert load["failed"] == 0, load["errors"]
    assert load["reconnected"] >= TURNS


def test_every_process_of_the_old_colours_is_gone(story: Story, host: Target) -> None:
    host.wait("test $(systemctl list-units --plain --no-legend --state=active 'gramex-api@*' | wc -l) = 1", 30)
    assert state.colour(host, "api") == story.colours[-1]
    assert len(state.processes(host, "api")) == 1


def test_users_get_what_serves(story: Story, target: Target, browser: Browser) -> None:
    assert ("Guest book of today" in browser.get("/api/").text) == (story.serving[-1] == story.releases[1])


def test_status_shows_what_runs(story: Story, controller: Controller, host: Target) -> None:
    play = verb(controller, "status")
    assert play.code == 0, play.end
    assert set(play.changed.values()) == {0}
    row = re.search(r"^api +(\S+) +(\w+) +(\w+) +(\S+ \S+) +(\d+ MiB) +(\d+) +(\w+)$", play.output, re.MULTILINE)
    assert row, play.end
    assert row.groups()[:3] == (story.serving[-1], story.colours[-1], "running")
    assert row.groups()[5:] == ("0", "yes")
    host.output(f"systemctl kill --signal=KILL gramex-api@{story.colours[-1]}-1.service")
    host.wait(f"systemctl is-active -q gramex-api@{story.colours[-1]}-1.service", 30)
    play = verb(controller, "status", app="api")
    assert re.search(r"^api +.* MiB +1 +yes$", play.output, re.MULTILINE), play.end
    assert "site" not in play.output


def test_logs_show_the_end_of_one_app(story: Story, controller: Controller, browser: Browser, target: Target) -> None:
    browser.get("/api/add?x=31337")
    play = verb(controller, "logs", app="api", lines=30)
    assert play.code == 0, play.end
    lines = [line for line in play.output.splitlines() if re.match(r"    \d{4}-\d\d-\d\dT", line)]
    assert len(lines) == 30
    assert any("x=31337" in line for line in lines), play.end
    assert "gramex-site" not in play.output


@pytest.mark.parametrize(
    ("name", "variables", "says"),
    [
        ("rollback", {"app": "appi"}, "there is no app `appi`. Did you mean `api`?"),
        ("rollback", {"app": "api", "release": "R1"}, "there is no release R1"),
        ("logs", {"lines": "many"}, "must be a whole number"),
    ],
)
def test_a_verb_says_what_is_wrong(
    story: Story, controller: Controller, name: str, variables: dict[str, str], says: str
) -> None:
    play = verb(controller, name, **variables)
    assert play.code != 0
    assert says in play.output, play.end
    assert "Traceback" not in play.output
