"""The load client must see what a user would: its silence is what the promise of no lost request rests on."""

import hashlib
import http.server
import json
import re
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LOAD = Path(__file__).parent / "remote" / "load.py"


@contextmanager
def serving(answer: Any) -> Iterator[str]:
    """An HTTP/1.1 server whose GET and POST call `answer(handler, count)`; the block gets its URL."""
    count = iter(range(1_000_000))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self, next(count))

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def good(handler: http.server.BaseHTTPRequestHandler, count: int, body: bytes = b"ok") -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def running(*options: str, requests: int = 40, seconds: float = 30) -> dict[str, Any]:
    """What a run that ends by its own count reports; its standard input stays open, since closing it ends a run."""
    bounds = (f"--seconds={seconds}", f"--requests={requests}")
    with subprocess.Popen(
        [sys.executable, str(LOAD), "--pause=0", *bounds, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout
        return json.loads(client.stdout.readline())


def test_counts_good_requests() -> None:
    with serving(good) as url:
        report = running("--get", url, "--post", url)
    assert report["requests"] >= 40
    assert report["failed"] == 0
    assert report["errors"] == []


def test_counts_error_pages() -> None:
    def sometimes(handler: Any, count: int) -> None:
        if count == 7:
            handler.send_error(502)
        else:
            good(handler, count)

    with serving(sometimes) as url:
        report = running("--get", url)
    assert report["failed"] == 1
    assert "status 502" in report["errors"][0]


def test_counts_answers_that_are_cut_off() -> None:
    def cut(handler: Any, count: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100" if count == 3 else "2")
        handler.end_headers()
        handler.wfile.write(b"ok")
        handler.close_connection = count == 3

    with serving(cut) as url:
        report = running("--get", url)
    assert report["failed"] == 1
    assert "IncompleteReadError" in report["errors"][0]


def test_counts_a_post_that_a_closed_connection_swallowed_but_repeats_a_get() -> None:
    """The server ends a kept connection when the second request comes: browsers repeat a GET, never a POST."""

    def once(handler: Any, count: int) -> None:
        handler.close_connection = getattr(handler, "second", False)
        handler.second = True
        if not handler.close_connection:
            good(handler, count)

    with serving(once) as url:
        gets = running("--get", url)
        posts = running("--post", url)
    assert gets["failed"] == 0
    assert gets["retried"] > 0
    assert posts["failed"] > 0


def test_leaves_a_connection_that_was_closed_before_the_request() -> None:
    def once(handler: Any, count: int) -> None:
        good(handler, count)
        handler.close_connection = True

    with serving(once) as url:
        report = running("--post", url, "--pause=0.2", requests=8)
    assert (report["failed"], report["errors"]) == (0, [])
    assert report["reopened"] > 0


def test_counts_files_that_did_not_arrive_as_they_were() -> None:
    def take(handler: Any, count: int) -> None:
        content = handler.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        content = content[1:] if count == 1 else content
        good(handler, count, json.dumps({"sha256": hashlib.sha256(content).hexdigest()}).encode())

    with serving(take) as url:
        report = running("--upload", url, requests=4)
    assert report["requests"] >= 4
    assert report["failed"] == 1
    assert "did not arrive as it was sent" in report["errors"][0]


def test_asks_a_unix_socket(tmp_path: Path) -> None:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "app.sock"), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        report = running("--get", f"unix:{tmp_path}/app.sock:/")
        server.shutdown()
    assert report["failed"] == 0
    assert sum(report["clients"].values()) >= 40


def ending(handler: Any, count: int, last: bytes) -> None:
    """Tell who it is and end in some way: of a websocket, or of a stream of events."""
    handler.close_connection = True
    if handler.headers.get("Upgrade"):
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x06blue-1" + last)
    else:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        handler.wfile.write(head + b"e\r\ndata: blue-1\n\n\r\n" + last)
    time.sleep(0.2)  # not hundreds of them


@pytest.mark.parametrize(
    ("option", "last", "error"),
    [
        ("--live", b"\x88\x02\x03\xe9", ""),
        ("--live", b"\x88\x02\x03\xe8", "websocket closed with 1000"),
        ("--live", b"", "IncompleteReadError|ConnectionResetError"),
        ("--events", b"0\r\n\r\n", ""),
        ("--events", b"", "ValueError|ConnectionResetError"),
    ],
)
def test_tells_an_end_from_a_break(option: str, last: bytes, error: str) -> None:
    with serving(lambda handler, count: ending(handler, count, last)) as url:
        url = url.replace("http", "ws") if option == "--live" else url
        began = time.time()
        report = running(option, url, seconds=1.5)
    assert report["messages"] > 0
    if error:
        assert report["ended"] == []
        assert re.search(error, report["errors"][0])
    else:
        assert report["failed"] == 0, report["errors"]
        assert {end["process"] for end in report["ended"]} == {"blue-1"}
        assert all(began <= end["opened"] <= end["ended"] <= time.time() for end in report["ended"])


def test_answers_the_pings_of_a_websocket() -> None:
    """Or the server takes it for gone, and closes."""
    heard: list[tuple[int, bytes]] = []

    def pinging(handler: Any, count: int) -> None:
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x89\x03you")
        while not heard or heard[-1][0] != 0x8A:
            first, second = handler.rfile.read(2)
            mask, data = handler.rfile.read(4), handler.rfile.read(second & 0x7F)
            heard.append((first, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))))
        handler.close_connection = True
        handler.wfile.write(b"\x88\x02\x03\xe9")
        time.sleep(0.2)

    with serving(pinging) as url:
        report = running("--live", url.replace("http", "ws"), seconds=1.5)
    assert (0x8A, b"you") in heard
    assert report["failed"] == 0, report["errors"]


def test_counts_refused_connections() -> None:
    with serving(good) as url:
        pass
    assert running("--get", url)["failed"] >= 40


def test_ends_when_standard_input_is_closed() -> None:
    with serving(good) as url:
        client = subprocess.Popen(
            [sys.executable, str(LOAD), "--seconds=600", "--requests=1000000", "--get", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        output, _ = client.communicate(timeout=30)
    assert json.loads(output)["failed"] == 0
