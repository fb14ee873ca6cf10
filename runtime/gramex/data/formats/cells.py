"""Values as text for people: what CSV and HTML show."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from gramex.data.formats.jsontext import as_datetime
from gramex.data.result import Result


def text(value: Any) -> str:
    """Return a value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value) if value - value == 0 else "inf" if value > 0 else "-inf" if value < 0 else ""
    if isinstance(value, datetime):
        found = as_datetime(value)
        return found.isoformat(" ", "microseconds" if found.microsecond else "seconds")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    return str(value)


def day(value: Any) -> str:
    """Return a date, without the time that none in its column has."""
    return as_datetime(value).date().isoformat() if isinstance(value, date) else text(value)


def columns_of_days(result: Result) -> set[int]:
    """Return the numbers of the columns whose datetimes are all midnights."""
    found = set()
    for number in range(len(result.names)):
        moments = [row[number] for row in result.rows if isinstance(row[number], date)]
        if moments and all(as_datetime(each).time() == time() for each in moments):
            found.add(number)
    return found


def rows_of_text(result: Result, null: str, special: Mapping[int, Callable[[Any], str]] = {}) -> Sequence[list[str]]:
    """Return the rows as text; `special` are functions for columns, by their numbers, that show them otherwise."""
    days = columns_of_days(result)
    shown = [special.get(number, day if number in days else text) for number in range(len(result.names))]
    return [
        [null if value is None or value != value else show(value) for show, value in zip(shown, row, strict=True)]
        for row in result.rows
    ]
