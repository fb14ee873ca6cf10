"""`gramex setup`, `init`, `install`, `uninstall` and `run`: bring apps to this machine, and make them ready."""

from __future__ import annotations

import sys
from collections.abc import Iterable

GOOD, BAD = 0, 1  # exit codes


def all_of(results: Iterable[bool]) -> bool:
    """True if all results are; unlike ``all`` it goes on after one that is not, for results are made on the way."""
    return all(list(results))


def say(command: str, message: str) -> None:
    """Print what a command does, at once: tools that it calls print in between."""
    print(f"gramex {command}: {message}", flush=True)


def complain(command: str, message: str) -> None:
    """Print what is wrong, or left out."""
    print(f"gramex {command}: {message}", file=sys.stderr, flush=True)
