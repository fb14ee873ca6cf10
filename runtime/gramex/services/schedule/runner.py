"""Runs tasks at their times, in one of the processes that share a data folder."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from gramex.services.schedule.every import Every
from gramex.services.schedule.holder import Holder
from gramex.services.schedule.task import ALWAYS, Task, perform

app_log = logging.getLogger("gramex")

RETRY = 0.5  # seconds between two tries to become the process that runs tasks
NAP = 30.0  # seconds that a task sleeps at most before it looks at the clock: clocks are set, machines suspended
SET_BACK = 120.0  # seconds that the clock may be set back before times are reckoned anew


class Schedule:
    """The tasks of an app. All methods are for the event loop's thread.

    A task that is still at work when its time comes again is not started a second time.
    """

    def __init__(self, holder: Holder, in_thread: Callable[..., Any]):
        """`in_thread` runs a function in a thread, and returns an awaitable."""
        self.holder, self.in_thread = holder, in_thread
        self.tasks: dict[str, Task] = {}
        self.timers: dict[str, asyncio.Future[None]] = {}
        self.running: dict[str, asyncio.Future[None]] = {}
        self.due: dict[str, float] = {}  # when each task runs next
        self.holding: asyncio.Future[None] | None = None
        self.began = self.paused = False

    def set(self, tasks: Mapping[str, Task]) -> None:
        """Run these tasks from now on. Those that are the same keep their times; what is at work is not disturbed."""
        for label, task in self.tasks.items():
            if tasks.get(label) is not task:
                self._forget(label)
        before, self.tasks = self.tasks, dict(tasks)
        if self.paused:
            return
        if not self.tasks:
            self._let_go()
        elif self.began:
            now = time.time()
            for label, task in self.tasks.items():
                if before.get(label) is not task:
                    self._follow(task, now, {})
                if task.startup == ALWAYS:
                    self._launch(task)
        elif self.holding is None and not self._begin():
            self.holding = asyncio.ensure_future(self._wait_for_lock())

    def pause(self) -> None:
        """Start no more tasks. Another process takes over as soon as none is at work."""
        self.paused = True
        self._let_go()

    async def finish(self, seconds: float) -> None:
        """Wait until no task is at work, but no longer than `seconds`."""
        if self.running:
            app_log.info("Waiting up to %g s for %s", seconds, ", ".join(self.running))
            await asyncio.wait(list(self.running.values()), timeout=seconds)

    def _let_go(self) -> None:
        if self.holding is not None:
            self.holding.cancel()
            self.holding = None
        due = {label: moment for label, moment in self.due.items() if isinstance(self.tasks[label].timer, Every)}
        for label in list(self.timers):
            self._forget(label)
        self.began = False
        self._release(due)

    def _release(self, due: Mapping[str, float]) -> None:
        """Let another process run tasks, now or when those at work are over: they must not run twice at a time."""
        if not self.running:
            self.holder.release(due)
            return
        for work in self.running.values():
            work.add_done_callback(lambda _: None if self.began or self.running else self.holder.release(due))

    def _begin(self) -> bool:
        """Become the process that runs tasks; False if it is another one."""
        if not self.holder.acquire():
            return False
        self.began = True
        since, due = self.holder.read_note()
        for task in self.tasks.values():
            self._follow(task, since, due)
            if task.startup:
                self._launch(task)
        return True

    async def _wait_for_lock(self) -> None:
        app_log.debug("Another process runs the schedule")
        while not self._begin():  # noqa: ASYNC110  a lock between processes has no event
            await asyncio.sleep(RETRY)
        app_log.info("This process runs the schedule from now on")
        self.holding = None

    def _forget(self, label: str) -> None:
        timer = self.timers.pop(label, None)
        if timer is not None:
            timer.cancel()
        self.due.pop(label, None)

    def _follow(self, task: Task, since: float, handed: Mapping[str, float]) -> None:
        """Start to wait for a task's times. `handed` are those that the process before had reckoned."""
        if task.timer is None:
            return
        now = time.time()
        due = task.timer.first(since, now)
        if isinstance(task.timer, Every) and task.label in handed:
            due = min(now + task.timer.seconds, handed[task.label])
        self.timers[task.label] = asyncio.ensure_future(self._run_at(task, due))

    async def _run_at(self, task: Task, due: float | None) -> None:
        assert task.timer is not None  # noqa: S101  for mypy
        while due is not None:
            self.due[task.label] = due
            now = seen = time.time()
            while now < due:
                await asyncio.sleep(min(NAP, due - now))
                now = time.time()
                if now < seen - SET_BACK:
                    due = self.due[task.label] = task.timer.first(now, now) or due
                seen = now
            # Before it runs: it may block, and its next time has to be known if it is told to stop.
            due = task.timer.next(due, now)
            if due is not None:
                self.due[task.label] = due
            self._launch(task)
        self.due.pop(task.label, None)
        app_log.warning("%s: there is no time left at which it could run", task.label)

    def _launch(self, task: Task) -> None:
        """Start a task, unless it is still at work."""
        if task.label in self.running:
            app_log.warning("%s is still at work: it is not started again", task.label)
            return
        work = asyncio.ensure_future(self._run(task))
        self.running[task.label] = work
        work.add_done_callback(lambda _: self._done(task.label, work))

    def _done(self, label: str, work: asyncio.Future[None]) -> None:
        if self.running.get(label) is work:
            del self.running[label]

    async def _run(self, task: Task) -> None:
        try:
            await perform(task, self.in_thread)
        except (Exception, SystemExit):  # a task that ends itself must not end the server
            app_log.exception("%s failed", task.label)
