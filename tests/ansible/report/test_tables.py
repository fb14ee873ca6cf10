"""The tables at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_report.rows import apps, certificates, status, tasks
from gramex_report.table import APPS, CERTIFICATES, STATUS, TASKS, table

PLAN = {
    "apps": [
        {"name": "site", "url": "https://localhost/", "state": "present"},
        {"name": "api", "url": "https://localhost/api/", "state": "present"},
    ]
}
RESULT: list[dict[str, Any]] = [
    {"name": "site", "release": "20250101T101010-0a1b2c3d", "state": "running", "boot": True},
    {"name": "api", "release": "20250101T101011-4d5e6f70", "state": "running", "boot": False, "gap": 0.4321},
]


IN_WORDS = [{**RESULT[0], "boot": "yes"}, {**RESULT[1], "boot": "does not start at boot"}]


@pytest.mark.parametrize("result", [RESULT, IN_WORDS, {"rows": RESULT, "changed": False}])
def test_apps(result: Any) -> None:
    assert table(apps("web1", PLAN, result), APPS) == [
        "App   URL                     Release                   Service  Starts at boot          Gap of this change",
        "site  https://localhost/      20250101T101010-0a1b2c3d  running  yes                     -",
        "api   https://localhost/api/  20250101T101011-4d5e6f70  running  does not start at boot  0.4 s",
    ]


def test_a_short_gap_is_not_none() -> None:
    rows = apps("web1", PLAN, [{"name": "site", "gap": 0.02}, {"name": "api", "gap": 0.0}])
    assert [row["gap"] for row in rows] == ["under 0.1 s", "none"]


def test_apps_that_no_role_reported() -> None:
    assert table(apps("web1", PLAN, {}), APPS) == [
        "App   URL",
        "site  https://localhost/",
        "api   https://localhost/api/",
    ]


def test_removed_apps() -> None:
    plan = {"apps": [{"name": "site", "url": "https://localhost/", "state": "absent"}]}
    assert table(apps("web1", plan, [{"name": "left", "state": "absent"}]), APPS) == [
        "App   Service",
        "site  removed",
        "left  removed",
    ]


def test_hosts_are_named_where_there_are_two() -> None:
    rows = [*apps("web1", {"apps": PLAN["apps"][:1]}, []), *apps("web2", {"apps": PLAN["apps"][1:]}, [])]
    assert table(rows, APPS)[0].split() == ["Host", "App", "URL"]
    assert table(rows, APPS)[2].split()[0] == "web2"


def test_certificates() -> None:
    result = [
        {"domain": "localhost", "fingerprint": "AA:BB", "expires": "2026-01-01"},
        {"domain": "plain.example", "fingerprint": "", "expires": ""},
    ]
    assert table(certificates("web1", result), CERTIFICATES) == [
        "Certificate of  Valid until  SHA-256 fingerprint",
        "localhost       2026-01-01   AA:BB",
    ]
    assert table(certificates("web1", None), CERTIFICATES) == []


def test_status_of_apps() -> None:
    found = [
        {
            **{"name": "site", "release": "R1", "colour": "blue", "state": "running", "boot": True, "restarts": 0},
            **{"since": 1_700_000_000.5, "memory": 22.4 * 2**20},
        },
        {"name": "old", "state": "not deployed"},
    ]
    assert table(status("web1", found), STATUS) == [
        "App   Release  Colour  Service       Since (UTC)          Memory  Restarts  Starts at boot",
        "site  R1       blue    running       2023-11-14 22:13:20  22 MiB  0         yes",
        "old   -        -       not deployed  -                    -       -         -",
    ]


def test_tasks_by_the_clock() -> None:
    when = {"last": "2026-01-05 05:30:00", "next": "2026-01-06 05:30:00", "missed": ""}
    found = {"site": [{"name": "nightly", "state": "failed", "exit": 3, **when}], "api": []}
    assert table(tasks("web1", found), TASKS) == [
        "App   Task     State   Last run             Exit code  Next run",
        "site  nightly  failed  2026-01-05 05:30:00  3          2026-01-06 05:30:00",
    ]
