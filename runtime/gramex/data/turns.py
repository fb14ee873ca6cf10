"""Lets threads that compute take turns: many of them at once only get in each other's way, as one can run at a time.

Who has waited for a while goes ahead all the same, so that a slow query does not hold up the quick ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gramex.data.dataset import SQL, WEB, Dataset

PATIENCE = 0.05  # seconds

turn = threading.Lock()


def computes(dataset: Dataset) -> bool:
    """True if reading a dataset is computing in this process, rather than waiting for another one."""
    return dataset.url.startswith("sqlite:") if dataset.source == SQL else dataset.source != WEB


@contextmanager
def taking_turns(needed: bool) -> Iterator[None]:
    """Wait for the turn, but not for long."""
    taken = needed and turn.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if taken:
            turn.release()
