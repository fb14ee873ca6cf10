"""Checks the variables of roles: their names against what the roles declare, their values against type and rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gramex_plan.apps import LIST
from gramex_plan.nearest import nearest
from gramex_plan.schema import Rule, Schema
from gramex_plan.values import Checker

PREFIX = re.compile(r"(gramex|nginx|winservice|firewall)_")
TYPES: tuple[tuple[type, str], ...] = ((bool, "bool"), (int, "int"), (str, "str"), (list, "list"), (dict, "map"))
# What no rule restricts still ends up in files of the host: one line, no control characters.
ONE_LINE = Rule(type="str", pattern="[^\\x00-\\x1f\\x7f]*", hint="one line of text without control characters")


def rule_of(name: str, default: Any, schema: Schema) -> Rule:
    """The rule of a variable: the schema's where it has one, else by the type of the default."""
    if name in schema.variables:
        return replace(schema.variables[name], default=default)
    kind = next((word for known, word in TYPES if isinstance(default, known)), "any")
    return replace(ONE_LINE, default=default) if kind == "str" else Rule(type=kind, default=default)


def check_names(values: Mapping[str, Any], declared: Iterable[str], schema: Schema, checker: Checker) -> None:
    """Note each variable with a role's prefix that no role declares."""
    known = {LIST, *declared}
    for name, value in values.items():
        if not PREFIX.match(name) or name in known or name in schema.registered:
            continue
        near = nearest(name, known)
        meant = f"Did you mean `{near}`?" if near else "The README of each role lists its variables."
        checker.add(f"no role has this variable. {meant}", str(name), checker.where(name) or checker.where(value))


def settings(
    values: Mapping[str, Any], declared: Mapping[str, Any], schema: Schema, checker: Checker
) -> dict[str, Any]:
    """Return every declared variable in its type: what the operator gave (`values`), else the role's default."""
    made = {}
    for name, default in declared.items():
        if name == LIST:
            continue
        rule = rule_of(name, default, schema)
        made[name] = checker.value(rule, values[name], name, checker.where(values[name])) if name in values else default
    return made
