"""Where a process listens, and what it says when it cannot."""

from __future__ import annotations

import http.client
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import pytest


def listening(address: Any, family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen(16)
    return sock


def test_default_address_is_all_interfaces(work: Any) -> None:
    with listening(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = work(f"--listen.port={port}", listen=False)
    process.port = port
    assert process.get("/page").status == 200
    with socket.create_connection(("::1", port), 5) as sock:
        sock.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        assert sock.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
    assert f"Listening on port {port}" in process.log
    assert f"http://127.0.0.1:{port}/" in process.log


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_only_the_address_that_was_asked_for(work: Any, address: str) -> None:
    with listening(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = work(f"--listen.port={port}", f"--listen.address={address}", listen=False)
    process.port = port
    assert process.get("/page").status == 200
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 5):
        pass


def test_port_0_takes_a_free_one(work: Any) -> None:
    process = work("--listen.port=0", "--listen.address=127.0.0.1", listen=False)
    process.port = int(process.log.partition("Listening on port ")[2].split()[0])
    assert process.get("/page").status == 200


def test_busy_port(work: Any) -> None:
    with listening(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = work(f"--listen.port={port}", "--listen.address=127.0.0.1", listen=False, ready=False)
        assert process.wait() == 1
    assert f"Port {port} is busy. Use --listen.port=<new-port>" in process.log
    assert "Traceback" not in process.log


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--listen.port=none"], 2, "listen.port: "),
        (["--listen.port=70000"], 2, "listen.port: "),
        (["--listen.address=203.0.113.9"], 1, "Address 203.0.113.9 is none of this machine"),
        (["--listen.address=no.such.host.invalid"], 1, "Address no.such.host.invalid is not known"),
        (["--listen.unix=no/such/folder/sock"], 1, "Make it first"),
        (["--listen.unix=work.py"], 1, "exists and is no socket"),
        (["--listen.unix=" + "x" * 200], 1, "at most 100 characters"),
        (["--listen.drain=soon"], 2, "listen.drain: must be a number"),
        (["--listen.header_timeout=-1"], 2, "listen.header_timeout: must be"),
    ],
)
def test_what_cannot_be_used_is_said(work: Any, options: list[str], code: int, message: str) -> None:
    process = work(*options, listen=False, ready=False)
    assert process.wait() == code, process.log
    assert message in process.log
    assert "Traceback" not in process.log


def test_unix_socket_has_mode_0660_and_goes_with_the_process(work: Any) -> None:
    process = work(unix=True)
    assert process.get("/page").status == 200
    status = Path(process.socket).stat()
    assert (stat.S_ISSOCK(status.st_mode), stat.S_IMODE(status.st_mode)) == (True, 0o660)
    assert process.stop() == 0
    assert not list(Path(process.socket).parent.glob("*http*"))


def test_stale_unix_socket_is_replaced(work: Any, short_folder: Any) -> None:
    path = short_folder / "sock"
    listening(str(path), socket.AF_UNIX).close()
    process = work(f"--listen.unix={path}", listen=False)
    process.socket = str(path)
    assert process.get("/page").status == 200


def test_live_unix_socket_is_refused_and_left_alone(work: Any, short_folder: Any) -> None:
    path = short_folder / "sock"
    with listening(str(path), socket.AF_UNIX):
        process = work(f"--listen.unix={path}", listen=False, ready=False)
        assert process.wait() == 1
        assert f"{path} is in use by another process" in process.log
        assert path.exists()


def test_unix_socket_of_a_successor_is_left_alone(work: Any, short_folder: Any) -> None:
    path = short_folder / "sock"
    first = work(f"--listen.unix={path}", listen=False)
    path.unlink()
    second = work(f"--listen.unix={path}", listen=False)
    assert first.stop() == 0
    second.socket = str(path)
    assert second.get("/page").status == 200


def is_settled(process: Any) -> bool:
    process.notify.poll(0.05)
    return "READY=1" in process.notify.messages or process.process.poll() is not None


def test_of_many_that_start_at_once_one_gets_the_unix_socket(work: Any, short_folder: Any) -> None:
    path = short_folder / "sock"
    processes = [work(f"--listen.unix={path}", listen=False, ready=False) for _ in range(4)]
    ends = []
    for process in processes:
        process.wait_for(lambda process=process: is_settled(process))
        ends.append(process.process.poll())
    assert sorted(ends, key=str) == [1, 1, 1, None]


def test_several_inherited_sockets(work_on: Any, short_folder: Any) -> None:
    with (
        listening(("127.0.0.1", 0)) as first,
        listening(("127.0.0.1", 0)) as second,
        listening(str(short_folder / "sock"), socket.AF_UNIX) as third,
    ):
        process = work_on([first, second, third])
        for place in ({"port": first.getsockname()[1]}, {"port": second.getsockname()[1]}):
            process.port = place["port"]
            assert process.get("/page").status == 200
        process.socket = str(short_folder / "sock")
        assert process.get("/page").status == 200
        assert process.stop() == 0
        assert (short_folder / "sock").exists(), "it belongs to the manager"


def test_inherited_socket_keeps_connections_for_the_next_process(work_on: Any) -> None:
    with listening(("127.0.0.1", 0)) as sock:
        first = work_on([sock])
        assert first.stop() == 0
        waiting = socket.create_connection(sock.getsockname(), 20)
        waiting.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        second = work_on([sock])
        assert waiting.makefile("rb").read().endswith(f"page of {second.pid}".encode())
        waiting.close()


def test_a_shared_socket_that_another_process_makes_blocking(work_on: Any) -> None:
    with listening(("127.0.0.1", 0)) as sock:
        process = work_on([sock])
        kept = http.client.HTTPConnection(*sock.getsockname(), timeout=10)
        for _ in range(2):
            sock.setblocking(True)  # as systemd does for each further service that is given the socket
            with socket.create_connection(sock.getsockname(), timeout=10):
                kept.request("GET", "/page")  # after the connection: the loop has taken it, and must not wait for more
                assert kept.getresponse().read().endswith(f"page of {process.pid}".encode())
        kept.close()


def test_listen_fds_for_another_process_is_ignored(work: Any) -> None:
    process = work(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert process.get("/page").status == 200


def test_inherited_descriptor_that_does_not_listen(work_on: Any) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        process = work_on([sock], ready=False)
        assert process.wait() == 1
    assert "descriptor 3 does not listen" in process.log


def test_without_standard_input_and_output(work: Any) -> None:
    launch = [sys.executable, "-c", "import os,sys\nos.close(0)\nos.execv(sys.executable, sys.argv[1:])"]
    process = work(command=[*launch, sys.executable, "-m", "gramex"])
    assert process.get("/page").status == 200
    assert process.stop() == 0
