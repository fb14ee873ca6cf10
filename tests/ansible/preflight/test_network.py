"""Names, ports and ways out, as the host and the controller find them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from gramex_preflight import addresses, doors, look, names, outbound, reach
from gramex_preflight.together import together

LIBRARY = Path(doors.__file__).parents[1]
HOLD = """
import sys
sys.path.insert(0, {library!r})
from gramex_preflight import doors
print(*doors.hold({ports}, "the-token"))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def test_what_takes_too_long_is_left_behind() -> None:
    release = threading.Event()
    found = together(lambda item: item * 2 if item < 3 else release.wait(60), [1, 2, 3, 2], 1)
    assert found == {1: 2, 2: 4}
    release.set()


def test_ways_out() -> None:
    closed = free_port()
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        found = outbound.tried(
            [f"127.0.0.1:{port}", f"127.0.0.1:{closed}", "nowhere.invalid:25", f"[::ffff:127.0.0.1]:{port}"]
        )
    assert found[f"127.0.0.1:{port}"] == found[f"[::ffff:127.0.0.1]:{port}"] == ""
    assert found[f"127.0.0.1:{closed}"] == "Connection refused"
    assert found["nowhere.invalid:25"] != ""


def test_a_way_out_that_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "SECONDS", 0.2)
    monkeypatch.setattr(outbound, "_try", lambda place: time.sleep(60))
    assert outbound.tried(["slow:1", "slow:2"]) == dict.fromkeys(["slow:1", "slow:2"], "no answer within 0 s")


def test_ports_are_held_open_until_they_are_let_go() -> None:
    wanted, closed = free_port(), free_port()
    with socket.create_server(("", 0)) as other:
        taken = other.getsockname()[1]
        script = HOLD.format(library=str(LIBRARY), ports=[wanted, taken])
        # As Ansible does, wait until nobody holds the pipe: the process that goes on must not.
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=15, check=True)
        *held, process = done.stdout.replace("[", "").replace("]", "").split()
        try:
            assert held == [str(wanted)]
            assert reach.tried("127.0.0.1", [wanted, taken], [wanted], "the-token") == {wanted: "", taken: ""}
            # Somebody else answers there, or nobody does.
            assert reach.tried("127.0.0.1", [wanted, closed], [wanted], "another") == {
                wanted: "something else than this host answers",
                closed: "Connection refused",
            }
        finally:
            os.kill(int(process), signal.SIGTERM)
    assert comes_free(wanted)


def test_what_a_killed_run_holds_open_is_in_nobodys_way() -> None:
    wanted = free_port()
    script = HOLD.format(library=str(LIBRARY), ports=[wanted])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=15, check=True)
    process = int(done.stdout.split()[-1])
    name = Path(f"/proc/{process}/comm")
    end = time.monotonic() + 20
    while name.read_text() != "gramex-doors\n" and time.monotonic() < end:
        time.sleep(0.02)
    other = {"program": "apache2", "pid": 1, "user": "root"}
    held = {"program": name.read_text().strip(), "pid": process, "user": "root"}
    assert doors.left({str(wanted): [held], "80": [other, held], "81": []}) == {"80": [other], "81": []}
    assert comes_free(wanted)


def comes_free(port: int) -> bool:
    """Whether a port can be had again, with a process that ends meanwhile."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_server(("", port)).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def test_no_port_to_hold() -> None:
    with socket.create_server(("", 0)) as other:
        assert doors.hold([other.getsockname()[1]], "t") == ([], 0)
    assert doors.hold([], "t") == ([], 0)


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:  # what says nothing, though it takes connections
        port = door.getsockname()[1]
        assert reach.tried("127.0.0.1", [port], [port], "t") == {port: "something else than this host answers"}


def test_names() -> None:
    found = names.resolved(["localhost", "nowhere.invalid", "127.0.0.1"])
    assert "127.0.0.1" in found["localhost"] or "::1" in found["localhost"]
    assert found["127.0.0.1"] == ["127.0.0.1"]
    assert found["nowhere.invalid"] == []


def test_own_addresses(tmp_path: Path) -> None:
    four = tmp_path / "fib_trie"
    four.write_text(
        "Local:\n  +-- 0.0.0.0/0 2 0 2\n     |-- 10.1.2.0\n        /24 link UNICAST\n     |-- 10.1.2.3\n"
        "        /32 host LOCAL\n     |-- 10.1.2.255\n        /32 link BROADCAST\n"
    )
    six = tmp_path / "if_inet6"
    six.write_text("20010db8000000000000000000000005 02 40 00 80 eth0\n")
    assert addresses.own(str(four), str(six)) == ["10.1.2.3", "2001:db8::5"]
    assert addresses.own(str(tmp_path / "none"), str(tmp_path / "none")) == []
    assert "127.0.0.1" in addresses.own()


@pytest.mark.parametrize(("now", "off"), [(99.0, -1.0), (100.0, 0.0), (104.0, 0.0), (107.5, 2.5)])
def test_clock_while_asking_takes_time(now: float, off: float) -> None:
    assert look.off(now, 100.0, 105.0) == off
