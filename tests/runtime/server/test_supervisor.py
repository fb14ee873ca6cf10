"""Several processes of one app, started and kept by one that answers nothing itself."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest


def children(process: Any) -> set[int]:
    return set(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


def who(process: Any) -> int:
    return int(process.get("/page").text.rpartition(" ")[2])


def answering(process: Any, count: int) -> set[int]:
    """Return the processes that answer, once there are that many."""
    found: set[int] = set()

    def enough() -> bool:
        # Connections that wait together go to different processes.
        sockets = [process.connect() for _ in range(8)]
        for sock in sockets:
            sock.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        for sock in sockets:
            with contextlib.closing(sock), sock.makefile("rb") as file:
                found.add(int(file.read().rpartition(b" ")[2]))
        return len(found & children(process)) >= count

    process.wait_for(enough, what=f"{count} processes that answer")
    return found & children(process)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("unix", [False, True], ids=["port", "unix"])
def test_processes_share_a_socket(work: Any, unix: bool) -> None:
    process = work("--listen.processes=2", unix=unix)
    pids = answering(process, 2)
    assert pids == children(process)
    assert process.pid not in pids
    assert process.log.count("Press Ctrl-C") == 1
    assert process.stop() == 0
    assert not [pid for pid in pids if is_alive(pid)]
    assert not unix or not Path(process.socket).exists()


def test_ready_when_all_are(work: Any) -> None:
    process = work("--listen.processes=3", "--listen.health=/slow?s=0.3")
    process.stop()
    process.notify.poll()
    names = [message for message in process.notify.messages if "STATUS" not in message]
    assert names == ["READY=1", f"MAINPID={process.pid}", "STOPPING=1"]
    assert (process.folder / "began").read_text() == "slow " * 3


def test_each_has_a_name(work: Any) -> None:
    process = work("--listen.processes=2", env={"GRAMEX_INSTANCE": "blue"})
    answering(process, 2)
    process.stop()
    rows = (process.data / "logs" / "requests.csv").read_text().splitlines()
    assert {row.rpartition(",")[2] for row in rows} == {"blue-1", "blue-2"}


def test_one_that_hangs_is_replaced(work: Any) -> None:
    process = work("--listen.processes=2", "--listen.watchdog=1")
    first, second = answering(process, 2)
    os.kill(first, signal.SIGSTOP)
    process.wait_log("has hung for ")
    process.wait_for(lambda: not is_alive(first), what="the end of the one that hangs")
    pids = answering(process, 2)
    assert first not in pids
    assert second in pids  # one at work is left alone
    assert process.log.count("has hung for ") == 1
    assert process.stop() == 0


def test_watchdog_mistake_names_the_key(work: Any) -> None:
    process = work("--listen.processes=2", "--listen.watchdog=-1", ready=False)
    assert process.wait() == 2
    assert "gramex: --listen.watchdog: must be a number of seconds, 0 for never, not -1" in process.log


def test_one_that_dies_is_replaced_and_the_others_go_on(work: Any) -> None:
    process = work("--listen.processes=2")
    first, second = answering(process, 2)
    os.kill(first, signal.SIGKILL)
    process.wait_log("was killed by signal 9. Another one starts in")
    assert who(process) > 0
    now = answering(process, 2)
    assert second in now
    assert first not in now
    assert process.stop() == 0


def test_pauses_grow(work: Any) -> None:
    process = work("--listen.processes=2")
    for count in range(1, 4):
        victim = min(children(process))
        os.kill(victim, signal.SIGKILL)
        process.wait_for(lambda count=count: process.log.count("Another one starts in") == count)
        process.wait_for(lambda victim=victim: len(children(process) - {victim}) == 2)
    pauses = [float(line.rpartition(" in ")[2].split()[0]) for line in process.log.splitlines() if "Another" in line]
    assert max(pauses) >= 0.2


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--listen.health=/sick"], 3, "ended with exit code 3 before it was ready"),
        (["--listen.drain=-1"], 2, "--listen.drain: must be a number of seconds"),
    ],
)
def test_a_start_that_fails_ends_all(work: Any, options: list[str], code: int, message: str) -> None:
    process = work("--listen.processes=2", *options, ready=False)
    assert process.wait() == code
    assert message in process.log
    assert "supervisor.py" not in process.log
    process.notify.poll()
    assert "READY=1" not in process.notify.messages


def test_a_busy_port_is_told_once(work: Any) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        options = ["--listen.processes=2", f"--listen.port={port}", "--listen.address=127.0.0.1"]
        process = work(*options, listen=False, ready=False)
        assert process.wait() == 1
    assert process.log.count(f"Port {port} is busy") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_are_finished(work: Any, number: int) -> None:
    process = work("--listen.processes=2", "--listen.drain=20")
    slow = [process.connection() for _ in range(4)]
    for connection in slow:
        connection.request("GET", "/slow?s=1")
    process.wait_for(lambda: (process.folder / "began").exists() and len((process.folder / "began").read_text()) >= 20)
    process.kill(number)
    for connection in slow:
        assert connection.getresponse().read() == b"slow page"
        connection.close()
    assert process.wait() == 0


def test_connections_that_wait_at_the_end_are_served(work: Any) -> None:
    process = work("--listen.processes=2", "--listen.drain=20")
    pids = children(process)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [process.connect() for _ in range(200)]
    for sock in waiting:
        sock.sendall(b"GET /page HTTP/1.0\r\n\r\n")
    process.kill(signal.SIGTERM)
    process.wait_for(lambda: process.notify.poll(0.05) and "STOPPING=1" in process.notify.messages)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for sock in waiting:
        with sock, sock.makefile("rb") as file:
            assert b" 200 " in file.readline()
    assert process.wait() == 0


def test_an_app_that_shuts_down_ends_all(serve: Any) -> None:
    url = {"end": {"pattern": "/end", "handler": "FunctionHandler", "kwargs": {"function": "gramex.shutdown()"}}}
    process = serve({"url": url}, None, "--listen.processes=2")
    process.get("/end")
    assert process.wait() == 0
    assert "Another one" not in process.log


def test_a_second_signal_ends_all_at_once(work: Any) -> None:
    process = work("--listen.processes=2")
    pids = children(process)
    slow = process.connection()
    slow.request("GET", "/slow?s=60")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    begin = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - begin < 15
    assert not [pid for pid in pids if is_alive(pid)]


def test_all_reload(work: Any) -> None:
    process = work("--listen.processes=2", "--watch=false")
    process.kill(signal.SIGHUP)
    process.wait_for(lambda: process.log.count("Reloaded") == 2)
    assert len(answering(process, 2)) == 2


def test_none_is_left_when_the_first_is_killed(work: Any) -> None:
    process = work("--listen.processes=2")
    pids = children(process)
    process.process.kill()
    process.process.wait()
    end = time.monotonic() + 20
    while any(map(is_alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_signs_of_life_are_passed_on(work: Any) -> None:
    process = work("--listen.processes=2", env={"WATCHDOG_USEC": "400000"})

    def lives() -> int:
        process.notify.poll(0.05)
        return process.notify.messages.count("WATCHDOG=1")

    process.wait_for(lambda: lives() >= 3)
    for pid in children(process):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)
    process.notify.poll()
    before = lives()
    time.sleep(1)
    assert lives() == before
    for pid in children(process):
        os.kill(pid, signal.SIGCONT)
    process.wait_for(lambda: lives() > before)


def test_inherited_sockets_are_passed_on(work_on: Any) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        process = work_on([sock], "--listen.processes=2")
        assert len(answering(process, 2)) == 2
        assert process.stop() == 0


@pytest.mark.parametrize("value", ["0", "-1", "257"])
def test_a_number_that_cannot_be_meant(work: Any, value: str) -> None:
    process = work(f"--listen.processes={value}", ready=False)
    assert process.wait() == 2
    assert f"gramex: --listen.processes: must be a whole number from 1 to 256, not {value}" in process.log


def test_one_is_no_supervisor(work: Any) -> None:
    process = work("--listen.processes=1")
    assert who(process) == process.pid
