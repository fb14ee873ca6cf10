"""Evaluates the ``variables:`` section of a file."""

from __future__ import annotations

import logging
from typing import Any

from .problem import Problem
from .substitute import IF, Substitution
from .tree import Section, sections

SECTION = "variables"
_COMPUTED = {"function", "args", "kwargs", "default", "comment"}


def define(conf: Section, substitution: Substitution, table: dict[str, Any]) -> None:
    """Take the ``variables:`` section off `conf`, and set in `table` what it defines, in order.

    Mistakes go to `substitution.problems`.

    Raises:
        TooLarge: the variables multiply one another too much.
    """
    for key in [key for key in conf if isinstance(key, str) and (key == SECTION or key.startswith(SECTION + IF))]:
        place = conf.places.get(key)
        section = conf.take(key)
        if key != SECTION and not substitution.holds(key.partition(IF)[2], (key,), place):
            continue
        if section is None:
            continue
        if not isinstance(section, Section):
            _report(substitution, "must be a mapping of names and values", SECTION, place[1] if place else None)
            continue
        if any(isinstance(name, str) and IF in name for name in section):
            substitution.decide(section, (SECTION,))
        for name, value in section.items():
            _define(str(name), value, substitution, table, substitution.line(section, name))


def _define(name: str, value: Any, substitution: Substitution, table: dict[str, Any], line: int | None) -> None:
    keys = (SECTION, name)
    if not _is_rule(value):
        table[name] = substitution.apply(value, keys, line)
        return
    if "function" in value:
        substitution.apply(value, keys, line)
        result = _compute(name, value, substitution, line)
        table[name] = value.get("default") if result is None else result
        return
    if name in table:
        return
    default = substitution.apply(value["default"], (*keys, "default"), line)
    if isinstance(default, dict) and "function" in default and default.keys() <= _COMPUTED:
        result = _compute(name, default, substitution, line)
        default = default.get("default") if result is None else result
    table[name] = default


def _is_rule(value: Any) -> bool:
    """Return whether a variable is computed or has a default, rather than being a mapping itself."""
    return isinstance(value, dict) and ("function" in value or "default" in value) and value.keys() <= _COMPUTED


def _compute(name: str, spec: dict[Any, Any], substitution: Substitution, line: int | None) -> Any:
    """Return what a function gives for a variable; None, and a problem, if it fails."""
    from .expression import compute  # most configurations compute nothing

    try:
        # Mappings become sections, so that `import.merge: $NAME` can say where their keys come from.
        return sections(compute(spec, {"key": name}), (substitution.path, line) if line else None)
    except Exception as error:
        has_default = "default" in spec
        rest = "The default is used" if has_default else "Give it a default:"
        message = f"function: failed with {type(error).__name__}: {error}. {rest}"
        problem = Problem(logging.ERROR, message, substitution.path, line, f"{SECTION}.{name}", harmless=has_default)
        substitution.problems.append(problem)
        return None


def _report(substitution: Substitution, message: str, key: str, line: int | None) -> None:
    substitution.problems.append(Problem(logging.ERROR, message, substitution.path, line, key))
