"""A change and the verbs on a host without systemd: each keeps users waiting for a moment, and says how long."""

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

USERS = ("--get=https://localhost/api/", "--get=https://localhost/", "--live=wss://localhost/api/live")
OTHER = {"blue": "green", "green": "blue"}
GAP = re.compile(r"gap of this change: (\d+\.\d\d) s")


@dataclass
class Story:
    """Plays by name, and after each of them the colour and the release that serve; what users met."""

    plays: dict[str, Play] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    releases: dict[str, str] = field(default_factory=dict)
    untouched: list[list[str]] = field(default_factory=list)
    load: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(controller: Controller, targets: list[Target], apps: Path) -> Story:
    """A change of one app, a rollback, a restart and the way back, while users are there."""
    [host] = targets
    told = Story()

    def note(name: str, play: Play | None) -> None:
        if play:
            assert play.code == 0, f"{name}:\n{play.end}"
            told.plays[name] = play
        told.colours[name] = state.colour(host, "api")
        told.releases[name] = host.output(f"basename $(readlink /srv/gramex/api/run/{told.colours[name]}-1)")
        told.untouched.append(state.processes(host, "site"))

    note("before", None)
    with host.load(*USERS) as load:
        page = apps / "api" / "index.html"
        page.write_text(page.read_text(encoding="utf-8").replace("Guest book", "Guest book of today"), encoding="utf-8")
        note("change", controller.play())
        for name in ("rollback", "restart"):
            note(name, controller.play(f"ansible/playbooks/{name}.yml", "-e", "app=api"))
        release = told.releases["change"]
        note("forward", controller.play("ansible/playbooks/rollback.yml", "-e", "app=api", "-e", f"release={release}"))
        time.sleep(2)  # users go on afterwards
    told.load = load
    return told


def test_each_brings_its_release_as_the_other_colour(story: Story) -> None:
    before, after = story.releases["before"], story.releases["change"]
    assert before != after
    assert [*story.releases.values()] == [before, after, before, before, after]
    colours = [*story.colours.values()]
    assert [OTHER[colour] for colour in colours[:-1]] == colours[1:]


def test_the_gap_is_measured_and_said(story: Story) -> None:
    said = re.search(r"^api .* (\d+\.\d s|under 0\.1 s|none)$", story.plays["change"].output, re.MULTILINE)
    assert "Gap of this change" in story.plays["change"].output
    assert said, story.plays["change"].end
    print(f"gap of a change: {said[1]}")
    for name in ("rollback", "restart", "forward"):
        found = GAP.search(story.plays[name].output)
        assert found, story.plays[name].end
        print(f"{name}: {story.plays[name].seconds:.1f} s in all, gap {found[1]} s")


def test_users_hardly_notice(story: Story) -> None:
    load = story.load
    print(f"{load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["requests"] > 200
    assert load["failed"] < load["requests"] / 20, load["errors"]


def test_the_other_app_never_noticed(story: Story) -> None:
    assert story.untouched[0]
    assert all(processes == story.untouched[0] for processes in story.untouched)


def test_the_old_process_is_gone(story: Story, target: Target, browser: Browser) -> None:
    target.wait(f"! /etc/init.d/gramex-api status {OTHER[story.colours['forward']]} | grep -q draining", 30)
    assert len(state.processes(target, "api")) == 1
    assert "Guest book of today" in browser.get("/api/").text


def test_status_tells_what_runs_what_crashed_and_what_boots(
    story: Story, controller: Controller, target: Target
) -> None:
    target.output(f"kill -9 {' '.join(state.processes(target, 'shared'))}; update-rc.d gramex-site remove")
    play = controller.play("ansible/playbooks/status.yml")
    target.output("service gramex-shared mend; update-rc.d gramex-site defaults")
    assert play.code == 0, play.end
    assert set(play.changed.values()) == {0}
    serves = rf"{story.releases['forward']} +{story.colours['forward']} +running +\S+ \S+ +\d+ MiB +yes"
    assert re.search(rf"^api +{serves}$", play.output, re.MULTILINE), play.end
    assert re.search(r"^shared +.* crashed .* yes$", play.output, re.MULTILINE), play.end
    assert re.search(r"^site +.* running .* does not start at boot$", play.output, re.MULTILINE), play.end
    assert target.run("service gramex-shared status").returncode == 0


def test_logs_show_the_end_of_one_app(controller: Controller, target: Target, browser: Browser) -> None:
    browser.get("/api/add?x=31337")
    play = controller.play("ansible/playbooks/logs.yml", "-e", "app=api", "-e", "lines=30")
    assert play.code == 0, play.end
    assert "x=31337" in play.output, play.end
    assert "== site" not in play.output


def test_a_deploy_after_all_that_changes_nothing(story: Story, controller: Controller) -> None:
    assert set(controller.deploy().changed.values()) == {0}
