"""`make undeploy`: every trace is gone but packages and data, and the data as well when they are asked for."""

from __future__ import annotations

import json
from typing import Any

from system import state, traces
from system.target import REMOTE, Target

DATA = r"/var/lib/gramex(/|$)|/etc/(passwd|group|shadow|gshadow)$"  # who owns the data stays with them


def before(target: Target) -> dict[str, Any]:
    return json.loads(target.output(f"cat {REMOTE}/before.json"))


def undeploy(target: Target, arguments: str = "") -> str:
    done = target.run(f"cd /root/gramex && make undeploy {arguments} 2>&1", timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def test_nothing_but_data_is_left(references: dict[str, dict[str, Any]], target: Target) -> None:
    output = undeploy(target)
    assert "\n".join(traces.left_behind(before(target), target.snapshot(), references[target.name], DATA)) == "", output
    assert target.output("ls /var/lib/gramex/api/data/api") == "book.db"
    assert not state.runs(target, "nginx")


def test_the_data_go_when_they_are_asked_for(references: dict[str, dict[str, Any]], target: Target) -> None:
    output = undeploy(target, "ARGS='-e gramex_remove_data=true'")
    assert "\n".join(traces.left_behind(before(target), target.snapshot(), references[target.name])) == "", output


def test_again_there_is_nothing_to_do(target: Target) -> None:
    assert "changed=0" in undeploy(target)
