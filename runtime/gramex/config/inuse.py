"""Which configuration this process runs with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layers import Loaded

loaded: Loaded | None = None
# Called after it changed.
listeners: list[Callable[[], None]] = []


def use(new: Loaded) -> None:
    """Note that `new` is in use from now on."""
    global loaded
    loaded = new
    for listener in listeners:
        listener()
