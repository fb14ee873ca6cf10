"""Asks a store from the event loop: one that is far away, from a thread, so that nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any


class Asking:
    """What session stores and counters have in common."""

    @property
    def threads(self) -> Executor | None:
        """Threads to ask from where an answer may take long. None: it is quicker than handing it over."""
        return None

    async def ask(self, question: Callable[..., Any], *values: Any) -> Any:
        """Return what `question`, a method of this object, returns; others go on meanwhile.

        Raises:
            Exception: what `question` raises.
        """
        if self.threads is None:
            return question(*values)
        return await asyncio.get_running_loop().run_in_executor(self.threads, question, *values)
