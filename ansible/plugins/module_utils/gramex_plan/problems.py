"""One mistake of an operator or fault of a host, who can mend it, and how a list of them is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

YOU = "you"
IT_TEAM = "IT team"
DOMAIN_OWNER = "domain owner"


@dataclass(frozen=True)
class Problem:
    """What is wrong: `where` is FILE:LINE or '', `what` the variable or key, `right` an example.

    `who` can mend it. A `warning` stops nothing.
    """

    message: str
    what: str = ""
    where: str = ""
    right: str = ""
    who: str = YOU
    warning: bool = False

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.where, self.what, self.message) if part)
        return f"{text}\nRight: {self.right}" if self.right else text


def render(problems: Iterable[Problem], host: str, note: str) -> str:
    """The text of one host, for callbacks without tables: every problem, numbered, then `note`."""
    unique = list(dict.fromkeys(problems))
    count = "1 thing" if len(unique) == 1 else f"{len(unique)} things"
    lines = [f"{count} to mend for {host}:", ""]
    for number, problem in enumerate(unique, 1):
        first, *rest = str(problem).splitlines()
        lines += [f"  {number}. {first}", *(f"     {line}" for line in rest)]
    return "\n".join([*lines, "", note])
