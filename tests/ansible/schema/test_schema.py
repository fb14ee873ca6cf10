"""The schema holds what the design promises, and everything that is made from it is current."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from gramex_plan.schema import Rule, load, rule
from gramex_plan.values import CONVERTERS, Checker

ROOT = Path(__file__).resolve().parents[3]
ROLES = ROOT / "ansible" / "roles"
SCHEMA = load()
RENDER = runpy.run_path(str(ROOT / "ansible" / "schema" / "render.py"))
# The key table of the design.
KEYS = [
    *(
        "name",
        "hosts",
        "source",
        "version",
        "checksum",
        "apps",
        "domain",
        "path",
        "strip",
        "redirect",
        "port",
        "expose",
    ),
    *(
        "tls",
        "instances",
        "limits",
        "health",
        "observe",
        "drain",
        "keep",
        "env",
        "secrets",
        "shared",
        "static",
        "cache",
    ),
    *("max_upload", "timeout", "schedule", "needs", "sandbox", "user", "python", "distribution", "check", "monitor"),
    *("state", "remove_data"),
]


def rules(found: dict[str, Rule], prefix: str = "") -> Iterator[tuple[str, Rule]]:
    """Every rule under its dotted name, the inner ones too."""
    for name, each in found.items():
        yield f"{prefix}{name}", each
        inner = {**each.keys, **(each.items.keys if each.items else {}), **(each.values.keys if each.values else {})}
        yield from rules(dict(inner), f"{prefix}{name}.")


ALL = [*rules(dict(SCHEMA.apps)), *rules(dict(SCHEMA.variables), "variables: ")]


def test_it_has_the_whole_table() -> None:
    assert list(SCHEMA.apps) == KEYS


@pytest.mark.parametrize(("name", "each"), ALL, ids=[name for name, _rule in ALL])
def test_rule_is_sound(name: str, each: Rule) -> None:
    assert each.type in {*CONVERTERS, "list", "map", "any"}
    assert name.startswith("variables: ") or each.help.endswith(".")
    assert bool(each.pattern) == bool(each.hint)
    assert bool(each.names) == bool(each.names_hint)
    assert not each.choices or each.default is None or each.default in each.choices
    assert set(each.later) <= set(each.choices)
    assert not each.default_is or each.default in (None, [], "/")
    re.compile(each.pattern)


@pytest.mark.parametrize(("name", "each"), ALL, ids=[name for name, _rule in ALL])
def test_example_and_default_are_right_themselves(name: str, each: Rule) -> None:
    checker = Checker()
    for value in (each.example, each.default):
        if value is not None and value not in each.later:
            checker.value(each, value, name)
    assert checker.problems == []


def test_a_rule_with_a_typing_error_is_refused() -> None:
    with pytest.raises(ValueError, match="a rule has no field patern"):
        rule({"type": "str", "patern": "x"})


def test_what_is_made_from_it_is_current() -> None:
    stale = [str(file.relative_to(ROOT)) for file, _text in RENDER["stale"]()]
    assert stale == [], "run: python ansible/schema/render.py"


def declared() -> dict[str, Any]:
    """Every variable of every role."""
    files = ROLES.glob("*/defaults/main.yml")
    return {name: value for file in files for name, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()}


def test_rules_are_for_variables_that_exist() -> None:
    assert set(SCHEMA.variables) - set(declared()) == set()


def test_variables_carry_their_roles_prefix() -> None:
    for file in ROLES.glob("*/defaults/main.yml"):
        role = file.parents[1].name
        assert [
            name for name in yaml.safe_load(file.read_text(encoding="utf-8")) if not name.startswith(f"{role}_")
        ] == []


def test_every_variable_has_a_comment() -> None:
    for role in RENDER["ROLES"]:
        assert [variable.name for variable in RENDER["variables"](role, SCHEMA) if not variable.help] == []


def test_defaults_fit_their_rules() -> None:
    checker = Checker()
    for role in RENDER["ROLES"]:
        for variable in RENDER["variables"](role, SCHEMA):
            checker.value(variable.rule, variable.default, variable.name)
    assert checker.problems == []


def registered(node: Any) -> Iterator[str]:
    """Names that tasks set: by `register`, and by `set_fact`."""
    if isinstance(node, dict):
        if isinstance(node.get("register"), str):
            yield node["register"]
        facts = node.get("ansible.builtin.set_fact") or node.get("set_fact") or {}
        yield from (name for name in facts if name != "cacheable")
        for value in node.values():
            yield from registered(value)
    elif isinstance(node, list):
        for item in node:
            yield from registered(item)


def test_names_that_tasks_set_are_not_taken_for_typing_errors() -> None:
    files = [ROOT / "site.yml", *(ROOT / "ansible" / "playbooks").glob("*.yml"), *ROLES.glob("*/tasks/*.yml")]
    names = {name for file in files for name in registered(yaml.safe_load(file.read_text(encoding="utf-8")))}
    assert names >= {"gramex_plan", "gramex_result", "nginx_result"}
    assert {name for name in names if re.match(r"(gramex|nginx|winservice|firewall)_", name)} <= SCHEMA.registered
