"""Apps from a git repository, an archive and a folder of the host: what arrives, and what is said of a wrong one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from system import state
from system.controller import Controller, Play
from system.target import Browser, Target

PLACES = {"mixed": ("repository/", "packed/"), "copied": ("",)}
NEW = f"Copied at {time.time()}"  # no release of an earlier run has it
SUM = "sha256:" + 64 * "0"


def release(target: Target, app: str) -> str:
    """The folder of the release that serves."""
    return target.output(f"readlink -f /srv/gramex/{app}/run/$(cat /srv/gramex/{app}/active)-1")


@pytest.mark.parametrize("path", ["/mixed/repository/", "/mixed/packed/", "/copied/"])
def test_each_form_serves_the_version_that_was_asked_for(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status, answer.text) == (200, f"<h1>This is {path.strip('/').rpartition('/')[2]}</h1>\n")


@pytest.mark.parametrize(("app", "place"), [(app, place) for app, places in PLACES.items() for place in places])
def test_what_travels_and_what_does_not(target: Target, app: str, place: str) -> None:
    folder = f"{release(target, app)}/{place}"
    assert target.output(f"readlink {folder}link") == "index.html"
    assert target.output(f"stat -c '%A %U:%G' {folder}run.sh {folder}index.html").splitlines() == [
        f"-rwxr-x--- root:gramex-{app}",
        f"-rw-r----- root:gramex-{app}",
    ]
    if place != "repository/":  # git knows no empty folders
        assert target.output(f"ls -A {folder}empty") == ""
    hidden = set(target.output(f"ls -A {folder}").split()) & {".git", ".venv", ".secrets.yaml"}
    assert hidden == set()


def test_setup_ran_as_the_apps_user_with_the_tools_that_were_named(target: Target) -> None:
    folder = release(target, "copied")
    assert target.output(f"cat {folder}/made-by.txt {folder}/which-tool.txt").split() == [
        "gramex-copied",
        "/opt/tools/tool",
    ]
    assert target.output(f"stat -c '%A %U:%G' {folder}/made-by.txt {folder}/made").splitlines() == [
        "-rw-r----- root:gramex-copied",
        "drwxr-x--- root:gramex-copied",
    ]
    assert (
        target.output(f"{folder}/../../venvs/$(cat /srv/gramex/copied/active)-1/bin/python -c 'import iniconfig'") == ""
    )


def test_a_setup_that_fails_changes_nothing(controller: Controller, target: Target) -> None:
    before, there = release(target, "copied"), state.releases(target, "copied")
    target.output(f"echo '<h1>{NEW}</h1>' >/opt/copied/index.html && echo exit 3 >>/opt/copied/setup.sh")
    play = controller.play()
    assert play.code != 0
    assert "setup.sh: failed with exit code 3" in play.output, play.end
    assert (release(target, "copied"), state.releases(target, "copied")) == (before, there)


def test_what_changed_elsewhere_is_a_new_release(
    controller: Controller, target: Target, browser: Browser, apps: Path
) -> None:
    before = {app: release(target, app) for app in ("site", "mixed", "copied")}
    target.output("sed -i '$d' /opt/copied/setup.sh")
    folder = apps / "repository"
    subprocess.run(["git", "-C", str(folder), "tag", "-f", "v1.0", "HEAD"], check=True, capture_output=True)
    play = controller.deploy()
    assert "package.json: skipped: there is no npm" in play.output, play.end
    assert browser.get("/copied/").text == f"<h1>{NEW}</h1>\n"
    assert browser.get("/mixed/repository/").text == "<h1>This is no version yet</h1>\n"
    after = {app: release(target, app) for app in before}
    assert [app for app in before if before[app] != after[app]] == ["mixed", "copied"]


@pytest.fixture
def refuse(controller: Controller) -> Callable[..., Play]:
    """Deploy one app, insist that it is refused without a traceback; the play comes back."""

    def run(**keys: Any) -> Play:
        told = {"gramex_apps": [{"name": "other", "domain": "localhost", "path": "/other/", **keys}]}
        play = controller.play("site.yml", "-e", json.dumps(told))
        assert play.code != 0, play.end
        assert "Traceback" not in play.output, play.output
        return play

    return run


def test_wrong_sources_are_named_all_at_once(controller: Controller, refuse: Callable[..., Play], apps: Path) -> None:
    play = refuse(source={"host": "/opt/other"})
    assert "gramex_apps[0] (other).source: there is no folder /opt/other on trixie" in play.output, play.end
    repository = f"file://{apps / 'repository'}"
    play = refuse(
        apps=[
            {"name": "app-a", "source": repository, "version": "v1.O"},
            {"name": "app-b", "source": str(apps / "packed.zip"), "checksum": SUM},
            {"name": "app-c", "source": f"{repository}-not"},
            {"name": "app-d", "source": "https://127.0.0.1:1/x.zip"},
        ]
    )
    assert "4 things to mend" in play.output, play.end
    assert "(other).apps[0].version: there is no branch, tag or commit `v1.O`" in play.output
    assert "Did you mean `v1.0`?" in play.output
    assert "(other).apps[1].checksum: " in play.output
    assert f"and should have {SUM}" in play.output
    assert "(other).apps[2].source: git cannot read file://" in play.output
    assert "(other).apps[3].checksum: is missing" in play.output
