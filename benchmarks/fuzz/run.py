"""``make fuzz``: many requests, most of them malformed, against a real server that runs every kind of handler.

    python benchmarks/fuzz/run.py [--requests 200000] [--seed 1] [--seconds 3600] [--only NUMBER]

Fails on a 5xx that the app does not mean, an answer that does not come, a traceback in the log, the content of a file
that must be refused, or memory that grows. A finding names its number: `--only` sends that request alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import app
from exchange import BOUND, Answer, Client, Hang, backend
from generate import Generator, Request

CLIENTS = 64  # most of them wait: for what comes after bytes that may be no request
CHECK = 1000  # requests between two looks at memory and log
WARM = 2000  # requests after which memory should not grow
GROWTH = 24.0  # MiB
MOST_FINDINGS = 10
ALIVE = Request(0, b"GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n", True)
ABSENT, DOWN = 501, 599  # a handler that the runtime does not have, a backend that is down


class Fuzz:
    """One run against one server. `findings` are what is wrong, in words."""

    def __init__(self, folder: Path, requests: Iterator[Request], pid: int):
        """`folder` has the app and the socket."""
        self.folder, self.requests, self.pid = folder, requests, pid
        self.path = str(folder / "http")
        self.findings: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.sizes: list[float] = []  # MiB
        self.log_read = 0

    def found(self, what: str, request: Request) -> None:
        """Note what is wrong."""
        self.findings.append(f"{what}: request {request.number}: {request.data[:600]!r}")

    async def work(self) -> None:
        """Send requests until there are no more."""
        client = Client(self.path)
        for request in self.requests:
            if len(self.findings) >= MOST_FINDINGS:
                break
            try:
                answer = await client.ask(request)
            except Hang as error:
                self.found(str(error), request)
                continue
            except OSError as error:
                self.found(f"the server is not there: {error}", request)
                break
            self.statuses[answer.status] += 1
            self.check(request, answer)
            if request.number % CHECK == 0:
                await self.look(request)
        client.close()

    def check(self, request: Request, answer: Answer) -> None:
        """Look at an answer."""
        meant = answer.reason == app.RAISED or answer.status in (ABSENT, DOWN)
        if answer.status >= 500 and not meant:
            self.found(f"{answer.status} {answer.reason}", request)
        if answer.status == 0 and request.deserves_answer:
            self.found("closed without an answer", request)
        for part in (answer.header, answer.plain):
            if app.CANARY.encode() in part or b"root:x:" in part:
                self.found("a file that must be refused", request)
            if str(self.folder).encode() in part:
                self.found("the place of the app on the server", request)
        if b"\r\nX-Injected" in answer.header:
            self.found("an injected header", request)

    async def look(self, request: Request) -> None:
        """See that the server is well: it answers, its log has no traceback, its memory does not grow."""
        client = Client(self.path)
        try:
            if (await client.ask(ALIVE)).body != b"alive":
                self.found("no good answer at /alive after", request)
        except (Hang, OSError) as error:
            self.found(f"/alive: {error} after", request)
        client.close()
        self.read_log(request)
        with contextlib.suppress(FileNotFoundError):
            if request.number >= WARM:
                self.sizes.append(memory(self.pid))

    def read_log(self, request: Request) -> None:
        """Find tracebacks in what the server printed since the last time."""
        with (self.folder / "output").open("rb") as file:
            file.seek(self.log_read)
            text = file.read()
            self.log_read = file.tell()
        if b"Traceback" in text:
            begin = text.index(b"Traceback")
            self.found(
                f"a traceback:\n{text[max(0, begin - 300) : begin + 2500].decode(errors='replace')}\nup to", request
            )


def memory(pid: int) -> float:
    """Return the resident memory of a process, MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def limited(seed: int, count: int, end: float, only: int) -> Iterator[Request]:
    """Return `count` requests, or as many as fit before the time `end`; `only` the one of that number, if not 0."""
    for request in Generator(seed):
        if request.number > max(count, only) or time.monotonic() > end:
            return
        if not only or request.number == only:
            yield request


async def run(folder: Path, requests: Iterator[Request]) -> tuple[Fuzz, int]:
    """Start the app, send the requests, stop it. Returns what was found, and the exit code of the server.

    Raises:
        RuntimeError: the app does not start.
    """
    server = await asyncio.start_server(backend, "127.0.0.1", 0)
    app.write(folder, server.sockets[0].getsockname()[1])
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220, S603  our own command; nothing else runs yet
            [sys.executable, "-m", "gramex", f"--listen.unix={folder / 'http'}", "--listen.drain=1"],
            cwd=folder / "app",
            env={**os.environ, "GRAMEXDATA": str(folder / "data"), "PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await ready(folder, process)
        fuzz = Fuzz(folder, requests, process.pid)
        await asyncio.gather(*(fuzz.work() for _ in range(CLIENTS)))
        await fuzz.look(ALIVE)
        process.terminate()
        code = await asyncio.to_thread(process.wait, BOUND)
        fuzz.read_log(ALIVE)
        return fuzz, code
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        server.close()


async def ready(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    end = time.monotonic() + BOUND
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if (await Client(str(folder / "http")).ask(ALIVE)).status == 200:
                return
        await asyncio.sleep(0.02)
    raise RuntimeError(f"the app does not start:\n{(folder / 'output').read_text()[-3000:]}")


def main() -> int:
    """Fuzz; 1 if something was found."""
    parser = argparse.ArgumentParser(description="Malformed requests against every kind of handler")
    parser.add_argument("--requests", type=int, default=200_000, help="how many (200000)")
    parser.add_argument("--seed", type=int, default=1, help="what decides about all requests (1)")
    parser.add_argument("--seconds", type=float, default=3600, help="no requests are sent after that time (3600)")
    parser.add_argument("--only", type=int, default=0, metavar="NUMBER", help="send that request alone")
    arguments = parser.parse_args()
    began = time.monotonic()
    requests = limited(arguments.seed, arguments.requests, began + arguments.seconds, arguments.only)
    with tempfile.TemporaryDirectory(prefix="gx-fuzz-") as name:
        fuzz, code = asyncio.run(run(Path(name), requests))
    sent, seconds = sum(fuzz.statuses.values()), time.monotonic() - began
    if code:
        fuzz.findings.append(f"the server ended with {code}")
    grown = max(fuzz.sizes) - fuzz.sizes[0] if fuzz.sizes else 0.0
    if grown > GROWTH:
        fuzz.findings.append(f"memory grew by {grown:.0f} MiB: {', '.join(f'{each:.0f}' for each in fuzz.sizes[::10])}")
    statuses = ", ".join(f"{status or 'closed'}: {count}" for status, count in sorted(fuzz.statuses.items()))
    print(f"seed {arguments.seed}: {sent} requests in {seconds:.0f} s, memory +{grown:.1f} MiB; {statuses}")
    for finding in fuzz.findings:
        print(finding)
    return 1 if fuzz.findings else 0


if __name__ == "__main__":
    sys.exit(main())
