"""events.db: starts and stops."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gramex.services.events import Events, hide


def read(data: Path) -> list[tuple[int, str, dict[str, Any]]]:
    with contextlib.closing(sqlite3.connect(data / "logs" / "events.db")) as database:
        found = database.execute("SELECT time, event, data FROM events ORDER BY time").fetchall()
    return [(when, event, json.loads(text)) for when, event, text in found]


def test_start_and_stop_are_noted(serve: Any) -> None:
    before = time.time() * 1000
    process = serve(
        {}, {}, "--settings.cookie_secret=do-not-tell-anybody-about-this-one", env={"GRAMEX_INSTANCE": "b1"}
    )
    process.stop()
    (started, event, data), (stopped, last, _) = read(process.data)
    assert (event, last) == ("startup", "shutdown")
    assert before - 1 <= started <= stopped <= time.time() * 1000
    assert (data["pid"], data["cwd"], data["instance"]) == (process.pid, str(process.folder), "b1")
    assert "--settings.cookie_secret=***" in data["args"]
    assert "do-not-tell" not in str(data)


def test_a_start_is_noted_before_its_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write = Events._write
    monkeypatch.setattr(
        Events, "_write", lambda self, event, at: (time.sleep(0.3 if event == "startup" else 0), write(self, event, at))
    )
    events = Events(tmp_path / "logs" / "events.db", tmp_path, "1")
    events.note_soon("startup")
    events.note("shutdown")
    with contextlib.closing(sqlite3.connect(tmp_path / "logs" / "events.db")) as database:
        assert [row[0] for row in database.execute("SELECT event FROM events")] == ["startup", "shutdown"]
    (started, *_), (stopped, *_) = read(tmp_path)
    assert started <= stopped


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")
    Events(tmp_path / "logs" / "events.db", tmp_path, "1").note("startup")
    (tmp_path / "events.db").write_text("no database, but a text that is long enough to be looked at")
    Events(tmp_path / "events.db", tmp_path, "1").note("startup")
    assert (tmp_path / "events.db").read_text().startswith("no database")


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--listen.port=80", "--listen.port=80"),
        ("--email.password=x=y", "--email.password=***"),
        ("--settings.cookie_secret", "--settings.cookie_secret"),
        (sys.executable, sys.executable),
    ],
)
def test_values_of_secrets_are_hidden(argument: str, shown: str) -> None:
    assert hide(argument) == shown
