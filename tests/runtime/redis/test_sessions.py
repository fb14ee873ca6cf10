"""Sessions in a real Redis server: kept, shared, ended, and what happens while the server is away."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gramex.services.redisserver import Unreachable
from gramex.services.session import SessionStore, open_store

LATER = time.time() + 86400
OTHER = """
import sys, time
from pathlib import Path
from gramex.services.session import open_store
store = open_store({"type": "redis", "path": sys.argv[1]}, Path("/nowhere"))
exec(sys.argv[2])
store.close()
"""
PAGES = """
def visit(handler):
    handler.session['n'] = handler.session.get('n', 0) + 1
    return handler.session['n']
"""


@pytest.fixture
def opened(server: Any, tmp_path: Path) -> Iterator[Callable[..., SessionStore]]:
    """Open stores on the server; all are closed afterwards."""
    stores: list[SessionStore] = []

    def open_one(**conf: object) -> SessionStore:
        stores.append(open_store({"type": "redis", "path": server.place, **conf}, tmp_path))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[..., SessionStore]) -> SessionStore:
    return opened()


def test_keeps_changes_moves_and_ends(store: SessionStore, server: Any):
    data = {"user": {"id": "ähm", "roles": ["a", None]}, "n": 1.5, "deep": {"x": [{"y": True}]}, "": ""}
    store.save("one", data, LATER)
    assert store.load("one") == data
    store.load("one")["deep"]["x"].append(2)
    assert store.load("one") == data
    assert store.load("two") is None
    assert store.change("one", {"n": 2}, ["deep", "never"])
    assert store.load("one") == {"user": data["user"], "n": 2, "": ""}
    with pytest.raises(TypeError, match="object cannot be kept in a session"):
        store.change("one", {"a": 2, "b": object()})
    store.move("one", "three", {"b": 1}, LATER)
    assert (store.load("one"), store.load("three")) == (None, {"b": 1})
    assert store.change("one", {"n": 3}) is False
    store.delete("three")
    assert store.load("three") is None
    store.save("the-id", {"user": "ann"}, LATER)
    with server.client as client:
        names = client.keys("*")
        assert not any(b"the-id" in name or b"ann" in name for name in names)
        assert all(client.ttl(name) > 0 for name in names)


def test_ends_by_itself(store: SessionStore, server: Any):
    store.save("short", {"a": 1}, time.time() + 0.2)
    store.save("over", {"a": 1}, time.time() - 1)
    assert store.load("over") is None
    end = time.monotonic() + 20
    with server.client as client:
        while client.keys("*"):
            assert time.monotonic() < end
            time.sleep(0.02)
    assert store.load("short") is None
    assert store.change("short", {"b": 1}) is False


def test_drop_user(store: SessionStore):
    for id, user in {"one": "ann", "two": "ann", "three": "bob"}.items():
        store.save(id, {"user": {"id": user}, "cart": id}, LATER)
    store.save("four", {"staff": {"id": "ann"}}, LATER)
    store.save("five", {"cart": 5}, LATER)
    store.change("five", {"user": "ann"})
    assert store.drop_user("ann", keep="two") == 2
    assert store.load("one") == {"cart": "one"}
    assert store.load("two") == {"user": {"id": "ann"}, "cart": "two"}
    assert store.load("three")["user"] == {"id": "bob"}
    assert store.load("five") == {"cart": 5}
    assert store.drop_user("ann", key="staff") == 1
    assert store.load("four") == {}
    assert store.drop_user("ann") == 1


def test_nobody_loses_what_others_change(opened: Callable[..., SessionStore], server: Any):
    store = opened()
    store.save("id", {}, LATER)
    code = "[store.change('id', {f'{name}-{n}': n}) for n in range(30)]"
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", OTHER, server.place, f"name = {name}\n{code}"])
        for name in range(2)
    ]

    def work(name: str) -> None:
        for number in range(20):
            store.change("id", {f"{name}-{number}": number})

    threads = [threading.Thread(target=work, args=(f"thread {name}",)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(store.load("id")) == 120
    other = opened()
    for number in range(10):
        (store if number % 2 else other).change("id", {"n": number})
        assert (store.load("id")["n"], other.load("id")["n"]) == (number, number)


def test_counts_are_shared(opened: Callable[..., SessionStore]):
    one, two = opened().counters, opened().counters
    assert one.take_turn("login", "ann", [60, 120]) == 0
    assert 50 < two.take_turn("login", "ann", [60, 120]) <= 60
    assert two.get("login", "ann").number == 1
    assert two.take_turn("login", "bob", [60]) == 0
    two.clear("login", "ann")
    assert one.get("login", "ann") == (0, 0)
    assert [each.hit("pool", "x", 60).number for each in (one, two, one)] == [1, 2, 3]
    assert one.hit("short", "x", 0.05).number == 1
    time.sleep(0.06)
    assert two.hit("short", "x", 0.05).number == 1


@pytest.mark.parametrize(
    "place",
    [
        "redis://:{password}@127.0.0.1:{port}/1",
        "127.0.0.1:{port}:1:{password}",
        "localhost:{port}:1:password={password}",
    ],
)
def test_places(opened: Callable[..., SessionStore], server: Any, place: str):
    from urllib.parse import quote

    password = server.place.partition("password=")[2]
    place = place.format(password=quote(password) if "//" in place else password, port=server.port)
    store = opened(path=place)
    store.save("id", {"a": 1}, LATER)
    with server.client as client:
        assert client.info("keyspace").keys() == {"db1"}


def test_wrong_password_is_said(opened: Callable[..., SessionStore], server: Any):
    store = opened(path=f"127.0.0.1:{server.port}:0:wrong")
    with pytest.raises(Unreachable, match=r"app\.session: Redis: .*password"):
        store.load("id")


def test_pages(serve: Callable[..., Any], server: Any):
    def function(text: str, **kwargs: Any) -> dict[str, Any]:
        name = text.split(".")[-1]
        return {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": text, **kwargs}}

    conf = {
        "app": {"session": {"type": "redis", "path": server.place, "expiry": 2}},
        "url": {
            "visit": function("pages.visit"),
            "private": {**function("handler.current_user['id']", auth=True), "pattern": "/private"},
            "login": {"pattern": "/login/", "handler": "SimpleAuth", "kwargs": {"credentials": {"ann": "secret"}}},
        },
    }
    one = serve(conf, {"pages.py": PAGES, "page.html": "a page"})
    browser = one.browser()
    assert [browser.get("/visit").text for _ in range(3)] == ["1", "2", "3"]
    page = browser.get("/login/")
    token = re.search(r'name="_xsrf" value="([^"]*)"', page.text)[1]
    before = browser.cookies["sid"]
    assert browser.post("/login/", {"user": "ann", "password": "secret", "_xsrf": token}).status == 302
    assert browser.cookies["sid"] != before
    # Another process with the same key, as after a hand-over; a killed one loses nothing.
    two = serve(None, folder=one.folder, data=one.data)
    one.process.kill()
    browser.process = two
    assert [browser.get("/private").text, browser.get("/visit").text] == ["ann", "4"]
    assert not (one.data / "session.db").exists()
    server.pause()
    try:
        answer = browser.get("/private")
        assert answer.status == 503
        assert "app.session: Redis: " in two.log
        assert "Traceback" not in two.log
        began = time.monotonic()
        statuses = [browser.get("/private").status, two.get("/page.html").status, two.get("/private").status]
        assert statuses == [503, 200, 302]
        assert time.monotonic() - began < 15  # one that is down is not waited for each time
    finally:
        server.resume()
    two.wait_for(lambda: browser.get("/private").status == 200, what="the server's return")
    assert two.stop() == 0
