"""The load client must see what a user would: its silence is what the promise of no lost request rests on."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOAD = Path(__file__).parent / "remote" / "load.py"


@contextmanager
def serving(answer: Any) -> Iterator[str]:
    """An HTTP/1.1 server whose GET and POST call `answer(handler, count)`; the block gets its URL."""
    count = iter(range(1_000_000))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
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


def good(handler: http.server.BaseHTTPRequestHandler, count: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"ok")


def running(*options: str) -> dict[str, Any]:
    """What a run that ends by its own count reports; its standard input stays open, since closing it ends a run."""
    with subprocess.Popen(
        [sys.executable, str(LOAD), "--pause=0", "--seconds=30", "--requests=40", *options],
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


def test_counts_a_post_on_a_connection_that_was_closed_but_repeats_a_get() -> None:
    """Without a word the server ends each kept connection after one answer: browsers repeat a GET, never a POST."""

    def once(handler: Any, count: int) -> None:
        good(handler, count)
        handler.close_connection = True

    with serving(once) as url:
        gets = running("--get", url)
        posts = running("--post", url)
    assert gets["failed"] == 0
    assert gets["retried"] > 0
    assert posts["failed"] > 0


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
