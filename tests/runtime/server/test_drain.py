"""What happens to clients when the process is told to stop."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest


class Clients:
    """Threads that send requests without a pause, keep their connections, and note what fails."""

    def __init__(self, connect: Callable[[], http.client.HTTPConnection], count: int = 4):
        self.connect = connect
        self.done = 0
        self.bodies: set[bytes] = set()
        self.failures: list[str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, number: int) -> None:
        connection = self.connect()
        turn = 0
        while not self.over.is_set():
            turn += 1
            post = (number + turn) % 2
            try:
                if post:
                    connection.request("POST", "/page", b"%d" % turn)
                else:
                    connection.request("GET", "/page")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or (post and body != b"%d" % turn):
                    self.failures.append(f"{answer.status} {body!r}")
                if not post:
                    self.bodies.add(body)
                if answer.will_close:
                    connection.close()
                self.done += 1
            except OSError as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()

    def wait_more(self, count: int = 50) -> None:
        """Return once that many more requests were answered."""
        goal, end = self.done + count, time.monotonic() + 20
        while self.done < goal:
            assert time.monotonic() < end, f"stuck after {self.done} requests: {self.failures[:3]}"
            time.sleep(0.005)

    def finish(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(20)


@pytest.fixture
def clients() -> Any:
    """``clients(connect)`` starts four clients; they are stopped at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(connect: Callable[[], http.client.HTTPConnection], count: int = 4) -> Clients:
            group = Clients(connect, count)
            stack.callback(group.finish)
            return group

        yield start


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_switch_between_two_processes_on_one_socket_loses_nothing(
    work_on: Any, clients: Any, short_folder: Any, family: str
) -> None:
    listening = socket.socket(socket.AF_UNIX if family == "unix" else socket.AF_INET)
    listening.bind(str(short_folder / "http") if family == "unix" else ("127.0.0.1", 0))
    listening.listen(128)
    with listening:
        running = work_on([listening])
        group = clients(running.connection)
        group.wait_more()
        for _ in range(3):
            following = work_on([listening])
            group.wait_more()
            assert running.stop() == 0, running.log
            group.wait_more()
            running = following
        group.finish()
        assert group.failures == []
        assert len(group.bodies) == 4, "every process answered some"


def test_requests_in_flight_are_finished_and_say_close(work: Any) -> None:
    process = work("--listen.drain=20")
    connection = process.connection()
    connection.request("GET", "/slow?s=1")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"slow page")
    assert answer.headers["Connection"] == "close"
    assert process.wait() == 0


def test_an_answer_whose_header_was_sent_is_finished_and_its_connection_lives_on(work: Any) -> None:
    process = work("--listen.drain=20")
    connection = process.connection()
    connection.request("GET", "/parts?n=8")
    answer = connection.getresponse()
    process.kill(signal.SIGTERM)
    assert answer.read().split()[-1] == b"7"
    assert "Connection" not in answer.headers
    connection.request("POST", "/page", b"next")
    answer = connection.getresponse()
    assert (answer.read(), answer.headers["Connection"]) == (b"next", "close")
    assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_connection_is_told_on_its_next_answer(work: Any, number: int) -> None:
    process = work("--listen.drain=20")
    connection = process.connection()
    connection.request("GET", "/page")
    assert connection.getresponse().read()
    sock = connection.sock
    process.kill(number)
    process.wait_log("Stopping")
    connection.request("POST", "/page", b"last")
    assert connection.sock is sock, "the connection was kept"
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"last", "close")
    assert process.wait() == 0


@pytest.mark.parametrize(("headers", "kept"), [({}, False), ({"X-Real-IP": "192.0.2.1"}, True)])
def test_idle_connections_of_proxies_are_waited_for_others_not(work: Any, headers: dict[str, str], kept: bool) -> None:
    process = work("--listen.drain=60")
    connection = process.connection()
    connection.request("GET", "/page", headers=headers)
    assert connection.getresponse().read()
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    if kept:
        with pytest.raises(subprocess.TimeoutExpired):
            process.process.wait(4)  # longer than others are waited for; sooner is a failure
        connection.request("POST", "/page", b"last")
        assert connection.getresponse().read() == b"last"
    assert process.wait() == 0


def test_nobody_new_is_accepted_while_draining(work: Any) -> None:
    process = work("--listen.drain=20")
    connection = process.connection()
    connection.request("GET", "/slow?s=1.5")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    with pytest.raises(ConnectionRefusedError):
        process.connect()
    assert connection.getresponse().read() == b"slow page"


def test_what_waits_in_the_backlog_of_an_own_socket_is_served(work: Any) -> None:
    process = work("--listen.drain=20")
    blocker = process.connect()
    blocker.sendall(b"GET /block?s=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    process.wait_for(lambda: (process.folder / "began").exists())
    waiting = [process.connect() for _ in range(40)]
    for sock in waiting:
        sock.sendall(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
    process.kill(signal.SIGTERM)
    for sock in waiting:
        answer = sock.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in answer
        sock.close()
    blocker.close()
    assert process.wait() == 0


def test_drain_is_bounded(work: Any) -> None:
    process = work("--listen.drain=0.5")
    idle = process.connect()
    connection = process.connection()
    connection.request("GET", "/slow?s=600")
    process.wait_for(lambda: (process.folder / "began").exists())
    assert process.stop() == 0
    assert "1 requests unfinished" in process.log
    assert "pending" not in process.log, "the handler was told"
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert idle.recv(1) == b""


def test_a_second_signal_ends_at_once(work: Any) -> None:
    process = work("--listen.drain=600")
    connection = process.connection()
    connection.request("GET", "/slow?s=600")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    assert process.stop() == 0


def test_a_second_signal_ends_a_process_whose_loop_is_blocked(work: Any) -> None:
    process = work("--listen.drain=600")
    connection = process.connection()
    connection.request("GET", "/block?s=600")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    with pytest.raises(Exception, match="timed out"):
        process.process.wait(0.3)
    assert process.stop() == 0


class WebSocket:
    """A websocket over a plain socket: short text messages, and the closing one."""

    def __init__(self, process: Any):
        self.sock = process.connect()
        self.sock.sendall(
            b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.file = self.sock.makefile("rb")
        assert b" 101 " in self.file.readline()
        while self.file.readline() != b"\r\n":
            pass

    def send(self, text: bytes, kind: int = 1) -> None:
        self.sock.sendall(bytes([0x80 | kind, 0x80 | len(text)]) + b"\0\0\0\0" + text)

    def receive(self) -> tuple[int, bytes]:
        kind, length = self.file.read(2)
        return kind & 15, self.file.read(length)


def test_websockets_work_until_the_drain_time_and_get_1001(work: Any) -> None:
    process = work("--listen.drain=1.5")
    first, second = WebSocket(process), WebSocket(process)
    process.kill(signal.SIGTERM)
    begin = time.monotonic()
    process.wait_log("Stopping")
    first.send(b"hello")
    assert first.receive() == (1, b"echo hello")
    assert first.receive() == (8, (1001).to_bytes(2, "big") + b"going away")
    assert time.monotonic() - begin > 1.4
    first.send((1001).to_bytes(2, "big"), 8)
    assert second.receive()[1][:2] == (1001).to_bytes(2, "big")
    # The second never answers: the end does not depend on it.
    assert process.wait() == 0


def test_event_streams_go_on_until_the_drain_time_and_end_as_complete(work: Any) -> None:
    process = work("--listen.drain=1.5")
    streams = []
    for path in ("/events", "/events?type=text/csv"):
        connection = process.connection()
        connection.request("GET", path)
        streams.append(connection.getresponse())
        streams[-1].read(1)
    process.kill(signal.SIGTERM)
    begin = time.monotonic()
    assert streams[0].read().endswith(b"data: here\n\n")
    assert time.monotonic() - begin > 1.4
    with pytest.raises(http.client.IncompleteRead):  # anything else has an end of its own, which it did not reach
        streams[1].read()
    assert process.wait() == 0


def test_process_ends_when_the_last_websocket_leaves(work: Any) -> None:
    process = work("--listen.drain=600")
    socket_ = WebSocket(process)
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    socket_.send((1000).to_bytes(2, "big"), 8)
    assert socket_.receive()[0] == 8
    socket_.file.close()
    socket_.sock.close()
    assert process.wait() == 0


def test_rows_of_the_last_requests_are_written(work: Any) -> None:
    process = work()
    for _ in range(20):
        process.get("/page")
    process.stop()
    rows = (process.data / "logs" / "requests.csv").read_text().splitlines()
    assert len(rows) == 20
