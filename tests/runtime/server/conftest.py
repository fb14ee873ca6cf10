"""An app that is slow, big, broken or blocking on demand, and sockets that processes inherit."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORK = """
import asyncio, os, time
from gramex.handlers.base import BaseHandler

class Page(BaseHandler):
    def get(self):
        self.write(f"page of {os.getpid()}")
    def post(self):
        self.write(self.request.body)

class Slow(BaseHandler):
    async def get(self):
        with open("began", "a") as stream:
            stream.write("slow ")
        await asyncio.sleep(float(self.get_query_argument("s")))
        self.write("slow page")

class Parts(BaseHandler):
    async def get(self):
        for part in range(int(self.get_query_argument("n"))):
            self.write(f"part {part} ")
            await self.flush()
            await asyncio.sleep(0.1)

class Events(BaseHandler):
    async def get(self):
        self.set_header("Content-Type", self.get_query_argument("type", "text/event-stream"))
        while True:
            self.write("data: here\\n\\n")
            await self.flush()
            await asyncio.sleep(0.05)

class Big(BaseHandler):
    def get(self):
        self.write(b"x" * int(self.get_query_argument("n")))

class Sick(BaseHandler):
    def get(self):
        raise ValueError("the database is gone")

class Block(BaseHandler):
    def get(self):
        with open("began", "a") as stream:
            stream.write("block ")
        time.sleep(float(self.get_query_argument("s")))
"""

SOCKET = {
    "pattern": "/socket",
    "handler": "WebSocketHandler",
    "kwargs": {"on_message": "handler.write_message('echo ' + message)"},
}
CONF: dict[str, Any] = {
    "app": {"settings": {"xsrf_cookies": False}},
    "url": {"default": None, "favicon": None}
    | {
        name: {"pattern": f"/{name}", "handler": f"work.{name.capitalize()}"}
        for name in ("page", "slow", "parts", "events", "big", "sick", "block")
    }
    | {"socket": SOCKET},
}

# Puts the descriptors named by the first argument at 3, 4, ... as a service manager does, and becomes the command.
LAUNCH = """
import fcntl, os, sys
numbers = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 30) for number in sys.argv[1].split(",")]

for place, number in enumerate(numbers, 3):
    os.dup2(number, place, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)))
os.execv(sys.executable, [sys.executable, "-m", "gramex", *sys.argv[2:]])
"""


@pytest.fixture
def work(serve: Callable[..., Any]) -> Callable[..., Any]:
    """``work('--listen.drain=1', ...)`` starts the app; its options and keywords are those of ``serve``."""

    def start(*options: str, conf: Any = CONF, **kwargs: Any) -> Any:
        return serve(conf, {"work.py": WORK}, *options, **kwargs)

    return start


@pytest.fixture
def work_on(work: Callable[..., Any]) -> Callable[..., Any]:
    """``work_on([socket, ...], '--listen.drain=1')`` starts the app on listening sockets of the test."""

    def start(sockets: list[socket.socket], *options: str, **kwargs: Any) -> Any:
        numbers = [sock.fileno() for sock in sockets]
        command = [sys.executable, "-c", LAUNCH, ",".join(map(str, numbers))]
        process = work(*options, listen=False, command=command, pass_fds=numbers, **kwargs)
        first = sockets[0].getsockname()
        if isinstance(first, tuple):
            process.port, process.url = first[1], f"http://127.0.0.1:{first[1]}"
        else:
            process.socket = first
        return process

    return start


class Certificate:
    """A self-signed certificate and its key, beside the app that `work` starts first."""

    def __init__(self, folder: Path, name: str):
        self.path, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self.options = [f"--listen.ssl_options.certfile={name}.crt", f"--listen.ssl_options.keyfile={name}.key"]
        folder.mkdir(exist_ok=True)
        new = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        run = {"check": True, "capture_output": True, "timeout": 60}
        subprocess.run([*new, "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.path], **run)  # type: ignore[call-overload]
        locked = ["openssl", "ec", "-in", self.key, "-aes128", "-passout", "pass:x", "-out", folder / "locked.key"]
        subprocess.run(locked, **run)  # type: ignore[call-overload]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate for the first process of a test."""
    return Certificate(tmp_path / "app", "tls")


@pytest.fixture
def other_certificate(tmp_path: Path) -> Certificate:
    """Another one, in the same folder."""
    return Certificate(tmp_path / "app", "other")
