"""Where people are sent afterwards: a table of what stays on the site and what does not, and the rules' order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gramex.handlers.redirect import parse_redirect, safe_url

Fixture = Callable[..., Any]


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("/", "/"),
        ("/a/b?c=d&e=%2F#f", "/a/b?c=d&e=%2F#f"),
        ("page", "/app/page"),
        ("../x?y=1", "/x?y=1"),
        ("../../../x", "/x"),
        ("?a=1", "/app/login?a=1"),
        ("https://site.example/a", "https://site.example/a"),
        ("HTTPS://SITE.example:443/a", "HTTPS://SITE.example:443/a"),
        ("https://site.example", "https://site.example"),
        ("//site.example/a", "//site.example/a"),
        ("/a//b", "/a//b"),
        ("/?next=//evil.example", "/?next=//evil.example"),
        ("/a:b", "/a:b"),
        ("/ä", "/%C3%A4"),
        ("/a<b>\"", "/a%3Cb%3E%22"),
    ],
)  # fmt: skip
def test_stays(url: str, result: str):
    assert safe_url(url, "/app/login?next=x", "https", "site.example") == result


@pytest.mark.parametrize(
    "url",
    [
        "", None, "//evil.example", "//evil.example/a", "///evil.example", "////evil.example", "//", "///",
        "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "\\evil", "/a\\b",
        "https://evil.example", "https://site.example.evil.example/", "https://site.example@evil.example/",
        "https://evil.example#@site.example/", "https://evil.example?@site.example/", "https://site.example:444/a",
        "https://user:pass@site.example/", "https://@site.example/", "https://site.example:x/", "https://[::1/",
        "http://site.example/", "http:evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example",
        "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "ftp://site.example/", "x:y",
        " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "//evil.example\x00", "\x01/a",
        "/a b", "/a\r\nSet-Cookie: x=y", "/a\nb", "/\x7f", "https://site.example\\@evil.example/", "https://ev\til.example",
    ],
)  # fmt: skip
def test_does_not_stay(url: str | None):
    assert safe_url(url, "/app/login?next=x", "https", "site.example") is None


@pytest.mark.parametrize("outer", ["//evil.example/login", "///evil.example", "/", "", "?x", "/a//b/c"])
def test_a_relative_url_cannot_be_led_out_by_the_requests_own(outer: str):
    for url in ("page", "?a", "../..//x", "./", ".//evil.example"):
        found = safe_url(url, outer, "https", "site.example")
        assert found is None or (found.startswith("/") and not found.startswith("//"))


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://other.example/a", "https://other.example/a"),
        ("//other.example", "//other.example"),
        ("/a", "/a"),
        ("javascript:alert(1)", None),
        ("https:other.example", None),
        ("/\\other.example", None),
        ("https://other.example/\r\nX: y", None),
    ],
)
def test_external(url: str, result: str | None):
    assert safe_url(url, "/", "https", "site.example", external=True) == result


@pytest.mark.parametrize(
    ("redirect", "words"),
    [
        (5, "redirect: must be a URL or a mapping"),
        ({"next": "x"}, "redirect: next is not known; use query, header, url or external"),
        ({"query": ""}, "redirect.query: must be text"),
        ({"url": ["a"]}, "redirect.url: must be text"),
    ],
)
def test_mistakes(redirect: Any, words: str):
    with pytest.raises(ValueError, match="redirect") as caught:
        parse_redirect(redirect)
    assert words in str(caught.value)


LOGIN = [
    # rules of the entry, GET of the form (path, headers), POST path, place
    (None, ("/login/?next=/a", {}), "/login/", "/a"),
    (None, ("/login/?next=a", {}), "/login/", "/login/a"),
    (None, ("/login/?next=//evil.example", {}), "/login/", "/"),
    (None, ("/login/?next=/%5Cevil.example", {}), "/login/", "/"),
    (None, ("/login/?next=https://evil.example", {}), "/login/", "/"),
    (None, ("/login/", {"Referer": "{url}/from?x=1"}), "/login/", "{url}/from?x=1"),
    (None, ("/login/", {"Referer": "https://evil.example/"}), "/login/", "/"),
    (None, ("/login/", {"Referer": "{url}/login/"}), "/login/", "/"),
    (None, ("/login/?next=/a", {"Referer": "{url}/b"}), "/login/", "/a"),
    (None, ("/login/?next={url}/a", {}), "/login/", "{url}/a"),
    (None, ("/login/", {}), "/login/?next=/b", "/b"),
    (None, ("/login/?next=/a", {}), "/login/?next=/b", "/b"),
    (None, ("/login/?next=/a", {}), "/login/?next=//evil.example", "/a"),
    ("/home", ("/login/?next=/a", {}), "/login/", "/home"),
    ({"query": "to", "url": "/home"}, ("/login/?to=/a", {}), "/login/", "/a"),
    ({"query": "to", "url": "/home"}, ("/login/?next=/a", {}), "/login/", "/home"),
    ({"url": "/home", "query": "to"}, ("/login/?to=/a", {}), "/login/", "/home"),
    ({"header": "X-Next", "query": "to"}, ("/login/?to=/a", {"X-Next": "/h"}), "/login/", "/h"),
    ({"url": "https://other.example/"}, ("/login/", {}), "/login/", "/"),
    ({"url": "https://other.example/", "external": True}, ("/login/", {}), "/login/", "https://other.example/"),
    ({"query": "to", "external": True}, ("/login/?to=//other.example", {}), "/login/", "//other.example"),
]


def test_after_a_log_in(serve: Fixture, app: Fixture):
    rules = {repr(redirect): redirect for redirect, *_ in LOGIN}
    conf, files = app()
    for number, redirect in enumerate(rules.values()):
        kwargs = {**conf["url"]["login"]["kwargs"], "xsrf_cookies": False, "delay": 0}
        if redirect is not None:
            kwargs["redirect"] = redirect
        conf["url"][f"login{number}"] = {"pattern": f"/{number}/login/", "handler": "SimpleAuth", "kwargs": kwargs}
    server = serve(conf, files)
    for redirect, (path, headers), post, place in LOGIN:
        number = list(rules).index(repr(redirect))
        browser = server.browser()
        # The entry's own number is hidden as a proxy would.
        fill = {name: value.format(url=server.url) for name, value in headers.items()}
        path, post, place = (text.format(url=server.url) for text in (path, post, place))
        browser.get(f"/{number}{path}", headers={**fill, "X-Request-URI": path})
        form = {"user": "ann", "password": "ann's secret"}
        answer = browser.post(f"/{number}{post}", form, headers={"X-Request-URI": post})
        assert (answer.status, answer.headers["Location"]) == (302, place), (redirect, path, headers, post)


def test_the_saved_place_is_used_once(serve: Fixture, app: Fixture, log_in: Fixture):
    browser = serve(*app()).browser()
    browser.get("/login/?next=/a")
    assert log_in(browser).headers["Location"] == "/a"
    assert log_in(browser).headers["Location"] == "/"


def test_a_failure_between_does_not_lose_the_place(serve: Fixture, app: Fixture, log_in: Fixture):
    browser = serve(*app()).browser()
    assert log_in(browser, password="wrong", path="/login/?next=/a").status == 401
    assert log_in(browser).headers["Location"] == "/a"


def test_behind_a_proxy(serve: Fixture, app: Fixture, log_in: Fixture):
    headers = {"Host": "site.example", "X-Scheme": "https", "X-Gramex-Root": "/blog", "X-Request-URI": "/blog/login/"}
    server = serve(*app(redirect={"query": "next", "url": "/home"}))
    cases = {
        "/login/?next=https://site.example/blog/a": "https://site.example/blog/a",
        "/login/?next=http://site.example/blog/a": "/blog/home",
        "/login/?next=https://127.0.0.1/": "/blog/home",
        "/login/?next=a": "/blog/login/a",
        "/login/": "/blog/home",
    }
    for path, place in cases.items():
        answer = log_in(server.browser(), path=path, headers=headers)
        assert answer.headers["Location"] == place, path
    again = log_in(serve(*app()).browser(), headers=headers)
    assert again.headers["Location"] == "/blog/"


def test_log_out_goes_where_it_is_told(serve: Fixture, app: Fixture):
    out = {"pattern": "/out", "handler": "LogoutHandler", "kwargs": {"redirect": "/$YAMLURL/home?x=/./"}}
    server = serve(*app(url={"out": out}))
    for path, headers, place in [
        ("/logout", {}, "/"),
        ("/logout?next=/a", {}, "/a"),
        ("/logout?next=//evil.example", {}, "/"),
        ("/logout", {"Referer": f"{server.url}/b"}, f"{server.url}/b"),
        ("/logout", {"Referer": "https://evil.example"}, "/"),
        ("/logout", {"X-Gramex-Root": "/blog"}, "/blog/"),
        ("/out", {}, "/home?x=/./"),
        ("/out", {"X-Gramex-Root": "/blog"}, "/blog/home?x=/./"),
    ]:
        answer = server.get(path, headers=headers)
        assert (answer.status, answer.headers["Location"]) == (302, place), (path, headers)
