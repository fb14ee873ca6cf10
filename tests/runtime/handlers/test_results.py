"""What functions return, as bytes."""

import datetime
import decimal
import enum
import pathlib
import uuid
from types import SimpleNamespace

import pytest

from gramex.handlers.results import as_bytes


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", b"text"),
        ("\u00e9", "\u00e9".encode()),
        (b"\xff", b"\xff"),
        (bytearray(b"x"), b"x"),
        (None, b""),
        (1, b"1"),
        (1.5, b"1.5"),
        (True, b"true"),
        ([1, "a", None], b'[1,"a",null]'),
        ((1, 2), b"[1,2]"),
        ({"a": {"b": [1]}}, b'{"a":{"b":[1]}}'),
        ({"k": "\u00e9"}, b'{"k":"\\u00e9"}'),
        (datetime.date(2026, 1, 2), b'"2026-01-02"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), b'"2026-01-02T03:04:05+00:00"'),
        ([datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)], b'["2026-01-02T00:00:00+00:00"]'),
        ({1}, b"[1]"),
        (range(3), b"[0,1,2]"),
        ({"a": 1}.keys(), b'["a"]'),
        (decimal.Decimal("1.5"), b"1.5"),
        (Colour.RED, b'"red"'),
        (uuid.UUID(int=0), b'"00000000-0000-0000-0000-000000000000"'),
        ([pathlib.PurePosixPath("/a")], b'["/a"]'),
        ([b"x"], b'["x"]'),
        (datetime.timedelta(seconds=1.5), b"1.5"),
        (SimpleNamespace(tolist=lambda: [1, 2]), b"[1,2]"),
    ],
)
def test_results(value, expected):
    assert as_bytes(value) == expected


@pytest.mark.parametrize("value", [object(), [object()], {"a": open}])
def test_what_json_cannot_have_is_an_error(value):
    with pytest.raises(TypeError, match="JSON"):
        as_bytes(value)


def test_endless_nesting_is_an_error():
    value = []
    value.append(value)
    with pytest.raises(RecursionError):
        as_bytes(value)
