"""When a process says that it is ready, and what it tells its service manager."""

from __future__ import annotations

import signal
import socket
import time
from typing import Any

import pytest
import yaml


def test_ready_comes_after_the_health_request_and_before_stopping(work: Any) -> None:
    process = work("--listen.health=/page")
    process.get("/page")
    process.stop()
    process.notify.poll()
    names = [message for message in process.notify.messages if "STATUS" not in message]
    assert names == ["READY=1", f"MAINPID={process.pid}", "STOPPING=1"]
    rows = (process.data / "logs" / "requests.csv").read_text().splitlines()
    assert [row.split(",")[6] for row in rows] == ["/page", "/page"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/sick", "Not healthy: /sick: status 500 (ValueError: the database is gone)"),
        ("/nowhere", "Not healthy: /nowhere: status 404"),
        ("/slow?s=600", "Not healthy: /slow?s=600: no answer in 0.5 s"),
    ],
)
def test_a_sick_application_ends_with_3_before_it_is_ready(work: Any, path: str, reason: str) -> None:
    process = work(f"--listen.health={path}", "--listen.health_timeout=0.5", ready=False)
    assert process.wait() == 3
    assert reason in process.log
    assert "pending" not in process.log
    process.notify.poll()
    assert not [message for message in process.notify.messages if message.startswith(("READY", "STOPPING"))]


def test_a_sick_process_never_takes_a_connection_from_a_shared_socket(work_on: Any) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        waiting = socket.create_connection(sock.getsockname(), 20)
        waiting.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        assert work_on([sock], "--listen.health=/sick", ready=False).wait() == 3
        process = work_on([sock], "--listen.health=/page")
        assert waiting.makefile("rb").read().endswith(f"page of {process.pid}".encode())
        waiting.close()


def test_nothing_is_accepted_while_the_health_request_runs(work: Any) -> None:
    process = work("--listen.health=/slow?s=1", ready=False)
    process.wait_for(lambda: (process.folder / "began").exists())
    with pytest.raises(ConnectionRefusedError):
        process.connect()
    process.wait_ready()
    assert process.get("/page").status == 200


def test_health_is_asked_without_tls(work: Any, certificate: Any) -> None:
    process = work("--listen.health=/page", *certificate.options)
    process.stop()
    assert "Not healthy" not in process.log


def test_notify_socket_in_the_abstract_name_space(work: Any) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0gramex-test-{time.monotonic_ns()}")
        manager.settimeout(20)
        name = manager.getsockname().decode()
        work(ready=False, env={"NOTIFY_SOCKET": f"@{name[1:]}"})
        assert manager.recv(4096).startswith(b"READY=1\n")


def test_watchdog_is_fed_by_the_loop_also_during_the_drain(work: Any) -> None:
    process = work("--listen.drain=20", env={"WATCHDOG_USEC": "200000"})

    def fed(count: int) -> bool:
        process.notify.poll(0.05)
        return process.notify.messages.count("WATCHDOG=1") >= count

    process.wait_for(lambda: fed(3))
    connection = process.connection()
    connection.request("GET", "/slow?s=1.5")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    count = process.notify.messages.count("WATCHDOG=1")
    process.wait_for(lambda: fed(count + 3))
    assert connection.getresponse().read() == b"slow page"


def test_watchdog_goes_hungry_when_the_loop_hangs(work: Any) -> None:
    process = work(env={"WATCHDOG_USEC": "200000"})
    connection = process.connection()
    connection.request("GET", "/block?s=1")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.notify.poll()
    count = process.notify.messages.count("WATCHDOG=1")
    time.sleep(0.6)
    process.notify.poll()
    assert process.notify.messages.count("WATCHDOG=1") <= count + 1


def test_watchdog_of_another_process_is_not_ours(work: Any) -> None:
    process = work(env={"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
    time.sleep(0.3)
    process.notify.poll()
    assert "WATCHDOG=1" not in process.notify.messages


def test_a_signal_during_the_start_ends_it(work: Any) -> None:
    process = work("--listen.health=/slow?s=2", ready=False)
    process.wait_for(lambda: (process.folder / "began").exists())
    assert process.stop() == 0
    process.notify.poll()
    assert "READY=1" not in process.notify.messages


def change(process: Any, **url: Any) -> None:
    """Write a configuration in which the patterns of some entries are others."""
    path = process.folder / "gramex.yaml"
    conf = yaml.safe_load(path.read_text())
    for name, pattern in url.items():
        conf["url"][name]["pattern"] = pattern
    path.write_text(yaml.safe_dump(conf, sort_keys=False))


def test_hangup_reloads_and_finishes_what_began(work: Any) -> None:
    process = work("--listen.drain=1")
    connection = process.connection()
    connection.request("GET", "/slow?s=1")
    process.wait_for(lambda: (process.folder / "began").exists())
    change(process, page="/new")
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    assert (process.get("/page").status, process.get("/new").status) == (404, 200)
    assert connection.getresponse().read() == b"slow page"
    connection.request("GET", "/new")
    assert connection.getresponse().status == 200, "a connection from before sees the new application"
    process.notify.poll()
    messages = process.notify.messages
    assert messages.index("RELOADING=1") < len(messages) - 1 - messages[::-1].index("READY=1")
    assert [message for message in messages if message.startswith("MONOTONIC_USEC=")]
    assert process.stop() == 0


def test_hangup_with_a_mistake_keeps_what_runs(work: Any) -> None:
    process = work()
    (process.folder / "gramex.yaml").write_text("url:\n  page: {pattern: /page\n  oops\n")
    process.kill(signal.SIGHUP)
    process.wait_log("stays in use")
    assert "gramex.yaml:" in process.log
    assert process.get("/page").status == 200
    change_back = yaml.safe_dump({"url": {"default": None, "favicon": None}})
    (process.folder / "gramex.yaml").write_text(change_back)
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    assert process.get("/page").status == 404


def test_reload_under_load_loses_nothing(work: Any) -> None:
    process = work()
    connection = process.connection()
    for turn in range(60):
        if turn % 20 == 10:
            process.kill(signal.SIGHUP)
        connection.request("POST", "/page", b"%d" % turn)
        assert connection.getresponse().read() == b"%d" % turn
    process.wait_log("Reloaded")


def test_log_goes_on_after_a_reload_that_changes_it(work: Any) -> None:
    process = work()
    process.get("/page?before")
    path = process.folder / "gramex.yaml"
    conf = yaml.safe_load(path.read_text())
    conf["log"] = {"handlers": {"requests": {"keys": ["method", "uri"]}}}
    path.write_text(yaml.safe_dump(conf, sort_keys=False))
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    process.get("/page?after")
    process.stop()
    rows = (process.data / "logs" / "requests.csv").read_text().splitlines()
    assert [len(row.split(",")) for row in rows] == [8, 2]
    assert rows[1] == "GET,/page?after"
