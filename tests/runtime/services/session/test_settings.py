"""The section ``app.session``: defaults, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gramex.services.session.settings import parse_settings

DATA = Path("/data")


def test_defaults():
    settings = parse_settings({}, DATA)
    assert settings == parse_settings(None, DATA)
    assert (settings.cookie, settings.type, settings.file) == ("sid", "sqlite", DATA / "session.db")
    assert (settings.days, settings.persistent, settings.httponly, settings.samesite) == (31, True, True, "Lax")
    assert (settings.secure, settings.domain, settings.path) == (None, None, None)


def test_expiry_false_is_a_cookie_for_the_browsers_session():
    settings = parse_settings({"expiry": False}, DATA)
    assert (settings.days, settings.persistent) == (31, False)


def test_false_keeps_nothing():
    assert parse_settings(False, DATA).type == "memory"


def test_samesite_none_is_secure_as_browsers_demand():
    settings = parse_settings({"samesite": "none"}, DATA)
    assert (settings.samesite, settings.secure) == ("None", True)


def test_samesite_false_leaves_it_out():
    assert parse_settings({"samesite": False}, DATA).samesite is None


@pytest.mark.parametrize(
    ("conf", "file"),
    [
        ({"type": "json"}, DATA / "session.json"),
        ({"type": "json", "path": "/data/session.db"}, DATA / "session.json"),  # the packaged path of SQLite
        ({"type": "sqlite", "path": "/data/session.json"}, DATA / "session.db"),
        ({"path": "/elsewhere/s.db"}, Path("/elsewhere/s.db")),
        ({"path": "own.db"}, Path.cwd() / "own.db"),
    ],
)
def test_path(conf: dict[str, object], file: Path):
    assert parse_settings(conf, DATA).file == file


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"type": "postgres"}, "app.session.type: must be one of sqlite, json, memory, redis, not 'postgres'"),
        ({"expiry": "soon"}, "app.session.expiry: must be a number above 0, not 'soon'"),
        ({"expiry": 0}, "app.session.expiry"),
        ({"expiry": 1e9}, "more than a century"),
        ({"purge": -1}, "app.session.purge"),
        ({"samesite": "loose"}, "app.session.samesite: must be Lax, Strict, None or false, not 'loose'"),
        ({"cookie": "a b"}, "app.session.cookie"),
        (["sqlite"], "app.session: must be a mapping"),
    ],
)
def test_mistakes_name_the_key(conf: object, words: str):
    with pytest.raises(ValueError, match=r"app\.session") as caught:
        parse_settings(conf, DATA)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (None, {"host": "localhost", "port": 6379, "db": 0}),
        ("/data/session.db", {"host": "localhost", "port": 6379, "db": 0}),  # the packaged path of SQLite
        ("cache.example", {"host": "cache.example", "port": 6379, "db": 0}),
        ("h:1:2:pass", {"host": "h", "port": 1, "db": 2, "password": "pass"}),
        ("h:1:2:username=u:password=p=q", {"host": "h", "port": 1, "db": 2, "username": "u", "password": "p=q"}),
        ("/run/redis.sock", {"unix_socket_path": "/run/redis.sock"}),
        ("rediss://h/1", {"url": "rediss://h/1"}),
    ],
)
def test_redis_place(path: str | None, place: dict[str, object]):
    assert parse_settings({"type": "redis", "path": path}, DATA).place == place


@pytest.mark.parametrize("path", ["h:x", "h:1:x", "http://h", "redis://h:x/", "h:1:2:color=red"])
def test_redis_place_that_is_none(path: str):
    with pytest.raises(ValueError, match=r"app\.session\.path: "):
        parse_settings({"type": "redis", "path": path}, DATA)


def test_redis_without_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gramex.services.redisserver.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"app\.session\.type: redis is not installed; install gramex-runtime"):
        parse_settings({"type": "redis"}, DATA)


def test_unknown_key_is_a_warning(caplog: pytest.LogCaptureFixture):
    parse_settings({"expire": 3, "flush": 5}, DATA)
    assert "expire is not known" in caplog.text
    assert "flush is" not in caplog.text
