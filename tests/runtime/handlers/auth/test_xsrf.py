"""Forms of other sites: which requests need the token, and what its cookie looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from gramex.handlers.xsrf import needs_token

Fixture = Callable[..., Any]
AJAX = {"X-Requested-With": "XMLHttpRequest"}
CORS = {"Sec-Fetch-Mode": "cors"}


class Context:
    remote_ip = "127.0.0.1"
    protocol = "https"


class Connection:
    context = Context()


@pytest.mark.parametrize(
    ("method", "headers", "needed"),
    [
        ("GET", {}, False),
        ("HEAD", {}, False),
        ("OPTIONS", {}, False),
        ("POST", {}, True),
        ("PUT", {}, True),
        ("DELETE", {}, True),
        ("PATCH", {}, True),
        ("POST", AJAX, False),
        ("POST", {"X-Requested-With": "xmlhttprequest"}, False),
        ("POST", {"X-Requested-With": "com.example.app"}, True),
        ("POST", CORS, False),  # no browser: those send the site, too
        ("POST", {**CORS, "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {**CORS, "Sec-Fetch-Site": "none"}, False),
        ("POST", {**CORS, "Sec-Fetch-Site": "same-site"}, True),
        ("POST", {**CORS, "Sec-Fetch-Site": "cross-site"}, True),
        ("DELETE", {**CORS, "Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {**AJAX, "Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {**AJAX, "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {**CORS, "Origin": "https://site.example"}, False),
        ("POST", {**CORS, "Origin": "https://site.example:443"}, False),
        ("POST", {**CORS, "Origin": "http://site.example"}, True),
        ("POST", {**CORS, "Origin": "https://evil.example"}, True),
        ("POST", {**CORS, "Origin": "https://site.example.evil.example"}, True),
        ("POST", {**CORS, "Origin": "null"}, True),
        ("POST", {**CORS, "Origin": "https://[::1"}, True),
        ("POST", {**AJAX, "Origin": "https://evil.example"}, True),
        ("POST", {**CORS, "Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_needs_token(method: str, headers: dict[str, str], needed: bool):
    request = HTTPServerRequest(
        start_line=RequestStartLine(method, "/", "HTTP/1.1"),
        headers=HTTPHeaders({"Host": "site.example", **headers}),
        connection=Connection(),  # type: ignore[arg-type]  # all that a request asks of it
    )
    assert needs_token(request) is needed


def token_of(browser: Any, path: str = "/login/") -> str:
    found = re.search(r'name="_xsrf" value="([^"]*)"', browser.get(path).text)
    assert found
    return found[1]


def pages() -> dict[str, Any]:
    def entry(name: str, **kwargs: Any) -> dict[str, Any]:
        return {
            "pattern": f"/x/{name}",
            "handler": "FunctionHandler",
            "kwargs": {"function": "handler.request.method", **kwargs},
        }

    return {
        "plain": entry("plain"),
        "off": entry("off", xsrf_cookies=False),
        "set": entry("set", set_xsrf=True),
        "auth": entry("auth", auth=True),
        "get": entry("get", methods=["GET"]),
        "file": {"pattern": "/x/file", "handler": "FileHandler", "kwargs": {"path": "page.html"}},
    }


def test_token(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages()))
    browser = server.browser()
    token = token_of(browser)
    assert server.post("/x/plain").status == 403
    assert server.post("/x/file").status == 403
    assert browser.post("/x/plain").status == 403
    assert browser.post("/x/plain", {"_xsrf": "wrong"}).status == 403
    assert server.post("/x/plain", {"_xsrf": token}).status == 403  # without the cookie
    assert browser.post("/x/plain", {"_xsrf": token}).text == "POST"
    assert browser.post("/x/file", {"_xsrf": token}).text == "a page"
    assert browser.request("PUT", "/x/plain", headers={"X-Xsrftoken": token}).text == "PUT"
    assert browser.request("DELETE", "/x/plain").status == 403
    assert browser.post("/x/plain", {"_xsrf": token_of(server.browser())}).status == 403  # another visitor's
    assert server.post("/x/off").text == "POST"
    assert server.post("/x/plain", headers=AJAX).text == "POST"
    assert server.post("/x/plain", headers={**CORS, "Sec-Fetch-Site": "cross-site"}).status == 403


def test_order(serve: Fixture, app: Fixture):
    server = serve(*app(url=pages()))
    assert server.post("/x/auth").status == 403  # the token before the log in
    assert server.post("/x/auth", headers=AJAX).status == 401
    assert server.post("/x/get", headers=AJAX).status == 405
    assert server.post("/x/get").status == 403
    # The method counts that the request ends up with.
    assert server.get("/x/plain", headers={"X-HTTP-Method-Override": "POST"}).status == 403
    assert server.get("/x/plain?x-http-method-override=DELETE").status == 403
    assert server.post("/x/plain", headers={"X-HTTP-Method-Override": "GET"}).text == "GET"


def test_cookie(serve: Fixture, app: Fixture, sid: Fixture):
    server = serve(*app(url=pages()))
    assert sid(server.get("/x/plain"), "_xsrf") is None
    for path in ("/login/", "/x/set"):
        cookie = sid(server.get(path), "_xsrf")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
        headers = {"X-Scheme": "https", "X-Gramex-Root": "/blog"}
        cookie = sid(server.get(path, headers=headers), "_xsrf")
        assert (cookie["secure"], cookie["path"]) == (True, "/blog/")
    browser = server.browser()
    assert sid(browser.get("/x/set"), "_xsrf")
    assert sid(browser.get("/x/set"), "_xsrf") is None


def test_off_for_the_whole_app(serve: Fixture, app: Fixture):
    conf, files = app(url=pages(), app={"settings": {"xsrf_cookies": False}})
    conf["url"]["on"] = {
        "pattern": "/x/on", "handler": "FunctionHandler", "kwargs": {"function": "'x'", "xsrf_cookies": True},
    }  # fmt: skip
    server = serve(conf, files)
    assert server.post("/x/plain").text == "POST"
    assert server.post("/x/on").status == 403


def test_an_own_handler_can_decide_by_itself(serve: Fixture, app: Fixture):
    conf, files = app(url={"own": {"pattern": "/own", "handler": "own.Hook"}})
    files["own.py"] = """
from gramex.handlers import BaseHandler
class Hook(BaseHandler):
    def check_xsrf_cookie(self):
        pass
    def post(self):
        self.write("own")
"""
    assert serve(conf, files).post("/own").text == "own"
