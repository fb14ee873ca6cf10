"""The module that looks at a host, against this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import gramex_preflight
import pytest

FILE = Path(__file__).resolve().parents[3] / "ansible" / "plugins" / "modules" / "gramex_host.py"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, as Python."""
    monkeypatch.setitem(sys.modules, "ansible.module_utils.gramex_preflight", gramex_preflight)
    spec = importlib.util.spec_from_file_location("gramex_host", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in list(os.environ):
        if name.upper().startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return module


@pytest.fixture
def web() -> Iterator[str]:
    """A web server that answers with the status in the path: /503/pip/ with 503."""

    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.split("/")[1]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Status)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://ann:hush@127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_listens(host: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        found = host.listeners()[str(held.getsockname()[1])]
    assert [(entry["pid"], entry["user"]) for entry in found] == [(os.getpid(), host.user_name(os.geteuid()))]
    assert found[0]["program"] == Path("/proc/self/comm").read_text().strip()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_who_listens_on_both_families(host: ModuleType) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as held:
        found = host.listeners()[str(held.getsockname()[1])]
    assert [entry["pid"] for entry in found] == [os.getpid()]


def test_free_space_once_a_file_system(host: ModuleType, tmp_path: Path) -> None:
    found = host.free_mb([str(tmp_path / "not" / "there"), str(tmp_path)])
    assert list(found) == [str(tmp_path / "not" / "there")]
    assert found[str(tmp_path / "not" / "there")] > 0


@pytest.mark.parametrize(("status", "good"), [(200, True), (404, True), (403, True), (503, False), (407, False)])
def test_index_answers(status: int, good: bool, host: ModuleType, web: str) -> None:
    found = host.ask(f"{web}/{status}")
    assert found["ok"] is good
    assert found["error"] == ("" if good else f"HTTP status {status}")
    assert "hush" not in str(found)


def test_index_does_not_answer(host: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert host.ask(f"http://127.0.0.1:{port}/simple") == {
        "url": f"http://127.0.0.1:{port}/simple",
        "ok": False,
        "error": "Connection refused",
    }
    assert not host.ask("https://index.invalid/simple")["ok"]
    assert host.ask("file:///srv/wheels")["ok"]


def test_index_of_pip(host: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PIP_FILES", (str(tmp_path / "one"), str(tmp_path / "two")))
    assert host.package_index(sys.executable) == host.default_index(sys.executable) != ""
    (tmp_path / "one").write_text("[global]\nindex-url = https://one.example/simple\n")
    assert host.package_index(sys.executable) == "https://one.example/simple"
    (tmp_path / "two").write_text("[install]\nindex-url = https://two.example/simple\n")
    assert host.package_index(sys.executable) == "https://two.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://three.example/simple")
    assert host.package_index(sys.executable) == "https://three.example/simple"
    (tmp_path / "two").write_text("[global]\nno-index = true\n")
    assert host.package_index(sys.executable) == ""
    (tmp_path / "two").write_text("no section\n")
    assert host.package_index(sys.executable) == "https://three.example/simple"


def test_indexes_are_asked_where_something_is_missing(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ask", lambda url: url)
    monkeypatch.setattr(host, "system_index", lambda: "system")
    have = {"nginx": True, "venv": True}
    assert list(host.indexes([], {"nginx": False, "venv": False}, True, [sys.executable])) == []
    assert list(host.indexes(["not-deployed"], have, True, [sys.executable])) == ["Python package index"]
    assert len(host.indexes(["not-deployed"], {"nginx": False, "venv": True}, True, [sys.executable])) == 2
    assert len(host.indexes(["not-deployed"], {"nginx": False, "venv": True}, False, [sys.executable])) == 1
    assert len(host.indexes(["not-deployed"], {"nginx": True, "venv": False}, False, [sys.executable])) == 2


def test_system_and_init(host: ModuleType) -> None:
    assert set(host.system()) == {"os", "os_version", "os_name"}
    assert host.init()["init"] in ("systemd", "sysv", "none")
    assert host.init()["boot"] in (True, False)


ASKED = {
    **{"apps": [], "proxy": False, "certificates": {}, "sources": {}},
    **{"network": "never", "outbound": [], "doors": [], "token": "t"},
}


def test_memory(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"/proc/meminfo": "MemTotal: 9999999 kB\nMemAvailable: 2048000 kB\nSwapFree:  1024000 kB\n"}
    monkeypatch.setattr(host, "read", lambda path: told.get(path, ""))
    assert host.memory_mb() == 3000
    told |= {"/sys/fs/cgroup/memory.max": f"{512 * 2**20}\n", "/sys/fs/cgroup/memory.current": f"{500 * 2**20}\n"}
    assert host.memory_mb() == 12
    told["/sys/fs/cgroup/memory.max"] = "max\n"
    assert host.memory_mb() == 3000
    told.clear()
    assert host.memory_mb() is None


@pytest.mark.parametrize(
    ("network", "apps", "proxy", "looked"),
    [
        ("never", ["not-deployed"], True, False),
        ("new", ["not-deployed"], False, True),
        ("new", [], True, True),
        ("new", [], False, False),
        ("always", [], False, True),
    ],
)
def test_the_network_is_looked_at(
    network: str, apps: list[str], proxy: bool, looked: bool, host: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.outbound, "tried", lambda places: dict.fromkeys(places, "tried"))
    monkeypatch.setattr(host.doors, "hold", lambda ports, token: (ports, 42))
    asked = {**ASKED, "network": network, "apps": apps, "proxy": proxy, "outbound": ["a:1"], "doors": [80]}
    packages = {"nginx": False, "venv": True}
    found = host.preflight(asked, packages, 0, {})
    assert found["served"] == []
    assert host.preflight(asked, packages, 0, {"80": []})["served"] == ([80] if looked else [])
    assert (found["network"], found["outbound"]) == (looked, {"a:1": "tried"} if looked else {})
    assert (found["held"], found["process"]) == (([80], 42) if looked else ([], 0))
    assert found["new_apps"] == apps
