"""Secrets reach the action that ships them, and nothing that is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gramex_plan.secrets import secret_values

HUSH = "hush-4711"


def test_values_by_app() -> None:
    apps = [
        {"name": "site", "secrets": {"TOKEN": HUSH, "PIN": 12, "ALLOW": True}},
        {"name": "api", "secrets": f"{{TOKEN: {HUSH}}}"},
        {"name": "plain"},
        {"name": "none", "secrets": None},
    ]
    assert secret_values(apps) == {"site": {"TOKEN": HUSH, "PIN": 12, "ALLOW": True}, "api": {"TOKEN": HUSH}}
    assert secret_values(json.dumps(apps)) == secret_values(apps)
    assert secret_values(None) == {}


def test_values_lose_the_marks_of_their_reader() -> None:
    class Marked(str):
        """What Ansible makes of a text."""

    value = secret_values([{"name": "site", "secrets": {"TOKEN": Marked(HUSH)}}])["site"]["TOKEN"]
    assert type(value) is str


def test_no_plan_and_no_problem_shows_a_value(planned: Callable[..., tuple[dict[str, Any], list[str]]]) -> None:
    wrong = [{"A": [HUSH]}, {"A-B": HUSH}, {"A": {"b": HUSH}}, HUSH, [HUSH], {HUSH[:4]: HUSH}]
    for secrets in wrong:
        plan, problems = planned({"gramex_apps": [{"name": "site", "source": "examples/site", "secrets": secrets}]})
        assert HUSH not in json.dumps(plan) + "".join(problems)


def test_no_problem_shows_a_value_of_env(planned: Callable[..., tuple[dict[str, Any], list[str]]]) -> None:
    for value in (f"{HUSH}\n", [HUSH], {"a": HUSH}):
        _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "examples/site", "env": {"A": value}}]})
        assert problems
        assert HUSH not in "".join(problems)
