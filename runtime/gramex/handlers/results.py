"""Turns what functions return into bytes: text as it is, everything else as JSON."""

from __future__ import annotations

import datetime
import enum
import json
import pathlib
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any


def as_json(value: Any) -> Any:
    """Return something that JSON has for a value that it has not.

    Raises:
        TypeError: there is nothing.
    """
    if isinstance(value, datetime.datetime) and value.tzinfo is None:  # UTC, as Gramex takes it: pages depend on it
        return f"{value.isoformat()}+00:00"
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (AbstractSet, range)):
        return list(value)
    if isinstance(value, enum.Enum):
        return value.value
    if is_a(value, "decimal", "Decimal"):
        return float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, pathlib.PurePath) or is_a(value, "uuid", "UUID"):
        return str(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    for name in ("tolist", "to_dict", "isoformat"):  # numpy, pandas and the like, without importing them
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return method("records") if name == "to_dict" and hasattr(value, "columns") else method()
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{type(value).__name__} is neither text, nor does JSON have anything like it")


def is_a(value: Any, module: str, name: str) -> bool:
    """True if a value is of a class; its module, slow to import, is there if such a value is."""
    found = sys.modules.get(module)
    return found is not None and isinstance(value, getattr(found, name))


class CustomJSONEncoder(json.JSONEncoder):
    """What apps give to json.dumps for values that JSON has not: ``json.dumps(value, cls=CustomJSONEncoder)``."""

    def default(self, o: Any) -> Any:
        """Return something that JSON has."""
        return as_json(o)


# Without check_circular the encoder is faster; endless nesting ends in a RecursionError instead of a ValueError.
encode = json.JSONEncoder(separators=(",", ":"), default=as_json, check_circular=False).encode


def as_bytes(value: Any) -> bytes:
    """Return a result as it is sent: text in UTF-8, bytes as they are, nothing for None, JSON for the rest.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot have it.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return encode(value).encode("ascii")
