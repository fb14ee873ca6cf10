"""Kinds of the columns of SQLite, which does not mind what it was told: what it has is shown as it is, or as meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from gramex.data.kinds import (
    ANY,
    BLOB,
    BOOL,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    JSON,
    NUMBER,
    TEXT,
    moment,
)  # fmt: skip

NAMED = {
    "BOOLEAN": BOOL, "BOOL": BOOL, "DATE": DATE, "DATETIME": DATETIME, "TIMESTAMP": DATETIME, "JSON": JSON,
    "TIME": ANY, "DECIMAL": NUMBER, "NUMERIC": NUMBER,
}  # fmt: skip
# What SQLite itself looks for in a type that it was told, in this order.
PARTS = ((("INT",), INT), (("CHAR", "CLOB", "TEXT"), TEXT), (("BLOB",), BLOB), (("REAL", "FLOA", "DOUB"), FLOAT))
WORD = re.compile(r"[^(]*")


def kind_of_type(declared: str) -> str:
    """Return the kind of a column from the type that it was made with."""
    found = WORD.match(declared.upper())
    name = found[0].strip() if found else ""
    if not name:
        return ANY
    if name in NAMED:
        return NAMED[name]
    return next((kind for parts, kind in PARTS if any(part in name for part in parts)), NUMBER)


def shown_moment(value: Any) -> Any:
    """Return the datetime of a text in a form of ISO; what is none is shown as it is."""
    if not isinstance(value, str):
        return value
    try:
        return moment(value)
    except ValueError:
        return value


def shown_day(value: Any) -> Any:
    """Return the date of a text in a form of ISO; what is none is shown as it is."""
    found = shown_moment(value)
    return found.date() if isinstance(found, datetime) else found


def shown_truth(value: Any) -> Any:
    """Return a number as true or false."""
    return bool(value) if isinstance(value, (int, float)) else value


def shown_json(value: Any) -> Any:
    """Return what a JSON text means."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def text_of_moment(value: Any) -> Any:
    """Return a datetime as text, with no more digits than it has."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds" if value.microsecond else "seconds")
    return value.isoformat() if isinstance(value, date) else value


def compared_moment(value: Any) -> Any:
    """Return a datetime as the text that it is compared as."""
    return value.isoformat(" ", "milliseconds") if isinstance(value, datetime) else value


def compared_day(value: Any) -> Any:
    """Return a date as the text that it is compared as."""
    return value.isoformat() if isinstance(value, date) else value


Convert = Callable[[Any], Any]
SHOWN: Mapping[str, Convert] = {DATE: shown_day, DATETIME: shown_moment, BOOL: shown_truth, JSON: shown_json}
COMPARED: Mapping[str, Convert] = {DATE: compared_day, DATETIME: compared_moment}
BOUND: Mapping[str, Convert] = {DATE: text_of_moment, DATETIME: text_of_moment, JSON: json.dumps}
