"""`schedule` as triggers of Windows' task scheduler."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_plan.tasks import duration, triggers

DAY = "2020-01-01T"
ALL_MONTHS = "january,february,march,april,may,june,july,august,september,october,november,december"


def repeated(interval: str, start: str = "00:00:00") -> dict[str, Any]:
    return {"type": "time", "start_boundary": DAY + start, "repetition": {"interval": interval}}


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        ({"every": "15m"}, [repeated("PT15M")]),
        ({"every": "1d"}, [repeated("P1D")]),
        ({"every": 90 * 60}, [repeated("PT1H30M")]),
        ({"cron": "* * * * *"}, [repeated("PT1M")]),
        ({"cron": "*/20 * * * *"}, [repeated("PT20M")]),
        ({"cron": "5 * * * *"}, [repeated("PT1H", "00:05:00")]),
        ({"cron": "10 */6 * * *"}, [repeated("PT6H", "00:10:00")]),
        ({"every": "2h", "jitter": 300}, [{**repeated("PT2H"), "random_delay": "PT5M"}]),
        ({"cron": "30 5 * * *"}, [{"type": "daily", "start_boundary": f"{DAY}05:30:00"}]),
        ({"cron": "@daily"}, [{"type": "daily", "start_boundary": f"{DAY}00:00:00"}]),
        (
            {"cron": "0 9,17 * * mon-fri"},
            [
                {
                    "type": "weekly",
                    "start_boundary": f"{DAY}{hour}:00:00",
                    "days_of_week": "monday,tuesday,wednesday,thursday,friday",
                }
                for hour in ("09", "17")
            ],
        ),
        (
            {"cron": "0 3 * * 6-7"},
            [{"type": "weekly", "start_boundary": f"{DAY}03:00:00", "days_of_week": "sunday,saturday"}],
        ),
        (
            {"cron": "15 4 1,15 * *"},
            [
                {
                    "type": "monthly",
                    "start_boundary": f"{DAY}04:15:00",
                    "days_of_month": "1,15",
                    "months_of_year": ALL_MONTHS,
                }
            ],
        ),
        (
            {"cron": "0 0 1 jan,jul *"},
            [
                {
                    "type": "monthly",
                    "start_boundary": f"{DAY}00:00:00",
                    "days_of_month": "1",
                    "months_of_year": "january,july",
                }
            ],
        ),
    ],
)
def test_triggers(task: dict[str, Any], wanted: list[dict[str, Any]]) -> None:
    assert triggers(task) == wanted


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"every": "30s"}, "no whole number of minutes"),
        ({"every": "soon"}, "no whole number of minutes"),
        ({"cron": "0 5 * *"}, "five fields"),
        ({"cron": "*/7 * * * *"}, "cannot be told"),
        ({"cron": "0,30 5 * * *"}, "cannot be told"),
        ({"cron": "61 5 * * *"}, "cannot be told"),
        ({"cron": "0 24 * * *"}, "is not from 0 to 23"),
        ({"cron": "0 5 0 * *"}, "is not from 1 to 31"),
        ({"cron": "0 5 * * funday"}, "is not from 0 to 7"),
        ({"cron": "0 5 1 * 1"}, "make it two tasks"),
        ({"cron": "0 5 * 1 1"}, "leave one of them"),
        ({"cron": "0 5-3 * * *"}, "is not from 0 to 23"),
        ({"cron": "0 */0 * * *"}, "is not from 0 to 23"),
    ],
)
def test_what_cannot_be_told_is_refused(task: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        triggers(task)


@pytest.mark.parametrize(("seconds", "text"), [(60, "PT1M"), (3600, "PT1H"), (86400, "P1D"), (90061, "P1DT1H1M1S")])
def test_durations_are_as_the_scheduler_gives_them_back(seconds: int, text: str) -> None:
    assert duration(seconds) == text
