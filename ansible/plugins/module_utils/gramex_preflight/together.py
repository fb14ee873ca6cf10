"""Does slow things side by side, and waits for them no longer than was said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def together(work: Callable[[Item], Answer], items: Iterable[Item], seconds: float) -> dict[Item, Answer]:
    """
    Return what `work` returns for each item, of those that were done within `seconds`.

    The threads of the others are left behind: no call of the system's resolver can be stopped, and none of them keeps
    the process from ending. `work` must not raise.
    """
    found: dict[Item, Answer] = {}

    def one(item: Item) -> None:
        found[item] = work(item)

    threads = [threading.Thread(target=one, args=(item,), daemon=True) for item in dict.fromkeys(items)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(found)
