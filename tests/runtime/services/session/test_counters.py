"""Counts that processes share: failed log ins, and requests in a period."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gramex.services.session import Counters

DELAYS = [1, 1, 5]


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[Counters]:
    counters = Counters(tmp_path / "counters.db")
    yield counters
    counters.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved by hand."""
    now = [1e9]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_delays_are_taken_in_order_and_the_last_repeats(counters: Counters, clock: list[float]):
    waits = []
    for _ in range(5):
        waits.append(counters.penalise("login", "ann", DELAYS).until - clock[0])
        clock[0] += waits[-1]
    assert waits == [1, 1, 5, 5, 5]


def test_failures_at_the_same_time_add_up(counters: Counters, clock: list[float]):
    assert [counters.penalise("login", "ann", DELAYS).until - clock[0] for _ in range(4)] == [1, 2, 7, 12]


def test_nobody_is_held_up_for_ever(counters: Counters, clock: list[float]):
    for _ in range(100):
        counters.penalise("login", "ann", DELAYS)
    assert counters.get("login", "ann").until - clock[0] == 300


def test_names_and_kinds_are_apart(counters: Counters):
    counters.penalise("login", "ann", DELAYS)
    assert counters.get("login", "bob").number == 0
    assert counters.get("other", "ann").number == 0


def test_success_forgets(counters: Counters):
    counters.penalise("login", "ann", DELAYS)
    counters.clear("login", "ann")
    assert counters.get("login", "ann") == (0, 0)


def test_a_day_later_it_is_forgotten(counters: Counters, clock: list[float]):
    counters.penalise("login", "ann", DELAYS)
    clock[0] += 86400 - 5
    assert counters.get("login", "ann").number == 1
    clock[0] += 10
    assert counters.get("login", "ann").number == 0


def test_other_processes_count_too(counters: Counters, tmp_path: Path):
    counters.penalise("login", "ann", DELAYS)
    code = (
        "import sys; from pathlib import Path; from gramex.services.session import Counters; "
        "c = Counters(Path(sys.argv[1])); print(c.penalise('login', 'ann', [1, 1, 5]).number)"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "counters.db")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout == "2\n"
    assert counters.get("login", "ann").number == 2


def test_hits_count_until_the_period_ends(counters: Counters, clock: list[float]):
    assert [counters.hit("rate", "1.2.3.4", 60).number for _ in range(3)] == [1, 2, 3]
    clock[0] += 59
    assert counters.hit("rate", "1.2.3.4", 60) == (4, clock[0] + 1)
    clock[0] += 2
    assert counters.hit("rate", "1.2.3.4", 60) == (1, clock[0] + 60)


def test_a_clock_that_was_set_back_does_not_hold_for_long(counters: Counters, clock: list[float]):
    counters.hit("rate", "a", 60)
    clock[0] -= 1e6
    assert counters.hit("rate", "a", 60) == (1, clock[0] + 60)
    counters.penalise("login", "a", DELAYS)
    clock[0] -= 1e6
    assert counters.penalise("login", "a", DELAYS).until - clock[0] <= 300


def test_names_are_not_in_the_file(counters: Counters, tmp_path: Path):
    counters.penalise("login", "my-secret-typed-into-the-wrong-field", DELAYS)
    for path in tmp_path.iterdir():
        assert b"my-secret" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_invented_names_do_not_fill_the_disk(counters: Counters, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gramex.services.session.counters.WRITES", 50)
    monkeypatch.setattr("gramex.services.session.counters.MOST", 40)
    for number in range(200):
        counters.penalise("login", f"name-{number}", DELAYS)
        if counters._tidying:
            counters._tidying.join()
    assert counters._connection.execute("SELECT count(*) FROM counter").fetchone()[0] <= 100
    assert counters.get("login", "name-199").number == 1
