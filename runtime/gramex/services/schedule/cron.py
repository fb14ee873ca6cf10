"""Says when a time comes that is given as ``minutes``, ``hours``, ``dates``, ``months``, ``weekdays`` and ``years``."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Field -> lowest and highest value.
RANGES = {
    "minutes": (0, 59),
    "hours": (0, 23),
    "dates": (1, 31),
    "months": (1, 12),
    "weekdays": (0, 6),
    "years": (1970, 2099),
}
FIELDS = tuple(RANGES)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES = {
    "months": dict(zip(MONTHS, range(1, 13), strict=True)),
    "weekdays": dict(zip(DAYS, range(7), strict=True)),
}
LAST = 0  # in the set of dates: the last one of the month
PART = re.compile(r"(\*|\?|(\w+)(?:\s*-\s*(\w+))?)(?:\s*/\s*(\d+))?")
HORIZON = 41  # years that are looked at: 29 February falls on each weekday in 28, or in 40 around 2100
SUNDAY = 7  # as it may also be written


def parse_field(field: str, value: Any) -> frozenset[int]:
    """Return the values that a field allows. Text has parts with commas: ``*``, ``5``, ``1-5``, ``*/15``, ``mon-fri``.

    Raises:
        ValueError: it is no such thing.
    """
    parts = value if isinstance(value, (list, tuple)) else [value]
    found: set[int] = set()
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, (int, str)):
            raise ValueError(f"must be such as 5, '1-5', '*/15' or '1, 3', not {value!r}")
        for text in str(part).split(","):
            found |= _parse_part(field, text.strip().lower())
    if not found:
        raise ValueError("is an empty list: leave it out to allow all")
    return frozenset(found)


def _parse_part(field: str, text: str) -> set[int]:
    low, high = RANGES[field]
    if field == "dates" and text in ("l", "last"):
        return {LAST}
    match = PART.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} must be such as 5, '1-5', '*/15' or '1, 3'")
    step = int(match[4] or 1)
    if not step:
        raise ValueError(f"{text!r}: a step of 0 leads nowhere")
    if match[1] in "*?":
        return set(range(low, high + 1, step))
    first = _value(field, match[2])
    # 5/15 is 5, 20, 35 and 50.
    last = _value(field, match[3]) if match[3] else high if match[4] else first
    if last >= first:
        return {_wrapped(field, each) for each in range(first, last + 1, step)}
    if field == "years":
        raise ValueError(f"{text!r} ends before it begins")
    # 22-2 goes over midnight.
    return {low + (each - low) % (high - low + 1) for each in range(first, last + high - low + 2, step)}


def _value(field: str, text: str) -> int:
    names = NAMES.get(field, {})
    if text[:3] in names and text.isalpha():
        return names[text[:3]]
    low, high = RANGES[field]
    allowed = SUNDAY if field == "weekdays" else high
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= allowed:
        raise ValueError(f"{text!r} is not from {low} to {high}" + (", and no name of one" if names else ""))
    return int(text)


def _wrapped(field: str, value: int) -> int:
    return 0 if field == "weekdays" and value == SUNDAY else value


@dataclass(frozen=True, slots=True)
class Cron:
    """A task's times, by the clock and calendar of this machine, or of UTC.

    Where clocks are set back, a time that comes twice counts once, unless all `hours` are allowed; where they are set
    forward, a time that does not come is as much later as clocks were set.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    dates: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    utc: bool = False

    @classmethod
    def parse(cls, fields: Mapping[str, Any], utc: bool = False) -> Cron:
        """Return the times that fields describe; a missing one allows all.

        Raises:
            ValueError: a field is wrong.
        """
        return cls(**{field: parse_field(field, fields.get(field, "*")) for field in FIELDS}, utc=utc)

    def first(self, since: float, now: float) -> float | None:
        """Return the first time after `since`, None if there is none any more. All in seconds since the epoch."""
        return self.after(since)

    def next(self, due: float, now: float) -> float | None:
        """Return the next time after `due` that has not passed at `now`."""
        return self.after(max(due, now))

    def after(self, moment: float) -> float | None:
        """Return the first time after `moment`, None if there is none."""
        first = self._by_minute if len(self.hours) == 24 else self._by_hour
        # An hour before: where clocks are set back at midnight, the day before comes again.
        for day in self._days(self._clock(moment - 3600).date()):
            found = first(day, moment)
            if found is not None:
                return found
        return None

    def _days(self, begin: datetime.date) -> Iterator[datetime.date]:
        for year in range(begin.year, begin.year + HORIZON):
            for month in sorted(self.months) if year in self.years else ():
                length = calendar.monthrange(year, month)[1]
                for number in range(1, length + 1):
                    day = datetime.date(year, month, number)
                    if day < begin or not (number in self.dates or (LAST in self.dates and number == length)):
                        continue
                    if day.isoweekday() % 7 in self.weekdays:
                        yield day

    def _by_hour(self, day: datetime.date, moment: float) -> float | None:
        """Return the first time of a day after `moment`."""
        times = (self._moment(day, hour, minute) for hour in self.hours for minute in self.minutes)
        return min((each for each in times if each > moment), default=None)

    def _by_minute(self, day: datetime.date, moment: float) -> float | None:
        """Return the first time of a day after `moment`, by the minutes that the day really has."""
        at = max(moment // 60 * 60 + 60, self._moment(day, 0, 0))
        while (clock := self._clock(at)).date() <= day:
            if clock.minute in self.minutes and clock.date() == day:
                return at
            at += 60
        return None

    def _moment(self, day: datetime.date, hour: int, minute: int) -> float:
        return datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone).timestamp()

    def _clock(self, moment: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(moment, self._zone)

    @property
    def _zone(self) -> datetime.timezone | None:
        return datetime.timezone.utc if self.utc else None
