"""The next deploy finds the data again; undeploy with the data, and the host is as it was before, but for packages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system import traces, visit
from system.controller import Controller, Play
from system.target import REMOTE, Browser, Target

AUTHORITY = "/etc/gramex/tls/localhost/cert.pem"


@pytest.fixture(scope="module")
def purged(controller: Controller, targets: list[Target], references: dict[str, dict[str, Any]]) -> Play:
    """A deploy on hosts that kept the data, a look at them, a removal of all; without systemd only of the data."""
    systemd = [target for target in targets if target.init == "systemd"]
    if systemd:
        controller.deploy()
    for target in systemd:
        browser = Browser(target, AUTHORITY)
        visit.visit_pages(browser)
        assert "kept" in [entry["text"] for entry in browser.get("/api/entries").json()]
    return controller.play("ansible/playbooks/remove.yml", "-e", "gramex_remove_data=true")


def test_nothing_is_left(purged: Play, references: dict[str, dict[str, Any]], target: Target) -> None:
    assert purged.code == 0, purged.end
    before: dict[str, Any] = json.loads(target.output(f"cat {REMOTE}/before.json"))
    assert "\n".join(traces.left_behind(before, target.snapshot(), references[target.name])) == ""
