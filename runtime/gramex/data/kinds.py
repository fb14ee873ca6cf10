"""Kinds of columns, and the values that text from a URL stands for in a column of a kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

INT, FLOAT, NUMBER, BOOL, TEXT = "int", "float", "number", "bool", "text"
DATE, DATETIME, UTC, UUID, BLOB, JSON, ANY = "date", "datetime", "utc", "uuid", "blob", "json", "any"
# NUMBER is whole or not, value by value; UTC a datetime with its zone; ANY a mixture, which is compared as text.
NUMBERS = frozenset((INT, FLOAT, NUMBER))
MOMENTS = frozenset((DATE, DATETIME, UTC))

WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
REAL = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,5})?|inf(?:inity)?)", re.IGNORECASE)
TRUE, FALSE = frozenset(("true", "t", "yes", "y", "1")), frozenset(("false", "f", "no", "n", "0"))
LARGEST = 2**63 - 1  # what databases keep as a whole number
FRACTION = re.compile(r"\.(\d{1,9})")


def whole(value: Any) -> int:
    """Return a whole number."""
    if isinstance(value, str):
        if not WHOLE.fullmatch(value):
            raise ValueError(value)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -LARGEST - 1 <= value <= LARGEST:
        raise ValueError(value)
    return value


def real(value: Any) -> float:
    """Return a number as a float."""
    if isinstance(value, str):
        if not REAL.fullmatch(value):
            raise ValueError(value)
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise ValueError(value)
    return float(value)


def number(value: Any) -> int | float:
    """Return a number, whole where it is written so."""
    if isinstance(value, (int, str)):
        try:
            return whole(value)
        except ValueError:
            pass
    return real(value)


def truth(value: Any) -> bool:
    """Return true or false."""
    text = str(value).lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError(value)


def moment(value: Any) -> datetime:
    """Return the datetime of an ISO text, without a zone: one that it names is applied."""
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day)
    else:
        found = parse_iso(str(value))
    return found if found.tzinfo is None else found.astimezone(timezone.utc).replace(tzinfo=None)


def parse_iso(text: str) -> datetime:
    """Return the datetime of an ISO text, as later Pythons than 3.10 understand it.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    if not 8 <= len(text) <= 40 or not text.isascii():
        raise ValueError(text)
    if text[-1] in "zZ":
        text = text[:-1] + "+00:00"
    text = FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)
    if len(text) == 8 and text.isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if len(text) == 13 and text[10] in " T":  # hours alone
        text += ":00"
    return datetime.fromisoformat(text)


def day(value: Any) -> date:
    """Return the date of an ISO text; one with a time is a ValueError, unless that is midnight."""
    found = moment(value)
    if (found.hour, found.minute, found.second, found.microsecond) != (0, 0, 0, 0):
        raise ValueError(value)
    return found.date()


def moment_utc(value: Any) -> datetime:
    """Return a datetime in UTC."""
    return moment(value).replace(tzinfo=timezone.utc)


def uuid(value: Any) -> Any:
    """Return a UUID."""
    from uuid import UUID

    return value if isinstance(value, UUID) else UUID(str(value))


def text(value: Any) -> str:
    """Return text, which every value has."""
    result = value if isinstance(value, str) else str(value)
    result.encode()  # no half of a pair, which a JSON body may hold
    if "\0" in result:
        raise ValueError(result)
    return result


CONVERT: dict[str, Callable[[Any], Any]] = {
    INT: whole, FLOAT: real, NUMBER: number, BOOL: truth, DATE: day, DATETIME: moment, UTC: moment_utc, UUID: uuid,
}  # fmt: skip


def convert(kind: str, value: Any) -> Any:
    """Return what a value of a request is in a column of a kind.

    Raises:
        ValueError: it is nothing there.
    """
    try:
        return CONVERT.get(kind, text)(value)
    except (TypeError, OverflowError, UnicodeError) as error:
        raise ValueError(value) from error
