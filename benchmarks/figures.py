"""The figures that are no ratio of speeds: start, memory, size, processes."""

from __future__ import annotations

import re
import socket
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path

from load import load
from server import Server, bare, gramex

STARTS = 7
SOCKETS = 10_000
REQUESTS = 200_000
HANDSHAKE = (
    b"GET /socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MIX = ("/files/1k.txt", "/list", "/rows?factor=3", "/files/none.txt", "/private")


def start_times(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Seconds from the start of the process to the first 200, also beyond what bare Tornado takes.

    On a machine that does other work the quickest start by the clock is still too long; what the process computed until
    then is not.
    """
    clock: dict[str, list[float]] = {"tornado": [], "gramex": []}
    computed: dict[str, list[float]] = {"tornado": [], "gramex": []}
    for _ in range(STARTS):
        for make in (bare, gramex):
            with make(folder, core=None) as server:
                clock[server.name].append(server.wait_for("/files/1k.txt"))
                computed[server.name].append(server.cpu())
    ours, peer = statistics.median(computed["gramex"]), statistics.median(computed["tornado"])
    yield "start to first 200, computing", ours, 0.25, "s"
    yield "the same beyond Tornado's", ours - peer, 0.12, "s"
    yield "start to first 200, by clock", min(clock["gramex"]), max(0.25, min(clock["tornado"]) + 0.12), "s"


def idle_memory(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Resident memory after the first request."""
    with gramex(folder) as server:
        server.wait_for("/files/1k.txt")
        yield "idle memory", server.memory(), 45, "MiB"


def installed(name: str, seen: set[str]) -> int:
    """Return the bytes of the files of a distribution and of what it needs; nothing that was counted already."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in seen:
        return 0
    seen.add(name)
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:  # not needed on this platform
        return 0
    places = [Path(str(file.locate())) for file in found.files or () if ".." not in file.parts]
    size = sum(place.stat().st_size for place in places if place.is_file() and place.suffix != ".pyc")
    for requirement in found.requires or ():
        if "extra ==" not in requirement:
            size += installed(re.split(r"[^A-Za-z0-9._-]", requirement)[0], seen)
    return size


def sizes(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Size of the installed files, without bytecode."""
    import gramex as package

    seen: set[str] = set()
    own = sum(
        path.stat().st_size
        for path in Path(str(package.__file__)).parent.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    base = own + sum(installed(name, seen) for name in ("tornado", "PyYAML", "argon2-cffi", "mistune"))
    yield "base install", base / 2**20, 15, "MiB"
    yield "install with speed", (base + installed("uvloop", seen)) / 2**20, 25, "MiB"


def websockets(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Memory with idle websockets."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = SOCKETS if hard == resource.RLIM_INFINITY or hard > SOCKETS + 200 else hard - 200
    with ExitStack() as stack:
        server = stack.enter_context(gramex(folder, None))
        server.wait_for("/files/1k.txt")
        for number in range(count):
            # One address of our own has fewer ports than that to connect from.
            sock = socket.create_connection(("127.0.0.1", server.port), 10, (f"127.0.0.{2 + number % 50}", 0))
            stack.callback(sock.close)
            sock.sendall(HANDSHAKE)
            if not sock.recv(1024).startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"websocket {number} was refused")
        yield f"{count} idle websockets", server.memory(), 600 * count / SOCKETS, "MiB"


def growth(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Growth of memory over mixed requests, after as many of each kind as fill what is kept on purpose."""
    with gramex(folder) as server:
        server.wait_for("/files/1k.txt")
        cookie = server.log_in()

        def send(count: int) -> None:
            sent = 0
            while sent < count:
                for path in MIX:
                    status = 404 if "none" in path else 200
                    sent += load(url(server, path), 2, status, cookie).answers

        send(REQUESTS // 10)
        before = server.memory()
        send(REQUESTS)
        yield f"growth over {REQUESTS} requests", server.memory() - before, 2, "MiB"


def processes(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Answers a second of two processes that share a socket, beside one: the load then shares their cores."""
    rates: list[float] = []
    for count in (1, 2):
        with shared(folder, count) as server:
            load(url(server, "/rows?factor=3"), 1, core=None)
            rates.append(statistics.median(load(url(server, "/rows?factor=3"), 3, core=None).rate for _ in range(3)))
    yield "2 processes, times one", rates[1] / rates[0], -1.4, ""


@contextmanager
def shared(folder: Path, count: int) -> Iterator[Server]:
    """Run processes on one listening socket."""
    with socket.socket() as sock, ExitStack() as stack:
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        number = sock.fileno()
        code = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); "
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
            "os.execv(sys.executable, [sys.executable, '-m', 'gramex'])"
        )
        servers = []
        for _ in range(count):
            server = gramex(folder, None)
            server.command, server.port = [sys.executable, "-c", code, str(number)], sock.getsockname()[1]
            server.inherited = (number,)
            servers.append(stack.enter_context(server))
        for server in servers:
            server.wait_log("listening")
        yield servers[0]


def url(server: Server, path: str) -> str:
    """Return the URL of a path."""
    return f"http://127.0.0.1:{server.port}{path}"


FIGURES: tuple[Callable[[Path], Iterator[tuple[str, float, float, str]]], ...] = (
    start_times, idle_memory, sizes, processes, websockets, growth,
)  # fmt: skip


def table(folder: Path, only: str) -> bool:
    """Print the figures whose function's name has a word; False if one misses what is wanted."""
    good = True
    for figure in FIGURES:
        if only and only not in figure.__name__:
            continue
        for name, value, wanted, unit in figure(folder):
            fits = value >= -wanted if wanted < 0 else value <= wanted
            good &= fits
            limit = f"at least {-wanted:g}" if wanted < 0 else f"at most {wanted:g}"
            print(f"{name:32} {value:8.2f} {unit:4} ({limit}) {'' if fits else ' missed'}", flush=True)
    return good
