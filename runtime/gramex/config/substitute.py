"""Puts variables into texts, and decides which keys with a condition hold."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .problem import Problem
from .tree import Budget, Section, copy

# $$, $NAME, ${NAME}, or a dollar that is none of these. Names are ASCII, as in string.Template.
_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\}|)")
IF = " if "


class Substitution:
    """One pass over the content of one file.

    `fatal` collects the mistakes that stop the start, `problems` the others. `imports` tells whether there are any
    keys that name other files.
    """

    def __init__(self, path: Path, variables: Mapping[str, Any], budget: Budget):
        self.path, self.variables, self.budget = path, variables, budget
        self.problems: list[Problem] = []
        self.fatal: list[Problem] = []
        self.imports = False

    def apply(self, value: Any, keys: tuple[Any, ...] = (), line: int | None = None) -> Any:
        """Return `value`, which is changed in place, with conditions decided and variables substituted.

        Raises:
            TooLarge: the variables multiply it too much.
        """
        if isinstance(value, str):
            return self.text(value, keys, line) if "$" in value else value
        if isinstance(value, Section):
            return self.section(value, keys)
        if isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, (str, list, dict)):
                    value[index] = self.apply(each, keys, line)
        return value

    def section(self, section: Section, keys: tuple[Any, ...]) -> Section:
        """Return a mapping treated in place."""
        names = [key for key in section if isinstance(key, str)]
        if any(IF in key for key in names):
            self.decide(section, keys)
        if any(key.startswith("import") for key in names):
            self.imports = True
        for key, value in section.items():
            if isinstance(value, str):
                if "$" in value:
                    section[key] = self.text(value, (*keys, key), self.line(section, key))
            elif isinstance(value, (dict, list)):
                section[key] = self.apply(value, (*keys, key), self.line(section, key))
        return section

    @staticmethod
    def line(section: Section, key: Any) -> int | None:
        """Return the line of a key."""
        place = section.places.get(key)
        return place[1] if place else None

    def decide(self, section: Section, keys: tuple[Any, ...]) -> None:
        """Replace each ``NAME if EXPR`` by NAME, or remove it.

        One that holds replaces a plain NAME, before or after it; a NAME that is new comes after the plain ones. Of
        several that hold the last one counts.
        """
        items, places = list(section.items()), dict(section.places)
        chosen: list[tuple[Any, Any, Any]] = []
        section.clear()
        section.places.clear()
        for key, value in items:
            if isinstance(key, str) and IF in key:
                name, _, text = key.partition(IF)
                if self.holds(text, (*keys, key), places.get(key)):
                    chosen.append((name.strip(), value, places.get(key)))
            else:
                section.put(key, value, places.get(key))
        for each in chosen:
            section.put(*each)

    def holds(self, text: str, keys: tuple[Any, ...], place: Any) -> bool:
        """Return whether a condition holds; one that fails does not."""
        from .expression import condition  # most configurations have none

        try:
            return condition(text, self.variables)
        except Exception as error:
            message = f"Failed condition evaluation: {type(error).__name__}: {error}. This key is left out"
            line = place[1] if place else None
            # A variable that is only defined elsewhere is an everyday thing: the app is fit to deploy.
            self.problems.append(Problem(logging.ERROR, message, self.path, line, dotted(keys), harmless=True))
            return False

    def text(self, value: str, keys: tuple[Any, ...], line: int | None) -> Any:
        """Return a text with its variables: a value of any type where it is exactly ``$NAME``."""
        if value[0] == "$" and value[1:] in self.variables:
            return copy(self.variables[value[1:]], self.budget)
        lone = False

        def replace(found: re.Match[str]) -> str:
            nonlocal lone
            if found[1]:
                return "$"
            name = found[2] or found[3]
            if name is None:
                lone = True
                return "$"
            put = self.variables.get(name)
            if put is None:
                return ""
            text = put if isinstance(put, str) else str(put)
            self.budget.spend_text(len(text))
            return text

        result = _VARIABLE.sub(replace, value)
        if lone:
            # The text itself is not shown: it may be a password.
            message = "a $ has no variable's name behind it: write $$ for a dollar"
            self.fatal.append(Problem(logging.CRITICAL, message, self.path, line, dotted(keys)))
        return result


def dotted(keys: tuple[Any, ...]) -> str:
    """Return a path of keys as it is shown to users."""
    return ".".join(str(key) for key in keys)
