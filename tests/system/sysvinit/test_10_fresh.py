"""A fresh host without systemd: what a dry run says of it, and the first deploy."""

from __future__ import annotations

from typing import Any

import pytest

from system import traces
from system.controller import Controller, Play
from system.target import Target


@pytest.fixture(scope="module")
def first(targets: list[Target], controller: Controller) -> dict[str, Any]:
    """A dry run, what it left behind, the first deploy and one more."""
    [target] = targets
    before = target.snapshot()
    return {
        "check": controller.play("site.yml", "--check", "--diff", "-vvv"),
        "left": traces.left_behind(before, target.snapshot(), before),
        "deploy": controller.deploy("--diff"),
        "again": controller.deploy(),
    }


def test_a_dry_run_before_the_first_says_what_would_be_done(first: dict[str, Any], target: Target) -> None:
    play: Play = first["check"]
    assert play.code == 0, play.end
    assert play.changed[target.name] > 0
    for words in (
        "user gramex-site made",
        "# Provides:          gramex-api",
        "gramex-shared enabled",
        "ssl_certificate",
    ):
        assert words in play.output, play.output


def test_a_dry_run_changes_nothing(first: dict[str, Any]) -> None:
    assert first["left"] == []


@pytest.mark.parametrize("name", ["check", "deploy"])
def test_no_secret_is_shown(name: str, first: dict[str, Any], target: Target) -> None:
    assert "from the vault" in target.output("cat /etc/gramex/site/secrets.yaml")
    assert "from the vault" not in first[name].output
    assert "PRIVATE KEY" not in first[name].output


def test_a_second_deploy_changes_nothing(first: dict[str, Any], target: Target) -> None:
    play: Play = first["again"]
    assert play.changed == {target.name: 0}, play.end
    print(f"{target.name}: an unchanged deploy took {play.seconds:.1f} s")
