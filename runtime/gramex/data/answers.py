"""Answers that are kept as long as the data are the same: pages ask for the same rows again and again.

Whether the data are the same is asked each time: a file by its state, SQLite by the number that every change by another
connection raises. Other databases have nothing like it: their answers are not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from gramex.data.dataset import FILE, SQL, Dataset, is_sqlite

LARGEST = 200_000  # bytes of one answer
KEPT_BYTES = 2_000_000  # of all answers of a url entry
MARKS = 2000  # keys that are remembered without their answers

Args = Mapping[str, Any]


class Answers:
    """The answers of one url entry, those asked for last, and more than once."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, tuple[Any, Any, int]] = OrderedDict()
        self.size = 0
        self.asked: set[int] = set()  # keys that were asked for once: most are never asked for again
        self.lock = threading.Lock()

    def get(self, key: Any, version: Any) -> Any:
        """Return what was kept for a key, if the data are of the same version; None if not."""
        with self.lock:
            found = self.kept.get(key)
            if found is None or found[0] != version:
                return None
            self.kept.move_to_end(key)
            return found[1]

    def put(self, key: Any, version: Any, answer: Any, size: int, at_once: bool) -> None:
        """Keep an answer of so many bytes; if it is the first time that it was made, only if `at_once`."""
        if size > LARGEST:
            return
        with self.lock:
            mark = hash(key)
            if not at_once and mark not in self.asked:
                if len(self.asked) >= MARKS:
                    self.asked.clear()
                self.asked.add(mark)
                return
            old = self.kept.pop(key, None)
            self.size += size - (old[2] if old else 0)
            self.kept[key] = version, answer, size
            while self.size > KEPT_BYTES:
                self.size -= self.kept.popitem(last=False)[1][2]


def version_of(dataset: Dataset, args: Args, state: Any = None) -> Any:
    """Return what is equal as long as the data of a dataset are the same; None where nobody knows.

    `state` is what the expression of the key `state` returned, as text.

    Raises:
        Refused: the data cannot be read.
    """
    from gramex.data.reading import database_of, memory_of

    if dataset.function is not None or dataset.columns:
        return None
    if state is not None:
        return "state", state
    if dataset.source == FILE:
        return memory_of(dataset, args).version  # another one when the file changes
    if dataset.source == SQL and (dataset.state or not dataset.is_query) and is_sqlite(dataset.url):
        return database_of(dataset, args).version()
    return None
