"""Undeploy with the data: the host is as it was before the first deploy, but for packages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system import traces
from system.controller import Controller, Play
from system.target import REMOTE, Target, root_folder


@pytest.fixture(scope="module")
def purged(controller: Controller) -> Play:
    return controller.play("ansible/playbooks/remove.yml", "-e", "gramex_remove_data=true")


def test_nothing_is_left(purged: Play, target: Target) -> None:
    assert purged.code == 0, purged.end
    before: dict[str, Any] = json.loads(target.output(f"cat {REMOTE}/before.json"))
    after = target.snapshot()
    packages = traces.new_packages(before, after)
    tools = root_folder() / "tests" / "system" / "remote"
    left = traces.left_behind(before, after, traces.reference(target.image(), packages, tools))
    assert "\n".join(left) == ""
