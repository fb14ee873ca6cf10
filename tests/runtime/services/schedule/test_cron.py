"""The cron fields: which times they allow, over days, years and changes of the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from gramex.services.schedule.cron import Cron, parse_field


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


def after(fields: dict[str, Any], moment: str) -> str:
    found = Cron.parse(fields, utc=True).after(utc(moment))
    assert found is not None
    return datetime.fromtimestamp(found, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("minutes", 5, {5}),
        ("minutes", "5", {5}),
        ("minutes", "*/15", {0, 15, 30, 45}),
        ("minutes", "5/20", {5, 25, 45}),
        ("minutes", "0-10/5, 30", {0, 5, 10, 30}),
        ("minutes", [1, "3-4"], {1, 3, 4}),
        ("hours", "22-2", {22, 23, 0, 1, 2}),
        ("months", "jan, MAR", {1, 3}),
        ("months", "November", {11}),
        ("weekdays", "mon-fri", {1, 2, 3, 4, 5}),
        ("weekdays", "sat-sun", {6, 0}),
        ("weekdays", 7, {0}),
        ("weekdays", "5-7", {5, 6, 0}),
        ("weekdays", "?", set(range(7))),
        ("dates", "L", {0}),
        ("years", "2030-2032", {2030, 2031, 2032}),
    ],
)
def test_fields(field: str, value: Any, allowed: set[int]) -> None:
    assert parse_field(field, value) == allowed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minutes", 60),
        ("hours", 24),
        ("dates", 0),
        ("months", 13),
        ("months", "foo"),
        ("weekdays", 8),
        ("years", 1969),
        ("years", "2032-2030"),
        ("minutes", "*/0"),
        ("minutes", ""),
        ("minutes", "1-"),
        ("minutes", []),
        ("minutes", True),
        ("minutes", 1.5),
        ("minutes", {"a": 1}),
        ("minutes", "²"),
        ("hours", "jan"),
    ],
)
def test_wrong_fields(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"must be|is not from|ends before|leads nowhere|empty"):
        parse_field(field, value)


@pytest.mark.parametrize(
    ("fields", "moment", "expected"),
    [
        ({}, "2026-01-01T10:00:30", "2026-01-01 10:01:00"),
        ({}, "2026-01-01T10:01:00", "2026-01-01 10:02:00"),
        ({"minutes": 0}, "2026-01-01T23:30:00", "2026-01-02 00:00:00"),
        ({"hours": 6}, "2026-01-01T05:59:59", "2026-01-01 06:00:00"),
        ({"hours": 6}, "2026-01-01T06:00:00", "2026-01-01 06:01:00"),
        ({"hours": 6, "minutes": 0}, "2026-01-01T06:00:00", "2026-01-02 06:00:00"),
        ({"hours": "8,12", "minutes": "15,45"}, "2026-01-01T08:45:00", "2026-01-01 12:15:00"),
        ({"dates": 31, "hours": 0, "minutes": 0}, "2026-02-01T00:00:00", "2026-03-31 00:00:00"),
        ({"dates": "L", "hours": 0, "minutes": 0}, "2028-02-01T00:00:00", "2028-02-29 00:00:00"),
        ({"dates": 13, "weekdays": "fri", "hours": 0, "minutes": 0}, "2026-04-01T00:00:00", "2026-11-13 00:00:00"),
        ({"months": 2, "dates": 29, "hours": 0, "minutes": 0}, "2026-01-01T00:00:00", "2028-02-29 00:00:00"),
        (
            {"months": 2, "dates": 29, "weekdays": "mon", "hours": 0, "minutes": 0},
            "2044-03-01T00:00:00",
            "2072-02-29 00:00:00",
        ),
        ({"years": 2030, "hours": 0, "minutes": 0}, "2026-05-01T00:00:00", "2030-01-01 00:00:00"),
        ({"minutes": 59, "hours": 23, "weekdays": 0}, "2026-11-22T23:59:00", "2026-11-29 23:59:00"),
    ],
)
def test_next_time(fields: dict[str, Any], moment: str, expected: str) -> None:
    assert after(fields, moment) == expected


def test_no_time_is_left() -> None:
    assert Cron.parse({"years": 2020}).after(time.time()) is None
    assert Cron.parse({"months": 2, "dates": 30}).after(time.time()) is None


@pytest.fixture
def berlin() -> Iterator[None]:
    """Clocks go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October, at 1:00 UTC each time."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def times(fields: dict[str, Any], begin: str, count: int) -> list[str]:
    cron, moment, found = Cron.parse(fields), utc(begin), []
    for _ in range(count):
        moment = cron.after(moment) or 0
        found.append(datetime.fromtimestamp(moment, timezone.utc).strftime("%d %H:%M"))
    return found


@pytest.mark.usefixtures("berlin")
def test_local_time() -> None:
    assert times({"hours": 6, "minutes": 0}, "2026-07-01T00:00:00", 2) == ["01 04:00", "02 04:00"]
    assert times({"hours": 6, "minutes": 0}, "2026-01-01T00:00:00", 1) == ["01 05:00"]


@pytest.mark.usefixtures("berlin")
def test_a_time_that_does_not_come_runs_later_once() -> None:
    # 2:30 on the 29th would have been 1:30 UTC.
    assert times({"hours": 2, "minutes": 30}, "2026-03-28T00:00:00", 3) == ["28 01:30", "29 01:30", "30 00:30"]


@pytest.mark.usefixtures("berlin")
def test_a_time_that_comes_twice_runs_once() -> None:
    assert times({"hours": 2, "minutes": 30}, "2026-10-24T00:00:00", 3) == ["24 00:30", "25 00:30", "26 01:30"]


@pytest.mark.usefixtures("berlin")
def test_each_hour_is_each_real_hour() -> None:
    found = times({"minutes": 30}, "2026-10-24T23:00:00", 4)
    assert found == ["24 23:30", "25 00:30", "25 01:30", "25 02:30"]
    found = times({"minutes": 30}, "2026-03-29T00:00:00", 3)
    assert found == ["29 00:30", "29 01:30", "29 02:30"]


@pytest.mark.usefixtures("berlin")
def test_utc_does_not_follow_the_clock() -> None:
    cron = Cron.parse({"hours": 2, "minutes": 30}, utc=True)
    assert cron.after(utc("2026-03-29T00:00:00")) == utc("2026-03-29T02:30:00")


def test_a_late_time_is_not_made_up_for() -> None:
    cron = Cron.parse({}, utc=True)
    assert cron.next(utc("2026-01-01T10:00:00"), utc("2026-01-01T10:05:30")) == utc("2026-01-01T10:06:00")
