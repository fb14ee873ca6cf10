"""Sessions: what a visitor's cookie stands for, kept where all processes of an app find it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from gramex.services.session.counters import Counters
from gramex.services.session.settings import parse_settings
from gramex.services.session.store import Record, SessionStore

__all__ = ["Counters", "Record", "SessionStore", "open_store"]

# type -> (module, class). Only the one in use is imported, when the first session is asked for.
STORES = {
    "sqlite": ("sqlite", "SQLiteStore"),
    "json": ("jsonfile", "JSONStore"),
    "memory": ("memory", "MemoryStore"),
    "redis": ("redisstore", "RedisStore"),
}


def open_store(conf: Any, data: Path) -> SessionStore:
    """Return the store that the section ``app.session`` describes; files are in the folder `data` unless it says so.

    Raises:
        ValueError: a value in the section that cannot be meant; the message names its key.
    """
    settings = parse_settings(conf, data)
    module, name = STORES[settings.type]
    counters = Counters(data / "counters.db")
    return getattr(import_module(f"{__name__}.{module}"), name)(settings, counters)
