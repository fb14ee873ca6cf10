"""Lays out rows as a table of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

APPS = {
    "host": "Host",
    "app": "App",
    "url": "URL",
    "release": "Release",
    "service": "Service",
    "boot": "Starts at boot",
    "gap": "Gap of this change",
}
STATUS = {
    "host": "Host",
    "app": "App",
    "release": "Release",
    "colour": "Colour",
    "service": "Service",
    "since": "Since (UTC)",
    "memory": "Memory",
    "restarts": "Restarts",
    "boot": "Starts at boot",
}
TASKS = {
    "host": "Host",
    "app": "App",
    "task": "Task",
    "state": "State",
    "last": "Last run",
    "exit": "Exit code",
    "next": "Next run",
    "missed": "Missed run",
}
CERTIFICATES = {
    "host": "Host",
    "domain": "Certificate of",
    "expires": "Valid until",
    "fingerprint": "SHA-256 fingerprint",
}


def table(rows: Sequence[Mapping[str, str]], titles: Mapping[str, str]) -> list[str]:
    """
    Return the lines of a table with a column for each key of `titles`, in that order.

    A column where every row is empty is left out, and so is the host's where there is only one.
    """
    one_host = len({row.get("host") for row in rows}) < 2
    keys = [key for key in titles if any(row.get(key) for row in rows) and not (key == "host" and one_host)]
    if not rows or not keys:
        return []
    lines = [[titles[key] for key in keys], *([row.get(key) or "-" for key in keys] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(keys))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
