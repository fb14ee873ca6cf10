"""Starts real ``python -m gramex`` processes for tests and talks to them over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookies import SimpleCookie
from json import dumps, loads
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import yaml

BOUND = 20.0  # seconds that any single wait may take on a busy machine; a pass never depends on it


class Answer(NamedTuple):
    """What came back: header names are matched without regard to case, ``all(name)`` lists repeated ones."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return loads(self.body)

    def all(self, name: str) -> list[str]:
        return self.headers.get_all(name) or []


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a UNIX socket."""

    def __init__(self, path: str, timeout: float = BOUND):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Notify:
    """The other end of ``NOTIFY_SOCKET``: collects what a service tells its manager, in order."""

    def __init__(self, folder: Path):
        self.path = folder / "notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.messages: list[str] = []

    def poll(self, seconds: float = 0) -> bool:
        """Receive all datagrams that are there, waiting ``seconds`` for the first; True if one came."""
        got = False
        self.sock.settimeout(seconds or 1e-6)
        while True:
            try:
                self.messages += self.sock.recv(4096).decode().splitlines()
            except (TimeoutError, BlockingIOError):
                return got
            got = True
            self.sock.settimeout(1e-6)

    def close(self) -> None:
        self.sock.close()


class Browser:
    """Keeps cookies between requests and follows nothing by itself: redirects are for the test to see."""

    def __init__(self, process: Gramex):
        self.process = process
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **kwargs: Any) -> Answer:
        headers = dict(kwargs.pop("headers", None) or {})
        if self.cookies:
            headers.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        answer = self.process.request(method, path, headers=headers, **kwargs)
        for line in answer.all("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.coded_value
                else:
                    self.cookies.pop(name, None)
        return answer

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, data: Mapping[str, Any] | str | bytes | None = None, **kwargs: Any) -> Answer:
        return self.request("POST", path, data=data, **kwargs)


class Gramex:
    """One running ``python -m gramex``.

    ``url`` is its address without a final slash ('' on a UNIX socket), ``port`` or ``socket`` where it listens,
    ``folder`` the app, ``data`` its ``$GRAMEXDATA``, ``log`` everything that it printed so far, ``notify`` what it
    told its service manager.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, data: Path, output: Path, notify: Notify):
        self.process, self.folder, self.data, self.output, self.notify = process, folder, data, output, notify
        self.open: list[Any] = []
        self.port: int | None = None
        self.socket: str = ""
        self.url = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_ready(self, timeout: float = BOUND) -> None:
        """Return once the process said READY=1; fail with its output when it ends or takes longer."""

        def is_ready() -> bool:
            self.notify.poll(0.05)
            return "READY=1" in self.notify.messages

        self.wait_for(is_ready, timeout, "ready")

    def wait_for(self, condition: Callable[[], Any], timeout: float = BOUND, what: str = "what was expected") -> Any:
        """Poll ``condition`` until it is true; fail when ``timeout`` passes or the process ends first."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            if self.process.poll() is not None and not condition():
                pytest.fail(f"gramex ended with {self.process.returncode} before {what}:\n{self.log}")
            if time.monotonic() > end:
                pytest.fail(f"gramex: no sign of {what} in {timeout} s:\n{self.log}")
            time.sleep(0.01)
        return value

    def wait_log(self, text: str, timeout: float = BOUND) -> None:
        """Return once ``text`` was printed."""
        self.wait_for(lambda: text in self.log, timeout, f"{text!r} in the log")

    def kill(self, number: int) -> None:
        """Send a signal and return at once."""
        self.process.send_signal(number)

    def wait(self, timeout: float = BOUND) -> int:
        """Wait for the process to end; its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"gramex did not end in {timeout} s:\n{self.log}")

    def stop(self, number: int = signal.SIGTERM, timeout: float = BOUND) -> int:
        """Send a signal, wait for the end, return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(timeout)

    def connection(self, timeout: float = BOUND) -> http.client.HTTPConnection:
        """A keep-alive HTTP connection of the standard library. The end of the test closes it."""
        if self.socket:
            self.open.append(UnixConnection(self.socket, timeout))
        else:
            self.open.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout))
        return self.open[-1]

    def request(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        timeout: float = BOUND,
    ) -> Answer:
        """One request on a connection of its own. A mapping in ``data`` is sent as a form, ``json`` as JSON."""
        headers = dict(headers or {})
        body: bytes | None = None
        if json is not None:
            body = dumps(json).encode()
            headers.setdefault("Content-Type", "application/json")
        elif isinstance(data, Mapping):
            body = urlencode(data, doseq=True).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif data is not None:
            body = data.encode() if isinstance(data, str) else data
        with contextlib.closing(self.connection(timeout)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.reason, response.msg, response.read())

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, data: Mapping[str, Any] | str | bytes | None = None, **kwargs: Any) -> Answer:
        return self.request("POST", path, data=data, **kwargs)

    def browser(self) -> Browser:
        """A client that keeps cookies."""
        return Browser(self)

    def connect(self, timeout: float = BOUND) -> socket.socket:
        """A plain connected socket. The end of the test closes it."""
        if not self.socket:
            self.open.append(socket.create_connection(("127.0.0.1", self.port or 0), timeout))
            return self.open[-1]
        sock = socket.socket(socket.AF_UNIX)
        self.open.append(sock)
        sock.settimeout(timeout)
        sock.connect(self.socket)
        return sock

    def raw(self, data: bytes, timeout: float = BOUND) -> bytes:
        """Send bytes as they are, and read until the other side closes (or nothing came for ``timeout`` seconds)."""
        with self.connect(timeout) as sock:
            sock.sendall(data)
            received = b""
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while chunk := sock.recv(65536):
                    received += chunk
            return received

    def close(self) -> None:
        """Close all connections and end the process, politely first."""
        for connection in self.open:
            connection.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.notify.close()


def free_port() -> int:
    """A TCP port that nobody used a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a mapping of relative path to content below ``folder``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for the 107 bytes of a UNIX socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="gx", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def starter(base: Path, short_folder: Path) -> Iterator[Callable[..., Gramex]]:
    """Start an app: ``serve({'url': {...}}, {'page.html': '...'}, '--listen.drain=1')`` gives a ready ``Gramex``.

    ``conf`` is a mapping, the text of ``gramex.yaml``, or None for none. ``files`` are written beside it. Options go
    to the command line. ``unix=True`` listens on a UNIX socket instead of a free port of 127.0.0.1. ``listen=False``
    passes no address at all. ``ready=False`` returns at once. ``folder`` and ``data`` let several processes share
    them. ``env`` is added to a small environment (None removes a name). ``command`` replaces
    ``[python, '-m', 'gramex']``. Everything is ended and removed afterwards.
    """
    started: list[Gramex] = []

    def start(
        conf: Mapping[str, Any] | str | None = None,
        files: Mapping[str, str | bytes] | None = None,
        *options: str,
        unix: bool = False,
        listen: bool = True,
        ready: bool = True,
        folder: Path | None = None,
        data: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        command: list[str] | None = None,
        **popen: Any,
    ) -> Gramex:
        number = len(started)
        folder = folder or base / f"app{number or ''}"
        data = data or base / f"data{number or ''}"
        run = short_folder / str(number)
        run.mkdir()
        folder.mkdir(parents=True, exist_ok=True)
        if conf is not None:
            text = conf if isinstance(conf, str) else yaml.safe_dump(dict(conf), sort_keys=False, allow_unicode=True)
            (folder / "gramex.yaml").write_text(text, encoding="utf-8")
        write_files(folder, files or {})
        notify = Notify(run)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(base),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "GRAMEXDATA": str(data),
            "NOTIFY_SOCKET": str(notify.path),
        } | dict(env or {})
        arguments = list(options)
        port, path = None, ""
        if listen and unix:
            path = str(run / "http")
            arguments.append(f"--listen.unix={path}")
        elif listen:
            port = free_port()
            arguments += [f"--listen.port={port}", "--listen.address=127.0.0.1"]
        output = run / "output"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [*(command or [sys.executable, "-m", "gramex"]), *arguments],
                cwd=folder,
                env={name: value for name, value in environ.items() if value is not None},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                **popen,
            )
        gramex = Gramex(process, folder, data, output, notify)
        gramex.port, gramex.socket, gramex.url = port, path, f"http://127.0.0.1:{port}" if port else ""
        started.append(gramex)
        if ready:
            gramex.wait_ready()
        return gramex

    try:
        yield start
    finally:
        for gramex in started:
            gramex.close()


@pytest.fixture
def serve(tmp_path: Path, short_folder: Path) -> Iterator[Callable[..., Gramex]]:
    """`starter` for one test."""
    with starter(tmp_path, short_folder) as start:
        yield start


@pytest.fixture(scope="module")
def serve_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gramex]]:
    """`starter` for all tests of a module, where they only look at one app from many sides."""
    short = Path(tempfile.mkdtemp(prefix="gx", dir="/tmp"))
    with starter(tmp_path_factory.mktemp("module"), short) as start:
        yield start
    shutil.rmtree(short, ignore_errors=True)
