"""Reads the entries of ``schedule:``."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gramex.services.schedule import cron
from gramex.services.schedule.every import Every, parse_period
from gramex.services.sections import Entry, EntryError, read_entries

if TYPE_CHECKING:
    from gramex.config import Loaded

FIELDS = ("startup", "every", *cron.FIELDS, "utc", "thread")
KNOWN = ("function", "args", "kwargs", *FIELDS)
ALWAYS = "*"  # of `startup`: at each change of the configuration too


class Timer(Protocol):
    """When a task runs, in seconds since the epoch; None when it never runs again."""

    def first(self, since: float, now: float) -> float | None:
        """Return the first time, for a task whose times count from `since`."""

    def next(self, due: float, now: float) -> float | None:
        """Return the time after `due`, later than `now`."""


@dataclass(frozen=True)
class Task:
    """A function and its times. `label` is what the log calls it, `spec` its entry; `thread`: it runs in a thread."""

    label: str
    spec: Mapping[str, Any]
    function: Callable[[], Any]
    timer: Timer | None
    startup: bool | str = False
    thread: bool = False


def read_schedule(loaded: Loaded, old: Mapping[str, Task]) -> dict[str, Task]:
    """Return the tasks of ``schedule:`` by their labels; those of `old` whose entries are the same, as they are.

    Mistakes are logged, and cost their entries.
    """
    return {task.label: task for task in read_entries(loaded, "schedule", lambda entry: make_task(entry, old)).values()}


def make_task(entry: Entry, old: Mapping[str, Task]) -> Task:
    """Return the task of an entry.

    Raises:
        ValueError: the entry has a mistake.
        Exception: what a module of the app raises that is imported for it.
    """
    from gramex.handlers.expression import compile_function

    known = old.get(entry.label)
    if known is not None and known.spec == entry.spec:
        return known
    entry.check_keys(KNOWN)
    if not entry.spec.get("function"):
        raise EntryError("", "has no function: write one such as function: module.name()")
    timer, startup, thread = read_timer(entry)
    return Task(entry.label, entry.spec, compile_function(entry.spec, ()), timer, startup, thread)


def read_timer(entry: Entry) -> tuple[Timer | None, bool | str, bool]:
    """Return the times of an entry, its `startup`, and whether it runs in a thread.

    Raises:
        EntryError: there is a mistake in them, or there are none.
    """
    spec = entry.spec
    startup = ALWAYS if spec.get("startup") == ALWAYS else entry.switch("startup")
    thread, utc = entry.switch("thread"), entry.switch("utc")
    fields = [field for field in cron.FIELDS if spec.get(field) is not None]
    timer: Timer | None = None
    if spec.get("every") is not None:
        try:
            timer = Every(parse_period(spec["every"]))
        except ValueError as error:
            raise EntryError("every", str(error)) from None
        if fields:
            entry.say(
                logging.WARNING, f"every: is used, and {', '.join(fields)} ignored: give one or the other", "every"
            )
    elif fields:
        allowed = {}
        for field in cron.FIELDS:
            try:
                allowed[field] = cron.parse_field(field, spec.get(field, "*"))
            except ValueError as error:
                raise EntryError(field, str(error)) from None
        timer = cron.Cron(**allowed, utc=utc)
    if timer is None and not startup:
        raise EntryError("", "has no schedule: give every: 1h, or hours: 6, or startup: true")
    return timer, startup, thread


async def perform(task: Task, in_thread: Callable[..., Any]) -> None:
    """Run a task once. `in_thread` runs a function in a thread, and returns an awaitable.

    Raises:
        Exception: what the task raises.
    """
    result = await in_thread(task.function) if task.thread else task.function()
    if inspect.isawaitable(result):
        await result
    elif inspect.isgenerator(result):
        for _ in result:  # its steps are the task
            await asyncio.sleep(0)
