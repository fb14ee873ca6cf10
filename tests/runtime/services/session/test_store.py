"""Every kind of session store: what it keeps, for how long, and what other processes see of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gramex.services.session import SessionStore, open_store

LATER = time.time() + 86400
SHARED = ["sqlite", "json"]

OTHER = """
import sys, time
from pathlib import Path
from gramex.services.session import open_store
store = open_store({"type": sys.argv[1]}, Path(sys.argv[2]))
exec(sys.argv[3])
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., SessionStore]]:
    """Open stores on one folder; all are closed afterwards."""
    stores: list[SessionStore] = []

    def open_one(kind: str = "sqlite", **conf: object) -> SessionStore:
        stores.append(open_store({"type": kind, **conf}, tmp_path))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture(params=["sqlite", "json", "memory"])
def store(opened: Callable[..., SessionStore], request: pytest.FixtureRequest) -> SessionStore:
    return opened(request.param)


def run_other(kind: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code on a store in a process of its own; `store` is the name of the store."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", OTHER, kind, str(folder), code],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_keeps_what_json_can_hold(store: SessionStore):
    data = {"user": {"id": "ähm", "roles": ["a", None]}, "n": 1.5, "deep": {"x": [{"y": True}]}, "": ""}
    store.save("one", data, LATER)
    assert store.load("one") == data
    assert store.load("two") is None


def test_gives_everyone_a_copy(store: SessionStore):
    store.save("one", {"list": [1]}, LATER)
    store.load("one")["list"].append(2)
    assert store.load("one") == {"list": [1]}


def test_refuses_what_json_cannot_hold_and_changes_nothing(store: SessionStore):
    store.save("one", {"a": 1}, LATER)
    with pytest.raises(TypeError, match="object cannot be kept in a session"):
        store.change("one", {"a": 2, "b": object()})
    assert store.load("one") == {"a": 1}


def test_keeps_dates_as_text(store: SessionStore):
    from datetime import date

    store.save("one", {"day": date(2026, 1, 2), "names": {"b", "a"}}, LATER)
    assert store.load("one") == {"day": "2026-01-02", "names": ["a", "b"]}


def test_change_leaves_other_keys_alone(store: SessionStore):
    store.save("one", {"a": 1, "b": 2, "c": 3}, LATER)
    assert store.change("one", {"b": 20, "d": 4}, ["c", "x"])
    assert store.load("one") == {"a": 1, "b": 20, "d": 4}


@pytest.mark.parametrize("end", ["delete", "expire"])
def test_change_does_not_bring_an_ended_session_back(store: SessionStore, end: str):
    store.save("one", {"a": 1}, LATER if end == "delete" else time.time() - 1)
    if end == "delete":
        store.delete("one")
    assert not store.change("one", {"a": 2})
    assert store.load("one") is None


def test_move_takes_the_contents_along_and_ends_the_old_id(store: SessionStore):
    store.save("old", {"cart": [1]}, LATER)
    store.move("old", "new", {"cart": [1], "user": {"id": "a"}}, LATER)
    assert store.load("old") is None
    assert store.load("new") == {"cart": [1], "user": {"id": "a"}}


def test_expired_is_gone_at_once_and_purged_later(store: SessionStore):
    store.save("short", {"a": 1}, time.time() + 0.2)
    store.save("long", {"a": 1}, LATER)
    assert store.load("short") == {"a": 1}
    time.sleep(0.25)
    assert store.load("short") is None
    assert store.purge() == 1
    assert store.purge() == 0
    assert store.load("long") == {"a": 1}


def test_drop_user_logs_out_everywhere_else(store: SessionStore):
    for id, user in {"one": "ann", "two": "ann", "three": "bob"}.items():
        store.save(id, {"user": {"id": user}, "cart": id}, LATER)
    store.save("four", {"cart": 4}, LATER)
    assert store.load("one") is not None  # remembered
    assert store.drop_user("ann", keep="two") == 1
    assert store.load("one") == {"cart": "one"}
    assert store.load("two") == {"user": {"id": "ann"}, "cart": "two"}
    assert store.load("three")["user"] == {"id": "bob"}
    assert store.load("four") == {"cart": 4}


def test_drop_user_under_another_key(store: SessionStore):
    store.save("one", {"staff": {"id": 7}, "user": {"id": 7}}, LATER)
    assert store.drop_user(7, key="staff") == 1
    assert store.load("one") == {"user": {"id": 7}}


def test_many_threads_change_one_session(store: SessionStore):
    store.save("one", {}, LATER)

    def work(name: int) -> None:
        for number in range(20):
            store.change("one", {f"{name}-{number}": number})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.load("one")) == 80


def test_more_sessions_than_are_remembered(opened: Callable[..., SessionStore], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gramex.services.session.store.REMEMBERED", 16)
    store = opened("sqlite")
    for number in range(60):
        store.save(str(number), {"n": number}, LATER)
    assert [store.load(str(number)) for number in range(60)] == [{"n": number} for number in range(60)]
    assert len(store._records) <= 16


@pytest.mark.parametrize("kind", SHARED)
def test_two_stores_see_each_other_at_once(opened: Callable[..., SessionStore], kind: str):
    one, two = opened(kind), opened(kind)
    one.save("id", {"user": {"id": "a"}, "n": 1}, LATER)
    assert two.load("id") == {"user": {"id": "a"}, "n": 1}
    for number in range(2, 30):
        (one if number % 2 else two).change("id", {"n": number})
        assert (one.load("id")["n"], two.load("id")["n"]) == (number, number)
    two.change("id", {}, ["user"])
    assert one.load("id") == {"n": 29}
    one.delete("id")
    assert two.load("id") is None


@pytest.mark.parametrize("kind", SHARED)
def test_processes_do_not_lose_each_others_changes(opened: Callable[..., SessionStore], tmp_path: Path, kind: str):
    store = opened(kind)
    store.save("id", {}, LATER)
    code = "[store.change('id', {f'{name}-{n}': n}) for n in range(30)]"
    processes = [
        subprocess.Popen([sys.executable, "-c", OTHER, kind, str(tmp_path), f"name = {name}\n{code}"])
        for name in range(3)
    ]
    for number in range(30):
        store.change("id", {f"own-{number}": number})
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(store.load("id")) == 120


@pytest.mark.parametrize("kind", SHARED)
def test_processes_that_open_a_new_store_at_once(tmp_path: Path, kind: str):
    code = "[store.save(f'{name}-{n}', {'n': n}, time.time() + 99) for n in range(10)]"
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OTHER, kind, str(tmp_path), f"name = {name}\n{code}"],
            stderr=subprocess.PIPE,
        )
        for name in range(4)
    ]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in processes] == [(b"", 0)] * 4
    store = open_store({"type": kind}, tmp_path)
    assert all(store.load(f"{name}-9") for name in range(4))
    store.close()


@pytest.mark.parametrize("kind", SHARED)
def test_survives_kill_9(tmp_path: Path, kind: str):
    code = "import os, signal\nstore.save('id', {'a': 1}, time.time() + 99)\nos.kill(os.getpid(), signal.SIGKILL)"
    assert run_other(kind, tmp_path, code).returncode == -signal.SIGKILL
    store = open_store({"type": kind}, tmp_path)
    assert store.load("id") == {"a": 1}
    store.close()


@pytest.mark.parametrize("kind", SHARED)
def test_files_are_private_and_hold_no_id(opened: Callable[..., SessionStore], tmp_path: Path, kind: str):
    old = os.umask(0)
    try:
        store = opened(kind)
        store.save("the-id-of-a-session", {"a": 1}, LATER)
    finally:
        os.umask(old)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not any(b"the-id-of-a-session" in path.read_bytes() for path in files)


def test_an_open_file_of_others_becomes_private(opened: Callable[..., SessionStore], tmp_path: Path):
    sqlite3.connect(tmp_path / "session.db").close()
    (tmp_path / "session.db").chmod(0o644)
    opened("sqlite").save("id", {}, LATER)
    assert stat.S_IMODE((tmp_path / "session.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(("kind", "name"), [("sqlite", "session.db"), ("json", "session.json")])
def test_damaged_file_is_set_aside(
    opened: Callable[..., SessionStore], tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, name: str
):
    (tmp_path / name).write_bytes(b"neither this nor that" * 300)
    store = opened(kind)
    store.save("id", {"a": 1}, LATER)
    assert store.load("id") == {"a": 1}
    assert [path.read_bytes()[:7] for path in tmp_path.glob(f"{name}.damaged-*")] == [b"neither"]
    assert f"{name}.damaged-" in caplog.text


@pytest.mark.parametrize(("kind", "name"), [("sqlite", "session.db"), ("json", "session.json")])
def test_where_nothing_can_be_written_memory_does(
    opened: Callable[..., SessionStore], tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, name: str
):
    (tmp_path / "file").write_text("a file is no folder, not for root either")
    store = opened(kind, path=str(tmp_path / "file" / name))
    store.save("id", {"a": 1}, LATER)
    store.change("id", {"b": 2})
    assert store.load("id") == {"a": 1, "b": 2}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(tmp_path / "file" / name) in caplog.text


def test_ended_sessions_leave_the_file_without_being_asked(opened: Callable[..., SessionStore], tmp_path: Path):
    store = opened("sqlite", purge=0.05)
    for number in range(20):
        store.save(f"old-{number}", {}, time.time() - 1)
    store.close()
    time.sleep(0.06)
    store = opened("sqlite", purge=0.05)
    store.save("new", {}, LATER)
    store.close()
    with sqlite3.connect(tmp_path / "session.db") as connection:
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (1,)
    connection.close()


def test_wal_file_does_not_grow_for_ever(
    opened: Callable[..., SessionStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gramex.services.session.sqlite.WRITES", 50)
    store = opened("sqlite")
    store.save("id", {}, LATER)
    for number in range(2000):
        store.change("id", {"n": number, "text": "x" * 1000})
        if number % 50 == 0 and store._tidying:
            store._tidying.join()
    assert (tmp_path / "session.db-wal").stat().st_size < 4_000_000  # without: 2000 pages and more, over 8 MB


def test_json_file_can_be_read(opened: Callable[..., SessionStore], tmp_path: Path):
    opened("json").save("id", {"user": {"id": "a"}}, LATER)
    rows = json.loads((tmp_path / "session.json").read_text())
    assert [row["data"] for row in rows.values()] == [{"user": {"id": "a"}}]


def test_memory_store_forgets_ended_sessions(opened: Callable[..., SessionStore]):
    store = opened("memory", purge=0.01)
    store.save("old", {}, time.time() - 1)
    time.sleep(0.02)
    store.save("new", {}, LATER)
    assert len(store._table) == 1


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path):
    store = open_store({}, tmp_path)
    assert list(tmp_path.iterdir()) == []
    store.close()
