"""Reads the schema file into rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[3] / "schema" / "gramex_apps.yml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Rule:
    """What one value may be. The meaning of each field is at the top of the schema file."""

    type: str = "any"
    default: Any = None
    default_is: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    pattern: str = ""
    hint: str = ""
    minimum: int | None = None
    maximum: int | None = None
    items: Rule | None = None
    keys: Mapping[str, Rule] = field(default_factory=dict)
    names: str = ""
    names_hint: str = ""
    values: Rule | None = None
    built: bool = True
    windows: str = ""
    secret: bool = False
    also: tuple[str, ...] = ()
    example: Any = None
    help: str = ""


@dataclass(frozen=True)
class Schema:
    """The rules for a key of `gramex_apps`, the rules for variables, and the names that playbooks register."""

    apps: Mapping[str, Rule]
    variables: Mapping[str, Rule]
    registered: frozenset[str]


def rule(raw: Mapping[str, Any]) -> Rule:
    """Make a rule from its mapping. Raises ValueError for a field that rules do not have."""
    if unknown := set(raw) - {item.name for item in fields(Rule)}:
        raise ValueError(f"a rule has no field {', '.join(sorted(unknown))}")
    made = dict(raw)
    for name in ("choices", "later", "also"):
        if name in made:
            made[name] = tuple(made[name])
    for name in ("items", "values"):
        if name in made:
            made[name] = rule(made[name])
    if "keys" in made:
        made["keys"] = {key: rule(value) for key, value in made["keys"].items()}
    return Rule(**made)


def other_words(rules: Mapping[str, Rule]) -> dict[str, str]:
    """Map each word in a rule's `also` to the rule's name."""
    return {word: name for name, each in rules.items() for word in each.also if word not in rules}


@lru_cache(maxsize=1)
def load(file: Path = FILE) -> Schema:
    """Read the schema file. Raises OSError, yaml.YAMLError or ValueError: the file is ours, so these are our faults."""
    raw = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 a safe loader, in C where there is one
    return Schema(
        apps={name: rule(value) for name, value in raw["apps"].items()},
        variables={name: rule(value) for name, value in raw["variables"].items()},
        registered=frozenset(raw["registered"]),
    )
