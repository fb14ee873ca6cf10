"""Reads ``every:``, a period such as ``1h 30m``, and says when it is over."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

SHORTEST = 0.01  # seconds
PART = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([a-zµ]*)[\s,]*(?:and\b\s*)?")
MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = {
    name: seconds
    for names, seconds in (
        ("ms millisecond milliseconds", 0.001),
        ("s sec secs second seconds", 1),
        ("m min mins minute minutes", MINUTE),
        ("h hr hrs hour hours", HOUR),
        ("d day days", DAY),
        ("w wk wks week weeks", 7 * DAY),
        ("mo month months", 30 * DAY),
        ("y yr yrs year years", 365 * DAY),
    )
    for name in names.split()
}


def parse_period(value: object) -> float:
    """Return the seconds of a period: text such as ``1h 30m`` or ``2 days``, or a number of seconds.

    Raises:
        ValueError: it is none.
    """
    wrong = ValueError(f"must be a period such as 30s or 1h 30m, not {value!r}")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong
    seconds, at, text = 0.0, 0, str(value).strip().lower()
    while at < len(text):
        part = PART.match(text, at)
        # A number alone is seconds; beside others it would be a guess.
        if part is None or (not part[2] and part[0] != text):
            raise wrong
        unit = part[2] or "s"
        if unit not in UNITS:
            raise ValueError(f"{unit!r} is no unit of time: write s, m, h, d or w, as in 1h 30m")
        seconds += float(part[1]) * UNITS[unit]
        at = part.end()
    if not SHORTEST <= seconds < math.inf:
        raise ValueError(f"must be at least {SHORTEST:g} s, not {value!r}") if text else wrong
    return seconds


@dataclass(frozen=True, slots=True)
class Every:
    """A task's times: one each so many seconds."""

    seconds: float

    def first(self, since: float, now: float) -> float:
        """Return when the first time is."""
        return now + self.seconds

    def next(self, due: float, now: float) -> float:
        """Return the time after `due`; times that have passed meanwhile are left out."""
        missed = max(0, math.floor((now - due) / self.seconds))
        return due + (missed + 1) * self.seconds
