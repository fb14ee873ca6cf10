"""Reads the five fields of cron: when a task is due, and the same as systemd's OnCalendar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(WEEKDAYS)}),
)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
YEARS = 9  # 29 February may be eight years away


@dataclass(frozen=True)
class Cron:
    """When a task is due, in the host's local time. `dates` and `weekdays` say whether days are restricted by them."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    week: tuple[int, ...]
    dates: bool
    weekdays: bool

    def after(self, moment: datetime) -> datetime | None:
        """The first due time later than a moment; None where there is none, as on 31 February."""
        return self._search(moment, 1)

    def before(self, moment: datetime) -> datetime | None:
        """The last due time up to a moment."""
        return self._search(moment, -1)

    def _search(self, moment: datetime, step: int) -> datetime | None:
        times = [(hour, minute) for hour in self.hours for minute in self.minutes]
        for number in range(366 * YEARS):
            day = moment + timedelta(days=number * step)
            if not self._on(day):
                continue
            for hour, minute in times[::step]:
                due = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
                if due > moment if step > 0 else due <= moment:
                    return due
        return None

    def _on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_week = day.day in self.days, day.isoweekday() % 7 in self.week
        # As cron has it: with both restricted, either is enough.
        return by_date or by_week if self.dates and self.weekdays else by_date and by_week

    def calendars(self) -> list[str]:
        """The same for systemd's OnCalendar, which is to be there once for each text."""
        time = f"{_listed(self.hours, 24)}:{_listed(self.minutes, 60)}:00"
        months, dates = _listed(self.months, 12), _listed(self.days, 31)
        week = "" if len(self.week) == 7 else ",".join(WEEKDAYS[number].capitalize() for number in self.week) + " "
        if self.dates and self.weekdays:
            return [f"*-{months}-{dates} {time}", f"{week}*-{months}-* {time}"]
        return [f"{week}*-{months}-{dates} {time}"]


def parse(text: str) -> Cron:
    """Read five fields, or a name such as @daily. Raises ValueError in words for the operator."""
    fields = NAMED.get(text.strip(), text).lower().split()
    if len(fields) != 5:
        raise ValueError(f"`{text}` has not the five fields minute, hour, day, month, weekday.")
    found = [_numbers(field, *about) for field, about in zip(fields, FIELDS, strict=True)]
    week = tuple(sorted({number % 7 for number in found[4]}))
    minutes, hours, days, months = (tuple(numbers) for numbers in found[:4])
    # A field that begins with * restricts nothing, even with a step: cron's own reading.
    cron = Cron(" ".join(fields), minutes, hours, days, months, week, fields[2][0] != "*", fields[4][0] != "*")
    if cron.after(datetime(2000, 1, 1)) is None:
        raise ValueError(f"`{text}` is never: there is no such day.")
    return cron


def every(text: str) -> Cron:
    """Read a time such as 15m. Raises ValueError where it does not divide an hour or a day, as clocks do."""
    found = re.fullmatch(r"(\d{1,9}) ?([smhd]?)", text.strip())
    minutes, rest = divmod(int(found[1]) * UNITS[found[2]], 60) if found else (0, 1)
    if not rest and 0 < minutes < 60 and not 60 % minutes:
        return parse(f"{'*' if minutes == 1 else f'*/{minutes}'} * * * *")
    hours, over = divmod(minutes, 60)
    if not rest and not over and 0 < hours <= 24 and not 24 % hours:
        return parse("0 0 * * *" if hours == 24 else f"0 {'*' if hours == 1 else f'*/{hours}'} * * *")
    raise ValueError(
        f"`{text}` does not divide an hour or a day evenly. Right: 1m, 5m, 15m, 30m, 1h, 2h, 6h, 12h, 1d; else `cron`."
    )


def of(task: Mapping[str, object]) -> Cron:
    """When a task of `schedule` is due. Raises ValueError."""
    return every(str(task["every"])) if task.get("every") else parse(str(task.get("cron") or ""))


def _numbers(field: str, what: str, first: int, last: int, names: dict[str, int]) -> list[int]:
    """The numbers that a field means: *, lists, ranges, steps, names."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        try:
            low = first if span == "*" else _number(begin, names)
            high = last if span == "*" or (slash and not dash) else _number(end if dash else begin, names)
            width = int(step) if slash else 1
        except ValueError:
            raise ValueError(f"`{part}` is no {what}.") from None
        if not first <= low <= high <= last or width < 1:
            raise ValueError(f"`{part}` is no {what}: from {first} to {last}.")
        found |= set(range(low, high + 1, width))
    return sorted(found)


def _number(word: str, names: dict[str, int]) -> int:
    if word in names:
        return names[word]
    if not word.isascii() or not word.isdigit():
        raise ValueError(word)
    return int(word)


def _listed(numbers: tuple[int, ...], count: int) -> str:
    return "*" if len(numbers) == count else ",".join(f"{number:02}" for number in numbers)
