"""Lets work that computes take turns in one thread: as one can run at a time, many only get in each other's way.

What has waited for a while goes ahead in a thread of its own, so that a slow query does not hold up the quick ones.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Any

from gramex.data.dataset import SQL, WEB, Dataset, is_sqlite

PATIENCE = 0.05  # seconds


def computes(dataset: Dataset) -> bool:
    """True if reading a dataset is computing in this process, rather than waiting for another one."""
    return is_sqlite(dataset.url) if dataset.source == SQL else dataset.source != WEB


class Task:
    """A call that waits for its turn."""

    __slots__ = ("call", "context", "done", "loop", "open", "values")

    def __init__(self, call: Callable[..., Any], values: tuple[Any, ...]):
        self.call, self.values, self.context = call, values, contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()
        self.open = [True]  # whoever takes this out does the work

    def run(self) -> None:
        """Make the call, unless somebody else does."""
        try:
            self.open.pop()
        except IndexError:
            return
        try:
            result, error = self.context.run(self.call, *self.values), None
        except BaseException as raised:
            result, error = None, raised
        try:
            self.loop.call_soon_threadsafe(self.deliver, result, error)
        except RuntimeError:  # the loop has ended
            return

    def deliver(self, result: Any, error: BaseException | None) -> None:
        """Hand the result over, where there is still somebody who waits for it."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(result)
        else:
            self.done.set_exception(error)


class Turns:
    """One thread, made when it is first needed, and those who wait for it."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Task] = SimpleQueue()
        self.thread: threading.Thread | None = None

    async def take(self, others: Executor, call: Callable[..., Any], *values: Any) -> Any:
        """Return what a call returns, in its turn; `others` are threads for those who waited for too long."""
        if self.thread is None:
            self.thread = threading.Thread(target=self.work, name="gramex-data", daemon=True)
            self.thread.start()
        task = Task(call, values)
        self.queue.put(task)
        timer = task.loop.call_later(PATIENCE, self.hurry, task, others)
        try:
            return await task.done
        finally:
            timer.cancel()

    def hurry(self, task: Task, others: Executor) -> None:
        """Let a task go ahead, if it still waits."""
        if task.open:
            others.submit(task.run)

    def work(self) -> None:
        """Do one task after another."""
        while True:
            self.queue.get().run()


turns = Turns()
