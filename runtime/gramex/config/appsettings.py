"""Checks the ``app:`` section against the declared options, and gives values from the environment their type."""

from __future__ import annotations

import logging
from typing import Any

from gramex.options import OPTIONS

from .problem import Problem
from .tree import Place, Section, find_place

# Keys below which every name is allowed: they go to Tornado, or to a store of the app's own.
_SECTIONS = ("listen", "admin", "settings", "session")


def check_app(conf: dict[str, Any], tree: Section) -> list[Problem]:
    """Return what is wrong in ``conf['app']``; values are converted in place."""
    app = conf.get("app")
    if app is None:
        return []
    if not isinstance(app, dict):
        return [_problem(f"must be a mapping such as {{listen: {{port: 9988}}}}, not {app!r}", ("app",), tree)]
    problems = []
    for name in _SECTIONS:
        if name in app and not isinstance(app[name], dict):
            if name == "session" and isinstance(app[name], bool):
                continue
            problems.append(_problem(f"must be a mapping, not {app[name]!r}", ("app", name), tree))
            del app[name]
    for option in OPTIONS:
        section, _, key = option.name.rpartition(".")
        values = app.get(section) if section else app
        if isinstance(values, dict) and key in values:
            try:
                values[key] = option.convert(values[key])
            except ValueError as error:
                problems.append(_problem(str(error), ("app", *option.name.split(".")), tree))
    return problems


def _problem(message: str, keys: tuple[str, ...], tree: Section) -> Problem:
    place: Place | None = find_place(tree, keys)
    file, line = place or (None, None)
    return Problem(logging.CRITICAL, message, file, line, ".".join(keys))
