"""The key ``auth:``: who may see a page, and what happens to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gramex.handlers.auth import Auth, matches

Fixture = Callable[..., Any]
USER = {
    "id": "bob",
    "role": "admin",
    "teams": ["x", "y"],
    "home": {"city": "Rom", "rooms": [{"no": 1}, {"no": 2}]},
    "n": 5,
}


@pytest.mark.parametrize(
    ("membership", "result"),
    [
        ({"role": "admin"}, True),
        ({"role": "user"}, False),
        ({"role": ["user", "admin"]}, True),
        ({"teams": "y"}, True),
        ({"teams": ["z", "x"]}, True),
        ({"teams": ["z"]}, False),
        ({"home.city": "Rom"}, True),
        ({"home.city": ["Ulm"]}, False),
        ({"home.rooms.no": 2}, True),
        ({"home.rooms.no": 3}, False),
        ({"n": 5}, True),
        ({"n": "5"}, True),
        ({"role": "admin", "teams": "x"}, True),
        ({"role": "admin", "teams": "z"}, False),
        ({"missing": "x"}, False),
        ({"missing": None}, False),
        ({"missing": []}, False),
        ({"role": []}, False),
        ({"home": "Rom"}, False),
        ({"role.x": "admin"}, False),
        ({"id": "bo"}, False),
    ],
)
def test_membership(membership: dict[str, Any], result: bool):
    assert matches(USER, membership) is result


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("yes", "auth: must be true, false or a mapping"),
        ({"member": {}}, "auth: member is not known"),
        ({"membership": []}, "auth.membership: must be a mapping"),
        ({"membership": {}}, "auth.membership: must be a mapping"),
        ({"membership": [{}]}, "auth.membership: must be a mapping"),
        ({"membership": "admin"}, "auth.membership: must be a mapping"),
        ({"condition": {"function": "1 +"}}, "is no Python expression"),
        ({"condition": 5}, "must be an expression"),
        ({"template": "none.html"}, "auth.template: there is no file none.html"),
        ({"login_url": 5}, "auth.login_url: must be a URL"),
        ({"methods": "FETCH"}, "methods: unknown FETCH"),
    ],
)
def test_mistakes(rule: Any, words: str, tmp_path: Any):
    with pytest.raises(ValueError, match=r"auth|expression|methods") as caught:
        Auth(rule, tmp_path)
    assert words in str(caught.value)


def pages(**rules: Any) -> dict[str, Any]:
    return {
        name: {
            "pattern": f"/p/{name}",
            "handler": "FunctionHandler",
            "kwargs": {"function": "'seen'", "xsrf_cookies": False, **({} if rule is None else {"auth": rule})},
        }
        for name, rule in rules.items()
    }


def test_not_logged_in(serve: Fixture, app: Fixture):
    url = pages(
        true=True, own={"login_url": "/enter?a=b#top"}, never={"login_url": False}, query={"query": "back"},
        posts={"methods": ["POST", "put"]}, open=None, false=False,
    )  # fmt: skip
    server = serve(*app(url=url))
    answer = server.get("/p/true?x=ä".replace("ä", "%C3%A4"))
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert (location.netloc, location.path) == ("", "/login/")
    assert parse_qs(location.query) == {"next": [f"{server.url}/p/true?x=%C3%A4"]}
    assert server.request("HEAD", "/p/true").status == 302
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert server.request(method, "/p/true").status == 401
    assert server.get("/p/true", headers={"X-Requested-With": "XMLHttpRequest"}).status == 401
    assert server.get("/p/true", headers={"Sec-Fetch-Mode": "cors"}).status == 401
    assert server.get("/p/true", headers={"Sec-Fetch-Mode": "navigate"}).status == 302
    own = urlsplit(server.get("/p/own").headers["Location"])
    assert (own.path, own.fragment, parse_qs(own.query)) == (
        "/enter",
        "top",
        {"a": ["b"], "next": [f"{server.url}/p/own"]},
    )
    assert server.get("/p/never").status == 401
    assert "back=http" in server.get("/p/query").headers["Location"]
    assert server.get("/p/posts").text == "seen"
    assert server.post("/p/posts").status == 401
    assert server.get("/p/open").text == server.get("/p/false").text == "seen"


def test_outer_url_behind_a_proxy(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages(true=True, own={"login_url": "/enter"})))
    headers = {
        "Host": "site.example", "X-Scheme": "https", "X-Request-URI": "/blog/p/true?x=1", "X-Gramex-Root": "/blog",
    }  # fmt: skip
    location = urlsplit(server.get("/p/true", headers=headers).headers["Location"])
    assert location.path == "/blog/login/"
    assert parse_qs(location.query)["next"] == ["https://site.example/blog/p/true?x=1"]
    assert urlsplit(server.get("/p/own", headers=headers).headers["Location"]).path == "/enter"


def test_a_stranger_cannot_play_the_proxy(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages(true=True), app={"listen": {"trusted": ["192.0.2.1"]}}))
    headers = {"X-Scheme": "https", "X-Request-URI": "/else", "X-Gramex-Root": "/blog"}
    location = urlsplit(server.get("/p/true", headers=headers).headers["Location"])
    assert location.path == "/login/"
    assert parse_qs(location.query)["next"] == [f"{server.url}/p/true"]


def test_login_url_of_the_app(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages(true=True), app={"settings": {"login_url": "/enter/"}}))
    assert urlsplit(server.get("/p/true").headers["Location"]).path == "/enter/"


def test_a_log_in_page_that_needs_a_log_in_does_not_go_round(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages(own={"login_url": "/p/own"})))
    assert server.get("/p/own").status == 401


def test_logged_in(serve: Fixture, app: Fixture, log_in: Fixture):
    url = pages(
        all=True,
        admin={"membership": {"role": "admin"}},
        either=[],
        any={"membership": [{"role": "boss"}, {"teams": "x"}]},
        templated={"membership": {"role": "boss"}, "template": "sorry.html"},
        sync={"condition": {"function": "handler.current_user['id'] == 'bob'"}},
        coro={"condition": {"function": "rules.is_bob(handler)"}},
        both={"membership": {"role": "admin"}, "condition": {"function": "rules.never"}},
        raises={"condition": {"function": "rules.fail(handler)"}},
        redirects={"condition": {"function": "rules.send_away(handler)"}},
    )
    del url["either"]
    conf, files = app(url=url)
    files["sorry.html"] = "<p>Sorry, {{ current_user['id'] }} &lt; {{ handler.name }}</p>"
    files["rules.py"] = """
import asyncio
async def is_bob(handler):
    await asyncio.sleep(0)
    return handler.current_user["id"] == "bob"
def never(handler):
    return False
def fail(handler):
    raise RuntimeError("broken")
def send_away(handler):
    handler.redirect("/elsewhere")
"""
    server = serve(conf, files)
    ann, bob = server.browser(), server.browser()
    log_in(ann)
    log_in(bob, "bob", "bob's secret")
    statuses = {
        "all": (200, 200), "admin": (403, 200), "any": (403, 200), "templated": (403, 403), "sync": (403, 200),
        "coro": (403, 200), "both": (403, 403), "raises": (500, 500), "redirects": (302, 302),
    }  # fmt: skip
    for name, (for_ann, for_bob) in statuses.items():
        assert (ann.get(f"/p/{name}").status, bob.get(f"/p/{name}").status) == (for_ann, for_bob), name
    assert ann.get("/p/templated").text == "<p>Sorry, ann &lt; templated</p>"
    assert ann.post("/p/admin").status == 403
    assert ann.get("/p/admin", headers={"X-Requested-With": "XMLHttpRequest"}).status == 403


def test_default_for_the_whole_app(serve: Fixture, app: Fixture, log_in: Fixture):
    url = pages(open=False, plain=None, admin={"membership": {"role": "admin"}})
    server = serve(*app(url=url, app={"auth": {"membership": {"id": ["ann", "bob"]}}}))
    assert server.get("/p/open").status == 200
    assert server.get("/p/plain").status == 302
    assert server.get("/page.html").status == 302
    assert server.get("/missing").status in (302, 404)
    ann = server.browser()
    log_in(ann)
    assert ann.get("/p/plain").status == 200
    assert ann.get("/page.html").status == 200
    assert ann.get("/p/admin").status == 403


def test_a_rule_with_a_mistake_shows_the_page_to_nobody(serve: Fixture, app: Fixture, log_in: Fixture):
    rules: list[Any] = ["yes", {"membership": []}, {"condition": {"function": "nonsense("}}]
    server = serve(*app(url=pages(**{f"bad{number}": rule for number, rule in enumerate(rules)})))
    browser = server.browser()
    log_in(browser)
    for number in range(len(rules)):
        assert browser.get(f"/p/bad{number}").status == 500
        assert f"url:bad{number}" in server.log
    assert "Traceback" not in server.log


def test_keys_of_the_user_are_attributes_too(serve: Fixture, app: Fixture, log_in: Fixture):
    show = "[handler.current_user.id, handler.current_user.get('role'), handler.current_user.teams]"
    rule = {"condition": {"function": "handler.current_user.role == 'admin'"}}
    pages = {
        name: {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": show, "auth": auth}}
        for name, auth in {"shown": True, "admin": rule}.items()
    }
    browser = serve(
        *app(url=pages, action=[{"function": "handler.session.update(as_was=handler.current_user.id)"}])
    ).browser()
    log_in(browser, "bob", "bob's secret")
    assert browser.get("/shown").json() == ["bob", "admin", ["x", "y"]]
    assert browser.get("/admin").status == 200
    assert browser.get("/session").json()["as_was"] == "bob"
