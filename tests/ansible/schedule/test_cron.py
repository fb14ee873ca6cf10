"""When a task is due, against cron's own rules and against systemd's reading of the same."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime

import pytest
from gramex_schedule import cron

NOW = datetime(2026, 11, 22, 14, 7, 30)  # a Sunday
CASES = [
    ("*/15 * * * *", "2026-11-22 14:00", "2026-11-22 14:15"),
    ("7 14 * * *", "2026-11-22 14:07", "2026-11-23 14:07"),
    ("@daily", "2026-11-22 00:00", "2026-11-23 00:00"),
    ("0 9 * * mon-fri", "2026-11-20 09:00", "2026-11-23 09:00"),
    ("0 9 * * 7", "2026-11-22 09:00", "2026-11-29 09:00"),
    ("30 5 1,15 * *", "2026-11-15 05:30", "2026-12-01 05:30"),
    ("0 0 29 feb *", "2024-02-29 00:00", "2028-02-29 00:00"),
    ("0 3 1 * mon", "2026-11-16 03:00", "2026-11-23 03:00"),  # both restricted: either is enough
    ("0 3 */31 * mon", "2026-06-01 03:00", "2027-02-01 03:00"),  # `*` with a step restricts nothing: both are needed
    ("5-50/20 10-12 * 1-3,12 *", "2026-03-31 12:45", "2026-12-01 10:05"),
    ("10/20 * * * *", "2026-11-22 13:50", "2026-11-22 14:10"),
]


@pytest.mark.parametrize(("text", "before", "after"), CASES)
def test_due_times_around_a_moment(text, before, after):
    when = cron.parse(text)
    assert f"{when.before(NOW):%Y-%m-%d %H:%M}" == before
    assert f"{when.after(NOW):%Y-%m-%d %H:%M}" == after


def test_a_due_time_is_before_itself_and_not_after():
    when, due = cron.parse("0 0 * * *"), datetime(2026, 1, 1)
    assert when.before(due) == due
    assert when.after(due) == datetime(2026, 1, 2)


@pytest.mark.parametrize("text", [case[0] for case in CASES])
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here; hosts read the timers")
def test_systemd_sees_the_same_times(text):
    when, moment = cron.parse(text), NOW
    expected = set()
    for _ in range(6):
        moment = when.after(moment)
        expected.add(f"{moment:%Y-%m-%d %H:%M}")
    found = set()
    for calendar in when.calendars():
        command = [
            "systemd-analyze",
            "calendar",
            "--iterations=6",
            f"--base-time={NOW:%Y-%m-%d %H:%M:%S} UTC",
            calendar,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
        )
        lines = [line for line in done.stdout.splitlines() if "elapse:" in line or "Iter" in line]
        found |= {" ".join(line.split(": ", 1)[1].split()[1:3])[:16] for line in lines}
    assert expected <= found
    assert min(found) == min(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "no minute: from 0 to 59"),
        ("* * 0 * *", "no day of the month"),
        ("* * * 13 *", "no month"),
        ("* * * * 8", "no day of the week"),
        ("* * * * funday", "no day of the week"),
        ("*/0 * * * *", "no minute"),
        ("5-1 * * * *", "no minute"),
        ("1,,2 * * * *", "no minute"),
        ("0 0 31 2 *", "is never"),
        ("@reboot", "five fields"),
    ],
)
def test_what_is_no_time_is_said(text, words):
    with pytest.raises(ValueError, match=words):
        cron.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m", "* * * * *"),
        ("15m", "*/15 * * * *"),
        ("60", "* * * * *"),
        ("1h", "0 * * * *"),
        ("6 h", "0 */6 * * *"),
        ("24h", "0 0 * * *"),
        ("1d", "0 0 * * *"),
        *((text, "") for text in ("90s", "7m", "5h", "2d", "0m", "soon")),
    ],
)
def test_every_divides_the_day_or_is_refused(text, expected):
    if expected:
        assert cron.every(text).text == expected
    else:
        with pytest.raises(ValueError, match="evenly"):
            cron.every(text)
