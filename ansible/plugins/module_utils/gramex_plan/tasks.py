"""Turns a task of `schedule` into the triggers of Windows' task scheduler, as win_scheduled_task takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramex_schedule import cron

# Any day of the past: the time of day is what counts, and a fixed one gives the same task at each run.
DAY = "2020-01-01T"
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
DAY_MINUTES = 1440
MOST = 48  # triggers of one task


class Untold(ValueError):
    """A time that cron knows and Windows' task scheduler does not. The message is for the operator."""


def triggers(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the triggers of a task with `every` or `cron`.

    Raises Untold, or ValueError where `every` or `cron` is wrong on any host.
    """
    due = cron.of(task)
    delay = {"random_delay": duration(int(task["jitter"]))} if task.get("jitter") else {}
    return [{**trigger, **delay} for trigger in _triggers(due)]


def duration(seconds: int) -> str:
    """Return seconds as an ISO 8601 duration in the form that the task scheduler gives back."""
    days, rest = divmod(seconds, DAY_MINUTES * 60)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    time = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if value)
    return f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}" if seconds else "PT0S"


def _triggers(due: cron.Cron) -> list[dict[str, Any]]:
    times = [hour * 60 + minute for hour in due.hours for minute in due.minutes]
    week, dates, months = len(due.week) < 7, len(due.days) < 31, len(due.months) < 12
    if not week and not dates and not months and (interval := _interval(times)):
        # Without an end, and from a fixed time on, so that all runs are at the same times of each day.
        return [{"type": "time", "start_boundary": _start(times[0]), "repetition": {"interval": duration(interval)}}]
    if len(times) > MOST:
        raise Untold(f"`{due.text}` is {len(times)} times a day at uneven distances; Windows takes {MOST} at the most.")
    if week and (dates or months):
        raise Untold(
            f"`{due.text}` names days of the week and {'days of the month' if dates else 'months'},"
            f" which Windows cannot be told at once. Right: {'two tasks' if dates else 'either of them'}"
        )
    return [{"start_boundary": _start(time), **_days(due, week, dates or months)} for time in times]


def _interval(times: list[int]) -> int | None:
    """Seconds from one of several times of a day to the next, over midnight too, where all distances are the same."""
    after = [*times[1:], times[0] + DAY_MINUTES]
    distances = {late - early for early, late in zip(times, after, strict=True)}
    return distances.pop() * 60 if len(times) > 1 and len(distances) == 1 else None


def _days(due: cron.Cron, week: bool, dates: bool) -> dict[str, str]:
    if week:
        return {"type": "weekly", "days_of_week": ",".join(DAYS[number] for number in due.week)}
    if not dates:
        return {"type": "daily"}
    return {
        "type": "monthly",
        "days_of_month": ",".join(str(number) for number in due.days),
        "months_of_year": ",".join(MONTHS[number - 1] for number in due.months),
    }


def _start(minutes: int) -> str:
    return f"{DAY}{minutes // 60:02}:{minutes % 60:02}:00"
