"""The listener that tells how the process is."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families


class Admin:
    """The admin listener of a process: `ask` sends one request on a connection of its own."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def option(self) -> str:
        return f"--admin.unix={self.path}"

    def send(self, request: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(str(self.path))
            sock.sendall(request)
            received = b""
            while chunk := sock.recv(65536):
                received += chunk
            return received

    def ask(self, target: str, method: str = "GET") -> tuple[int, str]:
        answer = self.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def try_ask(self, target: str) -> int:
        """The status, 0 if there is no answer."""
        try:
            return self.ask(target)[0]
        except (OSError, IndexError):
            return 0

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Values by name and values of labels, which are in the order of their names."""
        status, text = self.ask("/metrics")
        assert status == 200
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def admin(short_folder: Path) -> Admin:
    return Admin(short_folder / "admin")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask_port(port: int, target: str, address: str = "127.0.0.1") -> tuple[int, str]:
    with contextlib.closing(http.client.HTTPConnection(address, port, timeout=20)) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_a_port_of_loopback_alone(work: Any) -> None:
    port = free_port()
    process = work(f"--admin.port={port}")
    assert ask_port(port, "/livez") == (200, "ok\n")
    assert ask_port(port, "/readyz") == (200, "ready\n")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 20):
        pass
    assert f"Listening on 127.0.0.1:{port} for /livez" in process.log


def test_an_address_is_obeyed(work: Any) -> None:
    port = free_port()
    work(f"--admin.port={port}", "--admin.address=127.0.0.2")
    assert ask_port(port, "/livez", "127.0.0.2") == (200, "ok\n")


def test_off_unless_configured(work: Any) -> None:
    process = work()
    assert [process.get(path).status for path in ("/livez", "/readyz", "/metrics")] == [404] * 3
    assert "/livez" not in process.log


def test_what_is_asked_wrongly(work: Any, admin: Admin) -> None:
    work(admin.option)
    assert admin.ask("/") == (404, "Use /livez, /readyz or /metrics\n")
    assert admin.ask("/page")[0] == 404
    assert admin.ask("/livez", "POST") == (405, "Use GET\n")
    assert admin.ask("/livez", "HEAD") == (200, "")
    assert admin.ask("/readyz?verbose") == (200, "ready\n")
    assert admin.send(b"rubbish\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert admin.ask("/livez") == (200, "ok\n")


def test_connections_are_kept(work: Any, admin: Admin) -> None:
    work(admin.option)
    two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = admin.send(two)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"Cache-Control: no-store" in received


def test_its_requests_are_not_in_the_request_log(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    admin.ask("/livez")
    process.get("/page")
    process.stop()
    rows = (process.data / "logs" / "requests.csv").read_text().splitlines()
    assert [row.split(",")[6] for row in rows] == ["/page"]


def test_alive_but_not_ready_before_the_health_request_is_answered(work: Any, admin: Admin) -> None:
    process = work(admin.option, "--listen.health=/slow?s=1", ready=False)
    process.wait_for(lambda: (process.folder / "began").exists())
    assert admin.ask("/livez") == (200, "ok\n")
    assert admin.ask("/readyz") == (503, "starting\n")
    assert admin.metrics()["gramex_ready",] == 0
    process.wait_ready()
    assert admin.ask("/readyz") == (200, "ready\n")


def test_red_during_the_whole_drain_and_gone_at_the_end(work: Any, admin: Admin) -> None:
    process = work(admin.option, "--listen.drain=20")
    slow = process.connection()
    slow.request("GET", "/slow?s=1.5")
    process.wait_for(lambda: (process.folder / "began").exists())
    assert admin.metrics()["gramex_requests_in_flight",] == 1
    process.kill(signal.SIGTERM)
    process.wait_for(lambda: admin.ask("/readyz") == (503, "draining\n"))
    assert admin.ask("/livez") == (200, "ok\n")
    metrics = admin.metrics()
    assert (metrics["gramex_draining",], metrics["gramex_ready",]) == (1, 0)
    assert slow.getresponse().read() == b"slow page"
    slow.close()
    assert process.wait() == 0
    assert not admin.path.exists()


def test_a_second_signal_removes_its_socket(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    slow = process.connection()
    slow.request("GET", "/slow?s=60")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    process.wait_log("Stopping")
    assert process.stop() == 0
    assert not admin.path.exists()


def test_a_client_that_holds_a_connection_does_not_hold_up_the_end(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(admin.path))
        sock.sendall(b"GET /livez HTTP/1.1\r\n")
        assert process.stop() == 0
        sock.settimeout(20)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""


def test_no_answer_while_the_event_loop_does_not_turn(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    thread = threading.Thread(target=process.get, args=("/block?s=2",))
    thread.start()
    process.wait_for(lambda: (process.folder / "began").exists())
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(0.3)
        sock.connect(str(admin.path))
        sock.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(100)
        sock.settimeout(20)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    thread.join()


def test_metrics_of_requests(work: Any, admin: Admin) -> None:
    process = work(admin.option, env={"GRAMEX_INSTANCE": "blue-1"})
    for path in ("/page", "/page", "/sick", "/nowhere", "/slow?s=0.06"):
        process.get(path)
    metrics = admin.metrics()
    assert metrics["gramex_requests_total", "page", "2xx"] == 2
    assert metrics["gramex_requests_total", "sick", "5xx"] == 1
    assert metrics["gramex_requests_total", "slow", "2xx"] == 1
    assert sum(value for key, value in metrics.items() if key[0] == "gramex_requests_total") == 5
    assert sum(value for key, value in metrics.items() if key[0] == "gramex_requests_total" and "4xx" in key) == 1
    assert metrics["gramex_request_duration_seconds_count", "slow"] == 1
    assert metrics["gramex_request_duration_seconds_sum", "slow"] >= 0.06
    assert metrics["gramex_request_duration_seconds_bucket", "slow", "0.05"] == 0
    assert metrics["gramex_request_duration_seconds_bucket", "slow", "+Inf"] == 1
    assert metrics["gramex_request_duration_seconds_bucket", "page", "+Inf"] == 2
    assert [key[1] for key in metrics if key[0] == "gramex_info"] == ["blue-1"]
    assert metrics["gramex_requests_in_flight",] == 0
    assert metrics["process_resident_memory_bytes",] > 1e6


def test_plain_files_are_counted(serve: Callable[..., Any], admin: Admin) -> None:
    url = {"files": {"pattern": "/files/(.*)", "handler": "FileHandler", "kwargs": {"path": "."}}}
    process = serve({"url": url}, {"a.txt": "a"}, admin.option)
    for name in ("a.txt", "a.txt", "b.txt"):
        process.get(f"/files/{name}")
    metrics = admin.metrics()
    assert metrics["gramex_requests_total", "files", "2xx"] == 2
    assert metrics["gramex_requests_total", "files", "4xx"] == 1


def test_metrics_of_websockets(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    sock = process.connect()
    sock.sendall(
        b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b" 101 " in sock.recv(4096)
    assert admin.metrics()["gramex_websockets",] == 1
    sock.close()
    process.wait_for(lambda: admin.metrics()["gramex_websockets",] == 0)


def test_metrics_survive_a_reload(work: Any, admin: Admin) -> None:
    process = work(admin.option, "--watch=false")
    process.get("/page")
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    process.get("/page")
    metrics = admin.metrics()
    assert metrics["gramex_requests_total", "page", "2xx"] == 2
    assert metrics["gramex_reloads_total", "ok"] == 1
    (process.folder / "gramex.yaml").write_text("url: [", encoding="utf-8")
    process.kill(signal.SIGHUP)
    process.wait_log("Reload failed")
    process.get("/page")
    metrics = admin.metrics()
    assert metrics["gramex_requests_total", "page", "2xx"] == 3
    assert (metrics["gramex_reloads_total", "ok"], metrics["gramex_reloads_total", "failed"]) == (1, 1)


def test_metrics_without_the_library(work: Any, admin: Admin, tmp_path: Path) -> None:
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text("import sys\nsys.modules['prometheus_client'] = None\n")
    work(admin.option, env={"PYTHONPATH": str(hide)})
    expected = "Metrics need prometheus-client: pip install 'gramex-runtime[metrics]'\n"
    assert admin.ask("/metrics") == (501, expected)
    assert admin.ask("/readyz")[0] == 200


@pytest.mark.parametrize("kind", ["unix", "port"])
def test_the_next_process_takes_over_when_the_one_before_ends(work: Any, admin: Admin, kind: str) -> None:
    port = free_port()
    option = admin.option if kind == "unix" else f"--admin.port={port}"

    def process_now() -> list[str]:
        text = admin.ask("/metrics")[1] if kind == "unix" else ask_port(port, "/metrics")[1]
        lines = [line for line in text.splitlines() if line.startswith("gramex_info{")]
        return [line.partition('process="')[2].partition('"')[0] for line in lines]

    first = work(option, env={"GRAMEX_INSTANCE": "blue-1"})
    second = work(option, env={"GRAMEX_INSTANCE": "green-1"})
    assert "app.admin: another process listens there" in second.log
    assert process_now() == ["blue-1"]
    assert first.stop() == 0
    second.wait_log("for /livez")
    assert process_now() == ["green-1"]


def test_a_stale_socket_is_replaced(work: Any, admin: Admin) -> None:
    work(admin.option).process.kill()
    assert admin.path.exists()
    work(admin.option)
    assert admin.try_ask("/livez") == 200


@pytest.mark.parametrize(
    ("option", "code", "message"),
    [
        ("--admin.port=x", 2, "--admin.port: must be a port, 0 to 65535"),
        ("--admin.address=127.0.0.1", 2, "--admin: needs `port`, such as 9989, or `unix`"),
        ("--admin.unix=/nowhere/at/all", 1, "app.admin: /nowhere/at/all: cannot listen there: there is no folder"),
        ("--admin.unix=gramex.yaml", 1, "exists and is no socket. Remove it, or use --admin.unix="),
    ],
)
def test_mistakes_stop_the_start(work: Any, option: str, code: int, message: str) -> None:
    process = work(option, ready=False)
    assert process.wait() == code
    assert message in process.log
    assert "Traceback" not in process.log


def test_a_section_that_is_none(work: Any) -> None:
    process = work(conf="app: {admin: 9989}\n", ready=False)
    assert process.wait() == 2
    assert "gramex.yaml:1: app.admin: must be a mapping, not 9989" in process.log


def test_a_change_of_it_waits_for_the_next_start(work: Any, admin: Admin) -> None:
    process = work(conf=f"app: {{admin: {{unix: {admin.path}}}}}\n")
    (process.folder / "gramex.yaml").write_text("app: {admin: {unix: other}}\n", encoding="utf-8")
    process.kill(signal.SIGHUP)
    process.wait_log("Changes of app.admin.unix are ignored while running, and take effect at the next start")
    assert admin.ask("/livez")[0] == 200


def test_slow_clients_are_dropped(work: Any, admin: Admin) -> None:
    process = work(admin.option)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(admin.path))
        sock.sendall(b"GET /livez HTTP/1.1\r\n")
        begin = time.monotonic()
        assert sock.recv(100) == b""
        assert time.monotonic() - begin > 4
    assert process.process.poll() is None
