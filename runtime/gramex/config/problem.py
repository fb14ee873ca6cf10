"""What is wrong in a configuration, and where."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

# Apps and all rooms log under this name; `log.loggers.gramex` sets its level and handlers.
app_log = logging.getLogger("gramex")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `level` is a logging level, `line` counts from 1, `key` is dotted (`url.home.pattern`). `title` goes before all of
    it in the log. An app with a `harmless` problem is fit to deploy all the same.
    """

    level: int
    message: str
    file: Path | None = None
    line: int | None = None
    key: str | None = None
    title: str = ""
    harmless: bool = False

    def __str__(self) -> str:
        """Return ``FILE:LINE: KEY: message``, without the parts that are not known."""
        place = str(self.file) if self.file else ""
        if place and self.line:
            place += f":{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)

    def log(self) -> None:
        """Write it to the log."""
        app_log.log(self.level, "%s", f"{self.title}: {self}" if self.title else str(self))


class ConfigError(Exception):
    """A user's mistake that stops the start.

    `problem` is the first one, `problems` all of them that were found before it was given up.
    """

    def __init__(self, problem: Problem, *others: Problem):
        super().__init__(str(problem))
        self.problem = problem
        self.problems = [problem, *others]
