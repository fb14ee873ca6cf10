"""`schedule` as triggers of Windows' task scheduler."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gramex_plan.tasks import Untold, duration, triggers

DAY = "2020-01-01T"
ALL_MONTHS = "january,february,march,april,may,june,july,august,september,october,november,december"


def repeated(interval: str, start: str = "00:00:00") -> dict[str, Any]:
    return {"type": "time", "start_boundary": DAY + start, "repetition": {"interval": interval}}


def daily(start: str) -> dict[str, Any]:
    return {"type": "daily", "start_boundary": DAY + start}


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        ({"every": "15m"}, [repeated("PT15M")]),
        ({"every": "1d"}, [daily("00:00:00")]),
        ({"every": "60"}, [repeated("PT1M")]),
        ({"cron": "* * * * *"}, [repeated("PT1M")]),
        ({"cron": "*/20 * * * *"}, [repeated("PT20M")]),
        ({"cron": "5 * * * *"}, [repeated("PT1H", "00:05:00")]),
        ({"cron": "10 */6 * * *"}, [repeated("PT6H", "00:10:00")]),
        ({"cron": "5,35 * * * *"}, [repeated("PT30M", "00:05:00")]),
        ({"cron": "15 3,15 * * *"}, [repeated("PT12H", "03:15:00")]),
        ({"cron": "0,30 5 * * *"}, [daily("05:00:00"), daily("05:30:00")]),
        ({"cron": "10 */5 * * *"}, [daily(f"{hour:02}:10:00") for hour in (0, 5, 10, 15, 20)]),
        ({"every": "2h", "jitter": 300}, [{**repeated("PT2H"), "random_delay": "PT5M"}]),
        ({"cron": "30 5 * * *"}, [daily("05:30:00")]),
        ({"cron": "@daily"}, [daily("00:00:00")]),
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
    "cron",
    [
        "*/7 * * * *",  # from 56 to the next hour's 0 is not 7
        "0-58 5 * * *",
        "0 5 1 * 1",
        "0 5 * 1 1",
    ],
)
def test_what_windows_cannot_be_told_is_refused(cron: str) -> None:
    with pytest.raises(Untold, match=re.escape(f"`{cron}`")):
        triggers({"cron": cron})


@pytest.mark.parametrize("task", [{"every": "30s"}, {"every": "90m"}, {"cron": "0 5 * *"}, {"cron": "61 5 * * *"}])
def test_what_is_wrong_on_any_host_is_not_blamed_on_windows(task: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        triggers(task)
    assert not isinstance(caught.value, Untold)


@pytest.mark.parametrize(("seconds", "text"), [(60, "PT1M"), (3600, "PT1H"), (86400, "P1D"), (90061, "P1DT1H1M1S")])
def test_durations_are_as_the_scheduler_gives_them_back(seconds: int, text: str) -> None:
    assert duration(seconds) == text
