"""What a client may send, and how slowly."""

from __future__ import annotations

import contextlib
import csv
import socket
import sys
import time
from typing import Any

import pytest

OK = b"HTTP/1.1 200 OK\r\n"


def post(size: int, header: str = "") -> bytes:
    return f"POST /page HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {size}\r\n\r\n".encode()


def closes(sock: socket.socket) -> bool:
    """True once the other side has closed."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_header_that_is_too_large_is_431(work: Any, family: str) -> None:
    process = work("--listen.max_header_size=2000", unix=family == "unix")
    assert process.raw(b"GET /page HTTP/1.0\r\nX: " + b"x" * 1000 + b"\r\n\r\n").startswith(OK)
    answer = process.raw(b"GET /page HTTP/1.1\r\nX: " + b"x" * 50_000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"Connection: close" in answer
    assert process.get("/page").status == 200


def test_header_is_limited_by_default(work: Any) -> None:
    process = work()
    assert process.raw(b"GET /page HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert process.raw(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_body_that_is_too_large_is_413_and_the_client_can_read_it(work: Any) -> None:
    process = work("--listen.max_body_size=1000")
    assert process.post("/page", b"x" * 1000).status == 200
    assert process.post("/page", b"x" * 1001).status == 413
    # Far more than fits into the buffers of the kernel: the client has to be let to send it.
    assert process.post("/page", b"x" * 8_000_000).status == 413


def test_announced_body_that_is_too_large_is_refused_before_it_is_sent(work: Any) -> None:
    process = work("--listen.max_body_size=1000")
    for size in (1001, 10**30):
        sock = process.connect()
        sock.sendall(post(size))
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_chunks_that_are_too_many_are_413(work: Any) -> None:
    process = work("--listen.max_body_size=1000")
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    head = b"POST /page HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert process.raw(head + chunk * 2 + b"0\r\n\r\n").startswith(OK)
    assert process.raw(head + chunk * 300 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "data",
    [
        b"GET\r\n\r\n",
        b"GET /page HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /page HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /page HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /page HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 100 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_what_is_no_http_is_400_or_closed(work: Any, data: bytes) -> None:
    process = work()
    answer = process.raw(data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert process.get("/page").status == 200
    assert "Traceback" not in process.log


def test_slow_header_is_cut_and_a_fast_one_on_the_same_server_not(work: Any) -> None:
    process = work("--listen.header_timeout=0.6")
    slow, fast = process.connect(), process.connection()
    fast.request("GET", "/page")
    assert fast.getresponse().read()
    for byte in b"GET /page HTTP/1.1\r\nX-Slow: ":
        try:
            slow.sendall(bytes([byte]))
        except OSError:
            break
        time.sleep(0.1)
    assert closes(slow)
    fast.request("GET", "/page")
    assert fast.getresponse().read(), "a connection that had a request may be idle for longer"


def test_connection_without_a_byte_is_cut(work: Any) -> None:
    process = work("--listen.header_timeout=0.4")
    assert closes(process.connect())


def test_idle_connection_is_cut(work: Any) -> None:
    process = work("--listen.idle_connection_timeout=0.4")
    connection = process.connection()
    connection.request("GET", "/page")
    assert connection.getresponse().read()
    assert closes(connection.sock)


def test_slow_body_is_cut_and_a_steady_one_is_not(work: Any) -> None:
    process = work("--listen.body_timeout=0.6")
    slow, steady = process.connect(), process.connect()
    slow.sendall(post(10_000))
    steady.sendall(post(20_480))
    for _ in range(10):
        steady.sendall(b"x" * 2048)
        with contextlib.suppress(OSError):
            slow.sendall(b"x")
        time.sleep(0.2)
    assert steady.recv(65536).startswith(OK)
    assert closes(slow)


def test_slow_handler_is_not_a_slow_client(work: Any) -> None:
    process = work(*(f"--listen.{name}=0.3" for name in ("header_timeout", "body_timeout", "write_timeout")))
    assert process.get("/slow?s=1.5").text == "slow page"


def test_client_that_does_not_read_is_cut_and_a_slow_reader_is_not(work: Any) -> None:
    process = work("--listen.write_timeout=1")
    size = 12_000_000
    stuck, slow = (process.connect() for _ in range(2))
    for sock in (stuck, slow):
        sock.sendall(f"GET /big?n={size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    received, begin = 0, time.monotonic()
    while time.monotonic() - begin < 4:  # far longer than the limit
        received += len(slow.recv(20_000))
        time.sleep(0.1)
    while chunk := slow.recv(1_000_000):
        received += len(chunk)
    assert received > size
    taken = 0
    try:
        while chunk := stuck.recv(1_000_000):
            taken += len(chunk)
    except ConnectionResetError:
        pass
    assert taken < size


def test_pipelined_requests_are_answered_in_order(work: Any) -> None:
    process = work()
    bodies = [b"first", b"second", b"third"]
    head = b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
    answer = process.raw(b"".join(head % (len(body), body) for body in bodies) + b"GET /page HTTP/1.0\r\n\r\n")
    places = [answer.index(body) for body in bodies]
    assert places == sorted(places)
    assert answer.count(OK) == 4


def test_one_client_that_pipelines_does_not_keep_others_waiting(work: Any) -> None:
    process = work()
    greedy = process.connect()
    greedy.setblocking(False)
    request = b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    answered = 0
    for _ in range(20):
        try:
            greedy.send(request)
            greedy.recv(1_000_000)
        except BlockingIOError:
            pass
        answered += process.get("/page").status == 200
    assert answered == 20


def test_open_files_are_exhausted_and_come_back(work: Any) -> None:
    code = "import os, resource as r, sys\nr.setrlimit(r.RLIMIT_NOFILE, (40, 40))\nos.execv(sys.argv[1], sys.argv[1:])"
    process = work(command=[sys.executable, "-c", code, sys.executable, "-m", "gramex"])
    socks = [process.connect() for _ in range(60)]
    process.wait_log("Cannot accept connections: Too many open files")
    assert process.log.count("Too many open files") < 4
    for sock in socks:
        sock.close()
    assert process.get("/page").status == 200


def test_what_is_refused_is_logged(work: Any) -> None:
    process = work("--listen.max_body_size=1000", "--listen.max_header_size=2000")
    process.raw(post(2000, "X-Real-IP: 192.0.2.7\r\n"))
    process.raw(b"GET /page HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\n\r\n")
    bad = process.raw(b"no http at all\r\n\r\n")
    assert bad.startswith(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n")
    process.get("/page")
    process.stop()
    rows = list(csv.reader((process.data / "logs" / "requests.csv").read_text().splitlines()))
    assert [(row[1], row[3], row[5], row[6]) for row in rows] == [
        ("192.0.2.7", "413", "POST", "/page"),
        ("127.0.0.1", "431", "", ""),
        ("127.0.0.1", "400", "", ""),
        ("127.0.0.1", "200", "GET", "/page"),
    ]
    assert "413 POST /page (192.0.2.7)" in process.log
    assert "Traceback" not in process.log


@pytest.mark.parametrize(
    ("headers", "closed"),
    [
        (b"Connection: keep-alive\r\nConnection: close\r\n", True),
        (b"Connection: close, te\r\n", True),
        (b"Connection: TE\r\nConnection: keep-alive\r\n", False),
        (b"Connection: Close\r\n", True),
    ],
)
def test_connection_headers_count_together(work: Any, headers: bytes, closed: bool) -> None:
    process = work()
    sock = process.connect()
    sock.sendall(b"GET /page HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    answer = b""
    while b"page of" not in answer:
        answer += sock.recv(65536)
    assert (b"\r\nConnection: close\r\n" in answer) == closed
    assert answer.lower().count(b"\r\nconnection:") <= 1
    if closed:
        assert closes(sock)
    else:
        sock.sendall(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(OK)
