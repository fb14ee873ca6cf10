"""Attacks that are no handler's own: bytes that are no UTF-8, what unpacks to much, line breaks in headers."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BOMB = gzip.compress(bytes(300_000_000), 9)  # 300 KB
BAD = b"\xff\xfe\xc0\xaf"
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="%(bad)s.txt"\r\n\r\n%(bad)s\r\n'
    b'--x\r\nContent-Disposition: form-data; name="%(bad)s"\r\n\r\n%(bad)s\r\n--x--\r\n' % {b"bad": BAD}
)
PAGES = """
from gramex.transforms import handler as typed

def everything(handler):
    return [handler.args, handler.path_args, dict(handler.request.headers), dict(handler.cookies), handler.current_user]

@typed
def one(x: str = ""):
    return x
"""


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with the bomb."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(BOMB)))
        self.end_headers()
        self.wfile.write(BOMB)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def app(serve_module: Any) -> Iterator[Any]:
    """An app with every kind of handler that takes something from the client."""
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()

    def entry(pattern: str, handler: str, **kwargs: Any) -> dict[str, Any]:
        return {"pattern": pattern, "handler": handler, "kwargs": {"xsrf_cookies": False, **kwargs}}

    login = {"credentials": {"ann": "secret"}, "delay": 0}
    yield serve_module(
        {
            "url": {
                "all": entry("/all/(.*)", "FunctionHandler", function="pages.everything(handler)"),
                "one": entry("/one", "FunctionHandler", function="pages.one"),
                "size": entry("/size", "FunctionHandler", function="len(handler.request.body)"),
                "header": entry(
                    "/header", "FunctionHandler", function="handler.set_header('X-A', handler.get_arg('v'))"
                ),
                "cookie": entry("/cookie", "FunctionHandler", function="handler.set_cookie('a', handler.get_arg('v'))"),
                "to": entry("/to/(.*)", "RedirectHandler", url="/target/{0}"),
                "login": entry("/login/", "SimpleAuth", **login),
                "upload": entry("/upload", "UploadHandler", path="uploads"),
                "template": entry("/template/(.*)", "FileHandler", path="page.html", template=True),
                "proxy": entry("/proxy", "ProxyHandler", url=f"http://127.0.0.1:{backend.server_port}/"),
                "socket": entry("/socket", "WebSocketHandler", on_message="handler.write_message(message)"),
            }
        },
        {"pages.py": PAGES, "page.html": "{{ handler.path_args }} {{ request.uri }}", "uploads/x": ""},
    )
    backend.shutdown()
    backend.server_close()


def request(method: bytes, target: bytes, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


FORM = b"Content-Type: application/x-www-form-urlencoded"
JSON = b"Content-Type: application/json"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    "data",
    [
        request(b"GET", b"/all/" + BAD),
        request(b"GET", b"/all/%ff%c0%af"),
        request(b"GET", b"/all/?" + BAD + b"=" + BAD),
        request(b"GET", b"/all/?%ff=%ff&x=%c0%af"),
        request(b"GET", b"/all/", b"", b"Cookie: sid=" + BAD + b"; " + BAD + b"=1; _xsrf=" + BAD),
        request(b"GET", b"/all/", b"", b"X-Own: " + BAD, b"User-Agent: " + BAD, b"Referer: " + BAD),
        request(b"GET", b"/all/", b"", b"X-Request-URI: /" + BAD, b"X-Gramex-Root: /" + BAD, b"X-Real-IP: " + BAD),
        request(b"GET", b"/all/", b"", b"X-Gramex-User: " + BAD, b"X-Http-Method-Override: " + BAD),
        request(b"POST", b"/all/", b"x=" + BAD + b"&%ff=%ff", FORM),
        request(b"POST", b"/all/", PARTS, MULTIPART),
        request(b"GET", b"/one?x=%ff"),
        request(b"POST", b"/one", b'{"x": "' + BAD + b'"}', JSON),
        request(b"POST", b"/one", b'{"x": "\\ud800"}', JSON),
        request(b"GET", b"/" + BAD),
        request(b"GET", b"/%ff"),
        request(b"GET", b"/template/" + BAD + b"?" + BAD),
        request(b"POST", b"/login/", b"user=" + BAD + b"&password=" + BAD, FORM),
        request(b"POST", b"/login/", b"user=%ff&password=%ff", FORM),
        request(b"GET", b"/login/?next=%ff" + BAD),
        request(b"POST", b"/upload", PARTS, MULTIPART),
        request(b"GET", b"/to/" + BAD),
        request(b"GET", b"/all/", b"", b"If-None-Match: " + BAD, b"Range: " + BAD, b"If-Modified-Since: " + BAD),
        request(b"GET", b"/index.html", b"", b"Accept-Encoding: " + BAD, b"Origin: " + BAD),
        request(BAD, b"/all/"),
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_no_utf8_is_never_our_mistake(app: Any, data: bytes) -> None:
    answer = app.raw(data)
    assert answer.startswith(b"HTTP/1.1 ")
    assert int(answer.split()[1]) < 500, answer
    assert app.get("/one?x=fine").text == "fine"


def test_log_ins_that_are_no_text_let_nobody_in(app: Any) -> None:
    for body in (
        b"user=%ff&password=secret",
        b"user=ann%00&password=secret",
        b"user=ann&password=secret%ff",
        b"user=%ed%a0%80",
    ):
        answer = app.raw(request(b"POST", b"/login/", body, FORM))
        assert answer.split()[1] in (b"400", b"401"), body
        assert b"Set-Cookie: sid" not in answer


@pytest.mark.parametrize("path", ["/header?v=", "/cookie?v=", "/to/", "/login/?next=", "/all/?v="])
@pytest.mark.parametrize("breaks", ["%0d%0a", "%0a", "%0d", "%0d%0a%20", "%00"])
def test_no_line_break_of_a_client_begins_a_header(app: Any, path: str, breaks: str) -> None:
    header = app.raw(request(b"GET", f"{path}x{breaks}X-Injected:1{breaks}".encode())).partition(b"\r\n\r\n")[0]
    assert not [line for line in header.replace(b"\r", b"\n").split(b"\n") if line.strip().startswith(b"X-Injected")]


def memory(app: Any) -> int:
    """The most that the process ever had, MiB."""
    status = Path(f"/proc/{app.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def test_bodies_are_not_unpacked(app: Any) -> None:
    answer = app.post("/size", BOMB, headers={"Content-Encoding": "gzip"})
    assert answer.text == str(len(BOMB))
    assert memory(app) < 150


def test_a_backend_cannot_fill_the_memory(app: Any) -> None:
    answer = app.get("/proxy", timeout=60)
    assert answer.status == 599
    assert len(answer.body) < 10_000
    assert memory(app) < 290  # 300 MB, and what else there is, would be more


def test_websockets_do_not_unpack(app: Any) -> None:
    key = (b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13")
    lines = [b"GET /socket HTTP/1.1", b"Host: localhost", b"Connection: Upgrade", *key]
    with app.connect() as sock:
        sock.sendall(b"\r\n".join([*lines, b"Sec-WebSocket-Extensions: permessage-deflate", b"", b""]))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"permessage-deflate" not in answer
        sock.sendall(b"\x81\x84\0\0\0\0" + BAD)  # text that is none
        assert sock.recv(100)[:1] in (b"", b"\x88")  # closed
