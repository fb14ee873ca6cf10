"""While a Redis server does not answer, only the requests that need it wait."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PAGES = """
def visit(handler):
    handler.session['n'] = handler.session.get('n', 0) + 1
    return handler.session['n']

def parts(handler):
    handler.session['parts'] = 'begun'
    yield 'one '
    handler.session['parts'] = 'ended'
    yield 'two'

def go(handler):
    handler.session['went'] = True
    handler.redirect('/shown')

def refuse(handler):
    from tornado.web import HTTPError
    handler.session['refused'] = True
    raise HTTPError(409)

made = []

def count(handler):
    made.append(1)
    return len(made)
"""


def function(path: str, text: str, **kwargs: Any) -> dict[str, Any]:
    return {"pattern": path, "handler": "FunctionHandler", "kwargs": {"function": text, **kwargs}}


@pytest.fixture
def app(serve: Callable[..., Any], server: Any) -> Any:
    """An app with all that asks Redis."""
    login = {"credentials": {"ann": "secret", "bob": "secret"}, "delay": 0, "redirect": "/shown"}
    login["action"] = [{"function": "ensure_single_session(handler)"}]
    conf = {
        "app": {"session": {"type": "redis", "path": server.place}},
        "cache": {"shared": {"type": "redis", "path": server.place}},
        "url": {
            **{name: function(f"/{name}", f"pages.{name}") for name in ("visit", "parts", "go", "refuse")},
            "shown": function("/shown", "{key: handler.session[key] for key in handler.session if key != 'id'}"),
            "private": function("/private", "handler.current_user['id']", auth=True),
            "free": function("/free", "'free'"),
            "kept": function("/kept", "pages.count", cache={"store": "shared", "expiry": {"duration": 60}}),
            "limited": function("/limited", "'in'", ratelimit={"keys": ["hourly", "request.remote_ip"], "limit": 3}),
            "login": {"pattern": "/login/", "handler": "SimpleAuth", "kwargs": login},
            "logout": {"pattern": "/logout", "handler": "LogoutHandler"},
        },
    }
    page = "{{ current_user and current_user['id'] }}"
    return serve(conf, {"pages.py": PAGES, "page.html": "a page", "who.template.html": page})


def log_in(browser: Any, user: str = "ann", password: str = "secret") -> Any:
    token = re.search(r'name="_xsrf" value="([^"]*)"', browser.get("/login/").text)
    assert token
    return browser.post("/login/", {"user": user, "password": password, "_xsrf": token[1]})


def test_each_way_to_change_a_session(app: Any):
    browser = app.browser()
    assert [browser.get("/visit").text for _ in range(3)] == ["1", "2", "3"]
    assert browser.get("/parts").text == "one two"
    assert browser.get("/go").headers["Location"] == "/shown"
    assert browser.get("/refuse").status == 409
    shown = {"n": 3, "parts": "ended", "went": True, "refused": True}
    app.wait_for(lambda: browser.get("/shown").json() == shown, what="what changed after the answer had begun")
    new = app.browser()
    assert new.get("/go").status == 302
    assert new.get("/shown").json() == {"went": True}
    new = app.browser()
    assert new.get("/parts").text == "one two"
    app.wait_for(lambda: new.get("/shown").json() == {"parts": "ended"}, what="a session made by a generator")
    assert log_in(browser, password="wrong").status == 401
    assert log_in(browser).headers["Location"] == "/shown"
    assert browser.get("/shown").json() == {**shown, "user": {"user": "ann", "id": "ann"}}
    assert browser.get("/who.template.html").text == "ann"
    other = app.browser()
    assert log_in(other).status == 302
    assert [each.get("/private").status for each in (browser, other)] == [302, 200]
    assert other.get("/logout").status == 302
    assert other.get("/private").status == 302
    assert [app.get("/limited").status for _ in range(4)] == [200, 200, 200, 429]
    assert [app.get("/kept").text for _ in range(3)] == ["1", "1", "1"]
    assert "Traceback" not in app.log


def test_the_log_names_the_user_of_a_plain_file(app: Any):
    browser = app.browser()
    log_in(browser)
    assert browser.get("/page.html").text == "a page"
    assert app.get("/page.html?nobody").text == "a page"

    rows = app.data / "logs/requests.csv"

    def users() -> dict[str, str]:
        return {row[6]: row[2] for row in csv.reader(rows.read_text().splitlines())}

    app.wait_for(rows.exists, what="the log")
    app.wait_for(lambda: {"/page.html", "/page.html?nobody"} <= users().keys(), what="the rows")
    assert (users()["/page.html"], users()["/page.html?nobody"]) == ("ann", "")


def test_others_do_not_wait(app: Any, server: Any):
    browser = app.browser()
    log_in(browser)
    browser.get("/kept")
    with server.client as client:
        app.wait_for(lambda: client.keys("gramex:cache:*"), what="the kept answer")
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    needy = [("/private", cookie), ("/visit", cookie), ("/who.template.html", cookie), ("/limited", {}), ("/kept", {})]
    with ThreadPoolExecutor(8) as pool:
        server.pause()
        try:
            for _ in range(8):
                slow = [pool.submit(app.get, path, headers=headers) for path, headers in needy]
                time.sleep(0.3)  # until they are there; what follows has 1.7 s
                quick = [app.get("/page.html", headers=cookie), app.get("/free"), app.get("/private")]
                quick += [app.get(path, headers=cookie) for path in ("/page.html", "/never.html") for _ in range(5)]
                waiting = [not each.done() for each in slow]
                assert [each.status for each in quick] == [200, 200, 302, *[200] * 5, *[404] * 5]
                statuses = [each.result().status for each in slow]
                if all(waiting):
                    break
                time.sleep(1.1)  # it counts as down for a second, in which nobody waits
            assert all(waiting)
            assert statuses == [503, 503, 503, 503, 200]
        finally:
            server.resume()
    app.wait_for(lambda: app.get("/private", headers=cookie).status == 200, what="the server's return")
    assert app.stop() == 0
    assert "Traceback" not in app.log


def test_what_changes_last_is_stored_though_the_server_ends(app: Any, serve: Callable[..., Any]):
    browser = app.browser()
    browser.get("/visit")
    assert browser.get("/parts").text == "one two"
    assert app.stop() == 0
    browser.process = serve(None, folder=app.folder, data=app.data)
    assert browser.get("/shown").json() == {"n": 1, "parts": "ended"}
