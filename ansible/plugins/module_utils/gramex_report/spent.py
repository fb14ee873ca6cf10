"""Adds up how long each task of a run took, so that the slow ones show."""

from __future__ import annotations

from collections import defaultdict

SHOWN = 5
LEAST = 0.05  # seconds that are worth a word


class Spent:
    """Time by task, in seconds. While several hosts do a task at once its time counts once."""

    def __init__(self) -> None:
        self._total: dict[str, float] = defaultdict(float)
        self._busy: dict[str, set[str]] = defaultdict(set)
        self._since: dict[str, float] = {}

    def begin(self, task: str, host: str, now: float) -> None:
        """A host begins a task, which has the same name of its own for all hosts."""
        if not self._busy[task]:
            self._since[task] = now
        self._busy[task].add(host)

    def end(self, task: str, host: str, now: float, title: str) -> None:
        """A host has done a task, however that ended; `title` is for people."""
        if host in self._busy[task]:
            self._busy[task].remove(host)
            if not self._busy[task]:
                self._total[title] += now - self._since[task]

    def line(self) -> str:
        """Return the slowest tasks, the slowest first; '' where there is nothing to compare."""
        slow = sorted(((seconds, title) for title, seconds in self._total.items() if seconds >= LEAST), reverse=True)
        shown = ", ".join(f"{title} {seconds:.1f} s" for seconds, title in slow[:SHOWN])
        return f"Slowest: {shown}" if len(slow) > 1 else ""
