"""Shows what is wrong with all hosts in one table: grouped by who can mend it, with the hosts of each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ORDER = ("you", "IT team", "domain owner")
UNCHANGED = "Nothing was changed. The keys of gramex_apps and all variables are in ansible/roles/*/README.md."
NARROWEST = 40  # columns for the text, however wide the others are


def rows(host: str, problems: Iterable[Any]) -> list[dict[str, str]]:
    """A row for each gramex_plan.problems.Problem of a host, each once."""
    return [
        {
            "host": host,
            "who": problem.who,
            "kind": "warning" if problem.warning else "wrong",
            "text": str(problem),
        }
        for problem in dict.fromkeys(problems)
    ]


def lines(found: Sequence[Mapping[str, str]], width: int = 0) -> list[str]:
    """
    Return a heading and a table of what is wrong, then one of warnings, each if there are any.

    `width` is how many columns a line may have, 0 for no limit.
    """
    several = len({row["host"] for row in found}) > 1
    made: list[str] = []
    for kind in ("wrong", "warning"):
        merged = _merged(row for row in found if row["kind"] == kind)
        if merged:
            made += [*([""] if made else []), _heading(kind, len(merged)), "", *_table(merged, several, width)]
    if any(row["kind"] == "wrong" for row in found):
        made += ["", UNCHANGED]
    return made


def _merged(found: Iterable[Mapping[str, str]]) -> list[tuple[str, str, str]]:
    """Who, hosts and text; what several hosts have in common once, in the order of ORDER."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for row in found:
        known = hosts.setdefault((row["who"], row["text"]), [])
        known += [] if row["host"] in known else [row["host"]]
    merged = [(who, _hosts(sorted(names)), text) for (who, text), names in hosts.items()]
    return sorted(merged, key=lambda row: ORDER.index(row[0]) if row[0] in ORDER else len(ORDER))


def _hosts(names: list[str]) -> str:
    """The names of hosts, the first of many."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]} and {len(names) - 2} others"


def _heading(kind: str, count: int) -> str:
    if kind == "warning":
        return "Worth a look, though it stops nothing:"
    return "1 thing to mend:" if count == 1 else f"{count} things to mend:"


def _table(merged: Sequence[tuple[str, str, str]], several: bool, width: int) -> list[str]:
    """The lines of a table; the text is wrapped where `width` says so, and goes on below itself."""
    titles = ("Who can mend it", "Host", "What is wrong")
    cells = [titles, *merged]
    columns = (0, 1) if several else (0,)
    wide = {column: max(len(row[column]) for row in cells) for column in columns}
    before = sum(wide.values()) + 2 * len(wide)
    room = max(NARROWEST, width - before) if width else 0
    made = []
    for row in cells:
        parts = [part for line in row[2].splitlines() for part in _wrapped(line, room)] or [""]
        head = "".join(f"{row[column]:<{wide[column]}}  " for column in columns)
        made += [head + parts[0], *(" " * before + part for part in parts[1:])]
    return made


def _wrapped(line: str, room: int) -> list[str]:
    """Paths and values stay whole, so that they can be copied."""
    return textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) if room else [line]
