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
        assert counters.take_turn("login", "ann", DELAYS) == 0
        waits.append(counters.take_turn("login", "ann", DELAYS))
        clock[0] += waits[-1]
    assert waits == [1, 1, 5, 5, 5]
    assert counters.get("login", "ann").number == 5


def test_waiting_does_not_count(counters: Counters, clock: list[float]):
    counters.take_turn("login", "ann", DELAYS)
    for _ in range(20):
        clock[0] += 0.01
        assert 0 < counters.take_turn("login", "ann", DELAYS) < 1
    assert counters.get("login", "ann").number == 1


def test_names_and_kinds_are_apart(counters: Counters):
    counters.take_turn("login", "ann", DELAYS)
    assert counters.take_turn("login", "bob", DELAYS) == 0
    assert counters.get("other", "ann").number == 0


def test_no_delay_is_no_delay(counters: Counters):
    assert [counters.take_turn("login", "ann", [0]) for _ in range(5)] == [0] * 5


def test_success_forgets(counters: Counters):
    counters.take_turn("login", "ann", DELAYS)
    counters.clear("login", "ann")
    assert counters.get("login", "ann") == (0, 0)
    assert counters.take_turn("login", "ann", DELAYS) == 0


def test_a_day_later_it_is_forgotten(counters: Counters, clock: list[float]):
    counters.take_turn("login", "ann", DELAYS)
    clock[0] += 86400 - 5
    assert counters.get("login", "ann").number == 1
    clock[0] += 10
    assert counters.get("login", "ann").number == 0


def test_a_clock_that_is_a_little_behind_lets_nobody_in(counters: Counters, monkeypatch: pytest.MonkeyPatch):
    assert counters.take_turn("login", "ann", [60]) == 0
    assert counters.hit("pool", "x", 60).number == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 2)
    assert counters.take_turn("login", "ann", [60]) > 60
    assert counters.hit("pool", "x", 60).number == 2


def test_only_one_at_a_time_in_all_processes(counters: Counters, tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from gramex.services.session import Counters; "
        "c = Counters(Path(sys.argv[1])); "
        "print([c.take_turn('login', 'ann', [60]) > 0 for _ in range(20)].count(False))"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "counters.db")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 1
    assert counters.take_turn("login", "ann", [60]) > 0


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
    counters.take_turn("login", "a", DELAYS)
    clock[0] -= 1e6
    assert counters.take_turn("login", "a", DELAYS) == 0


def test_names_are_not_in_the_file(counters: Counters, tmp_path: Path):
    counters.take_turn("login", "my-secret-typed-into-the-wrong-field", DELAYS)
    for path in tmp_path.iterdir():
        assert b"my-secret" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_invented_names_do_not_fill_the_disk(counters: Counters, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gramex.services.session.counters.WRITES", 50)
    monkeypatch.setattr("gramex.services.session.counters.MOST", 40)
    for number in range(200):
        counters.take_turn("login", f"name-{number}", DELAYS)
        if counters._tidying:
            counters._tidying.join()
    assert counters._connection.execute("SELECT count(*) FROM counter").fetchone()[0] <= 100
    assert counters.get("login", "name-199").number == 1
