"""WebSocketHandler with Tornado's client: functions, log ins, origins, failures, and the end of the server."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

Fixture = Callable[..., Any]
BOUND = 20  # seconds
UPGRADE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip

SOCKETS = """
import asyncio
events, everybody = [], set()

def opened(handler):
    everybody.add(handler)
    events.append("open " + handler.name + " " + "/".join(handler.path_args))

async def slowly(handler, message):
    await asyncio.sleep(0.05 if message == "slow" else 0)
    await handler.write_message("heard " + str(message))

def echo(handler, message):
    handler.write_message(message, binary=isinstance(message, bytes))

def who(handler, message):
    user = handler.current_user
    session = dict(handler.session) if message == "session" else None
    handler.write_message({"user": user and user["id"], "session": session})

def keep(handler, message):
    handler.session["kept"] = message
    handler.write_message("kept")

def fail(handler, message):
    raise RuntimeError("broken " + message)

def shout(handler, message):
    for each in everybody:
        each.write_message(message)

async def closed(handler):
    everybody.discard(handler)
    await asyncio.sleep(0)
    events.append(f"close {handler.close_code} {handler.close_reason}")

def log(handler):
    return events
"""


def entry(name: str, message: str, pattern: str = "", **kwargs: Any) -> dict[str, Any]:
    return {
        "pattern": pattern or f"/{name}",
        "handler": "WebSocketHandler",
        "kwargs": {
            "open": {"function": "sockets.opened(handler)"},
            "on_message": {"function": message},
            "on_close": {"function": "sockets.closed(handler)"},
            **kwargs,
        },
    }


def app(**extra: Any) -> tuple[dict[str, Any], dict[str, str]]:
    url = {
        "echo": entry("echo", "sockets.echo"),
        "slow": entry("slow", "sockets.slowly(handler, message)"),
        "fail": entry("fail", "sockets.fail(handler, message)"),
        "shout": entry("shout", "sockets.shout(handler, message)"),
        "who": entry("who", "sockets.who(handler, message)"),
        "keep": entry("keep", "sockets.keep(handler, message)"),
        "group": entry("group", "sockets.echo(handler, message)", "/group/(.*)/(.*)"),
        "bare": {"pattern": "/bare", "handler": "WebSocketHandler"},
        "private": entry("private", "sockets.who(handler, message)", auth=True),
        "admin": entry("admin", "sockets.who(handler, message)", auth={"membership": {"role": "admin"}}),
        "listed": entry("listed", "sockets.echo", origins=["https://ok.example", "any.example", "*.sub.example:8443"]),
        "all": entry("all", "sockets.echo", origins="*"),
        "log": {"pattern": "/log", "handler": "FunctionHandler", "kwargs": {"function": "sockets.log(handler)"}},
        "page": {"pattern": "/page", "handler": "FunctionHandler", "kwargs": {"function": "str(handler.session)"}},
        "login": {
            "pattern": "/login/",
            "handler": "SimpleAuth",
            "kwargs": {"credentials": {"ann": "a", "bob": {"password": "b", "role": "admin"}}, "xsrf_cookies": False},
        },
        "logout": {"pattern": "/logout", "handler": "LogoutHandler"},
        **extra,
    }
    return {"url": url}, {"sockets.py": SOCKETS}


class Client:
    """Opens websockets to one server."""

    def __init__(self, server: Any):
        self.server = server
        self.opened: list[Any] = []

    async def close(self) -> None:
        """Close what is open, and wait until it is closed."""
        for connection, _ in self.opened:
            connection.close()
        for _, stream in self.opened:
            for _ in range(500):
                if stream.closed():
                    break
                await asyncio.sleep(0.01)
            stream.close()

    async def open(self, path: str, browser: Any = None, **headers: str) -> Any:
        """Return a connection."""
        if browser is not None:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HTTPRequest(self.server.url.replace("http", "ws") + path, headers=headers)
        connection = await asyncio.wait_for(websocket_connect(request), BOUND)
        self.opened.append((connection, connection.protocol.stream))
        return connection

    async def ask(self, connection: Any, message: Any) -> Any:
        """Send a message and return the answer; None when the connection is closed."""
        await connection.write_message(message, binary=isinstance(message, bytes))
        return await asyncio.wait_for(connection.read_message(), BOUND)

    def refused(self, path: str, browser: Any = None, **headers: str) -> int:
        """Return the status with which an upgrade is refused."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return (browser or self.server).get(path, headers={**UPGRADE, **given}).status


def converse(server: Any, conversation: Callable[[Client], Awaitable[None]]) -> None:
    """Run a conversation with a server, at most a minute."""

    async def main() -> None:
        client = Client(server)
        try:
            await asyncio.wait_for(conversation(client), 60)
        finally:
            await client.close()

    asyncio.run(main())


@pytest.fixture
def talk(serve: Fixture) -> Callable[..., Any]:
    """Start the app and run a conversation with it; returns the server."""

    def run(conversation: Callable[[Client], Awaitable[None]]) -> Any:
        server = serve(*app())
        converse(server, conversation)
        return server

    return run


def test_functions_and_coroutines(talk: Fixture):
    async def conversation(client: Client) -> None:
        echo = await client.open("/echo")
        assert await client.ask(echo, "hällo") == "hällo"
        assert await client.ask(echo, b"\x00\xff") == b"\x00\xff"
        assert await client.ask(echo, "x" * 100_000) == "x" * 100_000
        slow = await client.open("/slow")
        await slow.write_message("slow")
        assert await client.ask(slow, "fast") == "heard slow"  # in order: a message waits for the one before
        assert await slow.read_message() == "heard fast"
        group = await client.open("/group/a/b")
        assert await client.ask(group, "1") == "1"
        bare = await client.open("/bare")
        await bare.write_message("nobody listens")
        for connection in (echo, slow, group, bare):
            connection.close(1000, "done")
            assert await asyncio.wait_for(connection.read_message(), BOUND) is None

    server = talk(conversation)
    server.wait_for(lambda: server.get("/log").json().count("close 1000 done") == 3)
    assert server.get("/log").json()[:3] == ["open echo ", "open slow ", "open group a/b"]
    assert "Traceback" not in server.log


def test_plain_requests(serve: Fixture):
    server = serve(*app())
    assert server.get("/echo").status == 400
    assert server.get("/private").status == 302
    assert server.post("/echo", headers={"X-Requested-With": "XMLHttpRequest"}).status == 405
    assert server.get("/echo", headers={**UPGRADE, "Sec-WebSocket-Version": "8"}).status == 426
    assert server.get("/echo", headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}).status == 400


def test_log_in_comes_before_the_upgrade(serve: Fixture):
    server = serve(*app())
    ann, bob = server.browser(), server.browser()
    ann.post("/login/", {"user": "ann", "password": "a"})
    bob.post("/login/", {"user": "bob", "password": "b"})

    async def conversation(client: Client) -> None:
        assert client.refused("/private") == 401
        assert client.refused("/admin") == 401
        assert client.refused("/private", Cookie="sid=forged") == 401
        assert client.refused("/admin", ann) == 403
        private = await client.open("/private", ann)
        assert json.loads(await client.ask(private, "who"))["user"] == "ann"
        admin = await client.open("/admin", bob)
        assert json.loads(await client.ask(admin, "who"))["user"] == "bob"
        free = await client.open("/who", ann)
        # A log out counts from the next message on.
        ann.get("/logout")
        assert await client.ask(private, "who") is None
        assert (private.close_code, private.close_reason) == (1008, "log in again")
        assert json.loads(await client.ask(free, "who"))["user"] is None
        assert json.loads(await client.ask(admin, "who"))["user"] == "bob"

    converse(server, conversation)


def test_silent_websockets_close_too_when_their_user_is_gone(serve: Fixture):
    conf, files = app()
    conf["app"] = {"settings": {"websocket_ping_interval": 0.2}}
    server = serve(conf, files)
    browser = server.browser()
    browser.post("/login/", {"user": "ann", "password": "a"})

    async def conversation(client: Client) -> None:
        private = await client.open("/private", browser)
        browser.get("/logout")
        assert await asyncio.wait_for(private.read_message(), BOUND) is None
        assert private.close_code == 1008

    converse(server, conversation)


def test_session(serve: Fixture):
    server = serve(*app())
    browser = server.browser()
    browser.get("/page")

    async def conversation(client: Client) -> None:
        keep = await client.open("/keep", browser)
        assert await client.ask(keep, "one") == "kept"
        assert "'kept': 'one'" in browser.get("/page").text
        assert await client.ask(keep, "two") == "kept"
        who = await client.open("/who", browser)
        assert json.loads(await client.ask(who, "session"))["session"]["kept"] == "two"
        nobody = await client.open("/keep")
        assert await client.ask(nobody, "lost") == "kept"

    converse(server, conversation)
    server.wait_log("url:keep: the session is lost: it was made after the answer had begun")


ORIGINS = [
    # path, Origin, other headers, allowed
    ("/echo", None, {}, True),
    ("/echo", "{url}", {}, True),
    ("/echo", "https://{host}", {}, True),  # TLS ends at a proxy that does not say so
    ("/echo", "http://evil.example", {}, False),
    ("/echo", "{url}.evil.example", {}, False),
    ("/echo", "http://evil.example/{host}", {}, False),
    ("/echo", "http://{host}@evil.example", {}, False),
    ("/echo", "http://127.0.0.1:1", {}, False),
    ("/echo", "null", {}, False),
    ("/echo", "", {}, False),
    ("/echo", "file://", {}, False),
    ("/echo", "http://[::1", {}, False),
    ("/echo", "https://site.example", {"Host": "site.example", "X-Scheme": "https"}, True),
    ("/echo", "https://site.example:443", {"Host": "site.example", "X-Scheme": "https"}, True),
    ("/echo", "https://SITE.example", {"Host": "site.example", "X-Scheme": "https"}, True),
    ("/echo", "http://site.example", {"Host": "site.example", "X-Scheme": "https"}, False),
    ("/echo", "https://site.example:444", {"Host": "site.example", "X-Scheme": "https"}, False),
    ("/echo", "http://evil.example", {"Sec-Fetch-Site": "same-origin"}, False),  # Origin decides where there is one
    ("/echo", None, {"Sec-Fetch-Site": "cross-site"}, False),
    ("/listed", "{url}", {}, True),
    ("/listed", "https://ok.example", {}, True),
    ("/listed", "https://ok.example", {"Sec-Fetch-Site": "cross-site"}, True),
    ("/listed", "http://ok.example", {}, False),
    ("/listed", "https://ok.example:444", {}, False),
    ("/listed", "https://notok.example", {}, False),  # Gramex compared endings
    ("/listed", "https://ok.example.evil.example", {}, False),
    ("/listed", "http://any.example:81", {}, True),
    ("/listed", "http://very-many.any.example", {}, False),
    ("/listed", "https://a.sub.example:8443", {}, True),
    ("/listed", "https://a.b.sub.example:8443", {}, True),
    ("/listed", "https://sub.example:8443", {}, False),
    ("/listed", "https://a.sub.example", {}, False),
    ("/listed", "https://notsub.example:8443", {}, False),
    ("/all", "http://evil.example", {}, True),
]


def test_origins(talk: Fixture):
    async def conversation(client: Client) -> None:
        host = client.server.url.removeprefix("http://")
        for path, origin, headers, allowed in ORIGINS:
            given = {name.replace("-", "_"): value for name, value in headers.items()}
            if origin is not None:
                given["Origin"] = origin.format(url=client.server.url, host=host)
            if allowed:
                connection = await client.open(path, **given)
                assert await client.ask(connection, "x") == "x", (path, origin, headers)
            else:
                assert client.refused(path, **given) == 403, (path, origin, headers)

    talk(conversation)


@pytest.mark.parametrize("origins", [5, ["a b"], ["https://"], ["ftp://x"], ["https://a/path"]])
def test_origins_with_a_mistake(origins: Any):
    from gramex.handlers.origins import parse_origins

    with pytest.raises(ValueError, match="origins"):
        parse_origins(origins)


def test_failures_close_one_connection_and_are_logged(talk: Fixture):
    async def conversation(client: Client) -> None:
        fail = await client.open("/fail")
        other = await client.open("/echo")
        assert await client.ask(fail, "badly") is None
        assert fail.close_code == 1011
        assert await client.ask(other, "x") == "x"

    server = talk(conversation)
    server.wait_log("url:fail: on_message failed")
    assert "broken badly" in server.log


def test_a_client_that_went_away_does_not_stop_a_broadcast(talk: Fixture):
    async def conversation(client: Client) -> None:
        connections = [await client.open("/shout") for _ in range(5)]
        connections[0].protocol._abort()
        connections[1].close()
        await asyncio.sleep(0.2)
        assert await client.ask(connections[2], "hello") == "hello"
        for connection in connections[3:]:
            assert await asyncio.wait_for(connection.read_message(), BOUND) == "hello"

    server = talk(conversation)
    server.wait_for(lambda: len([each for each in server.get("/log").json() if each.startswith("close")]) == 5)
    assert "never retrieved" not in server.log


def test_a_mistake_in_an_entry(serve: Fixture):
    server = serve(*app(bad=entry("bad", "nonsense("), worse=entry("worse", "sockets.echo", origins=["a b"])))
    assert server.get("/bad").status == server.get("/worse").status == 500
    assert re.search(r"url:bad .*nonsense\(", server.log)
    assert re.search(r"url:worse .*origins: 'a b' is no origin", server.log)


def test_going_away(serve: Fixture):
    server = serve(*app(), "--listen.drain=1")

    async def conversation(client: Client) -> None:
        connections = [await client.open("/echo") for _ in range(3)]
        server.kill(signal.SIGTERM)
        assert await client.ask(connections[0], "still there") == "still there"
        for connection in connections:
            assert await asyncio.wait_for(connection.read_message(), BOUND) is None
            assert connection.close_code == 1001

    converse(server, conversation)
    assert server.wait() == 0
    assert "Traceback" not in server.log
