"""The examples served on Windows, as services: verified on Wine, not on Windows."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

from gramex.server.life import SELECTABLE
from wine.prefix import Machine, eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FOLDER = "C:\\Müllers Beispiele"
PORTS = {"site": 9101, "api": 9102}


@pytest.fixture(scope="module", autouse=True)
def served(machine: Machine) -> Iterator[None]:
    """Run the examples, from a folder like those of people."""
    for name, port in PORTS.items():
        folder = f"{FOLDER}\\{name}"
        machine.copy(EXAMPLES / name, folder)
        for words in (("install", f"--listen.port={port}"), ("start",)):
            done = machine.gramex("service", *words, f"--name={name}", cwd=folder)
            assert done.code == 0, done
    yield
    for name in PORTS:
        done = machine.gramex("service", "remove", f"--name={name}")
        log = machine.read(f"{FOLDER}\\{name}\\service.log")
        assert done.code == 0, done
        assert not re.search(r"^Traceback", log, re.MULTILINE), log


def test_members_see_their_page_after_the_log_in(machine: Machine) -> None:
    root = f"http://{machine.address}:{PORTS['site']}"
    jar = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
    with browser.open(f"{root}/members", timeout=60) as answer:
        form, url = answer.read().decode(), answer.url
    assert "/login/" in url
    token = re.search(r'name="_xsrf"[^>]*value="([^"]*)"', form)
    assert token
    words = urllib.parse.urlencode({"user": "alpha", "password": "alpha", "_xsrf": token[1]}).encode()
    with browser.open(url, words, timeout=60) as answer:
        assert answer.url == f"{root}/members"
        assert "Welcome back, alpha" in answer.read().decode()
    with browser.open(f"{root}/assets/style.css", timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize(
    "path",
    [
        *("/gramex.yaml", "/GRAMEX.YAML", "/gramex.yaml.", "/gramex.yaml%20", "/gramex.yaml::$DATA"),
        *("/assets/../gramex.yaml", "/assets/..%5Cgramex.yaml", "/assets/..%2Fgramex.yaml"),
        *("/assets/C:%5Cwindows%5Cwin.ini", "/C:/windows/win.ini", "/assets/%5C%5Clocalhost%5CC$%5Cwindows%5Cwin.ini"),
        *("/NUL", "/assets/CON", "/assets/aux.css", "/assets/STYLE~1.CSS", "/service.log"),
    ],
)
def test_what_windows_calls_files_stays_hidden(machine: Machine, path: str) -> None:
    assert machine.get(PORTS["site"], path)[0] in (403, 404)


def test_more_connections_than_windows_can_watch_wait(machine: Machine) -> None:
    def ask() -> socket.socket:
        connection = socket.create_connection((machine.address, PORTS["api"]), 60)
        connection.sendall(b"GET /add?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection

    def answered(connection: socket.socket) -> bool:
        return connection.recv(15) == b"HTTP/1.1 200 OK"

    served = []
    for _ in range(SELECTABLE):
        served.append(ask())
        assert answered(served[-1])
    waiting = [ask() for _ in range(150)]
    eventually(lambda: "Cannot accept connections" in machine.read(f"{FOLDER}\\api\\service.log"))
    for each in served:
        each.close()
    assert all(answered(each) for each in waiting)
    for each in waiting:
        each.close()


def test_all_open_pages_are_told(machine: Machine) -> None:
    url = f"ws://{machine.address}:{PORTS['api']}/live"

    async def talk() -> list[str]:
        one, two = await websocket_connect(url), await websocket_connect(url)
        await one.write_message("good morning, größe ☃")
        heard = [json.loads(await asyncio.wait_for(each.read_message(), 60)) for each in (one, two)]  # type: ignore[arg-type]
        one.close()
        two.close()
        return [each["text"] for each in heard]

    assert asyncio.run(talk()) == ["good morning, größe ☃"] * 2
    assert json.loads(machine.get(PORTS["api"], "/add?x=1&x=2.5")[1])["sum"] == 3.5
