"""Turns a task of `schedule` into the triggers of Windows' task scheduler, as win_scheduled_task takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Any day of the past: the time of day is what counts, and a fixed one gives the same task at each run.
DAY = "2020-01-01T"
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SHORT = {day[:3]: number for number, day in enumerate(DAYS)}
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
MINUTE, DAY_SECONDS = 60, 86400
NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
RIGHT = "Right: '30 5 * * *', '0 9 * * mon-fri', '0 3 1 * *', '*/15 * * * *' or '0 */2 * * *'"


def triggers(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the triggers of a task with `every` or `cron`. Raises ValueError in words for the operator."""
    made = [_every(task["every"])] if task.get("every") else _cron(str(task.get("cron") or ""))
    delay = {"random_delay": duration(int(task["jitter"]))} if task.get("jitter") else {}
    return [{**trigger, **delay} for trigger in made]


def duration(seconds: int) -> str:
    """Return seconds as an ISO 8601 duration in the form that the task scheduler gives back."""
    days, rest = divmod(seconds, DAY_SECONDS)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    time = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if value)
    return f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}" if seconds else "PT0S"


def _every(text: Any) -> dict[str, Any]:
    found = re.fullmatch(r"(\d{1,9}) ?([smhd]?)", str(text).strip())
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if seconds < MINUTE or seconds % MINUTE:
        raise ValueError(f"every: {text!r} is no whole number of minutes, which is what the task scheduler counts.")
    return _repeated(seconds, "00:00:00")


def _repeated(seconds: int, start: str) -> dict[str, Any]:
    """Without an end, from a midnight on, so that all runs are at the same times of each day."""
    return {"type": "time", "start_boundary": f"{DAY}{start}", "repetition": {"interval": duration(seconds)}}


def _cron(text: str) -> list[dict[str, Any]]:
    fields = NAMED.get(text.strip(), text).lower().split()
    if len(fields) != 5:
        raise ValueError(f"cron: {text!r} has not the five fields minute, hour, day, month, weekday. {RIGHT}")
    minute, hour, day, month, weekday = fields
    if (day, month, weekday) == ("*", "*", "*") and (repeated := _interval(minute, hour)):
        return [repeated]
    if not minute.isdigit() or int(minute) > 59:
        raise ValueError(f"cron: {text!r} cannot be told to Windows' task scheduler. {RIGHT}")
    times = [f"{hours:02}:{int(minute):02}:00" for hours in _numbers(hour, 0, 23, {}, text)]
    if day != "*" and weekday != "*":
        raise ValueError(f"cron: {text!r} names days of the month and of the week: make it two tasks.")
    return [_dated(time, day, month, weekday, text) for time in times]


def _interval(minute: str, hour: str) -> dict[str, Any] | None:
    """What repeats all day long at even distances, None for anything else."""
    if hour == "*" and minute == "*":
        return _repeated(MINUTE, "00:00:00")
    if hour == "*" and minute.isdigit() and int(minute) < 60:
        return _repeated(3600, f"00:{int(minute):02}:00")
    if hour == "*" and (found := re.fullmatch(r"\*/(\d+)", minute)) and int(found[1]) and not 60 % int(found[1]):
        return _repeated(int(found[1]) * MINUTE, "00:00:00")
    found = re.fullmatch(r"\*/(\d+)", hour)
    if found and minute.isdigit() and int(minute) < 60 and int(found[1]) and not 24 % int(found[1]):
        return _repeated(int(found[1]) * 3600, f"00:{int(minute):02}:00")
    return None


def _dated(time: str, day: str, month: str, weekday: str, text: str) -> dict[str, Any]:
    start = {"start_boundary": f"{DAY}{time}"}
    if weekday != "*":
        if month != "*":
            raise ValueError(f"cron: {text!r} names a month and days of the week: leave one of them `*`. {RIGHT}")
        days = sorted({number % 7 for number in _numbers(weekday, 0, 7, SHORT, text)})
        return {"type": "weekly", **start, "days_of_week": ",".join(DAYS[number] for number in days)}
    if day == "*" and month == "*":
        return {"type": "daily", **start}
    dates = ",".join(str(number) for number in _numbers(day, 1, 31, {}, text))
    names = {name[:3]: number for number, name in enumerate(MONTHS, 1)}
    months = ",".join(MONTHS[number - 1] for number in _numbers(month, 1, 12, names, text))
    return {"type": "monthly", **start, "days_of_month": dates, "months_of_year": months}


def _numbers(field: str, first: int, last: int, names: Mapping[str, int], text: str) -> list[int]:
    """The numbers that a field of cron means: *, lists, ranges, steps, names."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        try:
            low, high = (first, last) if span == "*" else (_number(begin, names), _number(end or begin, names))
            high = last if step and not end and span != "*" else high
            found |= set(range(low, high + 1, int(step or 1)))
        except ValueError:
            found.add(-1)
    if not found or min(found) < first or max(found) > last:
        raise ValueError(f"cron: {text!r}: {field!r} is not from {first} to {last}. {RIGHT}")
    return sorted(found)


def _number(word: str, names: Mapping[str, int]) -> int:
    return names[word] if word in names else int(word)
