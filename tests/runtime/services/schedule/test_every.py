"""``every:``: how long a period is, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from gramex.services.schedule.every import Every, parse_period


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 30m", 5400),
        ("90s", 90),
        ("1.5 hours", 5400),
        (".5s", 0.5),
        ("2 days", 172800),
        ("1 day 2 hours 3 minutes 4 seconds", 93784),
        ("1 hour and 30 minutes", 5400),
        ("1 week, 1 day", 691200),
        ("1H", 3600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        (30, 30),
        ("30", 30),
        (0.5, 0.5),
    ],
)
def test_periods(text: Any, seconds: float) -> None:
    assert parse_period(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "1 fortnight",
        "1h 30",
        "-5s",
        "0s",
        "1h!",
        True,
        None,
        [1],
        "inf",
        "1e9999s",
        float("inf"),
        float("nan"),
    ],
)
def test_no_periods(text: Any) -> None:
    with pytest.raises(ValueError, match=r"must be|no unit"):
        parse_period(text)


def test_times_keep_their_distance() -> None:
    every = Every(60)
    assert every.first(0, 1000) == 1060
    assert every.next(1060, 1060.2) == 1120
    assert every.next(1060, 1119.9) == 1120


def test_missed_times_are_left_out() -> None:
    assert Every(60).next(1060, 1060 + 60 * 5 + 1) == 1060 + 60 * 6
