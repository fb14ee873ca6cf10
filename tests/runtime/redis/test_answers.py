"""Kept answers in a real Redis server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gramex.handlers.caching import Kept, make_store


def kept(seconds: float, body: bytes = b"\0\nbody") -> Kept:
    return Kept(203, "So", [("X", "ä"), ("X", "b")], body, time.monotonic() + seconds)


def test_replays_and_expires(server: Any, tmp_path: Path):
    one, two = (make_store("shared", {"type": "redis", "path": server.place, "size": 5000}, tmp_path) for _ in range(2))
    one.put("key", kept(60))
    assert two.get("key")[:4] == kept(60)[:4]
    assert make_store("other", {"type": "redis", "path": server.place}, tmp_path).get("key") is None
    one.put("for ever", kept(float("inf")))
    one.put("short", kept(0.05))
    one.put("large", kept(60, b"x" * 6000))
    end = time.monotonic() + 20
    while two.get("short") and time.monotonic() < end:
        time.sleep(0.01)
    assert [two.get(key) is None for key in ("short", "large", "for ever", "never")] == [True, True, False, True]
    with server.client as client:
        assert len(client.keys("gramex:cache:shared:*")) == 2


def test_makes_answers_anew_while_the_server_is_away(
    server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gramex.services.redisserver.TIMEOUT", 0.3)
    monkeypatch.setattr("gramex.services.redisserver.PAUSE", 0.01)
    store = make_store("away", {"type": "redis", "path": server.place}, tmp_path)
    store.put("key", kept(60))
    server.pause()
    try:
        assert store.get("key") is None
        store.put("key", kept(60))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "cache:away: Redis: " in caplog.text
    finally:
        server.resume()
    end = time.monotonic() + 20
    while store.get("key") is None and time.monotonic() < end:
        time.sleep(0.02)
    assert store.get("key").body == kept(60).body
