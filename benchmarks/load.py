"""Loads a server and reports how fast it answered: wrk where it is installed, else a client of our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

CONNECTIONS = 16
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Speed:
    """What a run measured.

    `answers` and `seconds` by the clock, `p99` in milliseconds, `failed` answers, and `cpu`, the seconds that the
    server computed: answers per such second are what a core of its own gives, whatever else this machine does.
    """

    answers: int
    seconds: float
    p99: float
    failed: int
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second, by the clock."""
        return self.answers / self.seconds

    @property
    def worth(self) -> float:
        """Answers per second of the server's own computing."""
        return self.answers / self.cpu


def tool() -> str:
    """Return the name of what makes the load."""
    return "wrk" if shutil.which("wrk") else "own client"


def load(url: str, seconds: float, status: int = 200, cookie: str = "", core: int | None = 1) -> Speed:
    """Ask for a URL again and again on 16 connections for some seconds; `status` is what the answer must have."""
    if shutil.which("wrk"):
        return _wrk(url, seconds, status, cookie, core)
    return asyncio.run(_own(url, seconds, status, cookie))


def _wrk(url: str, seconds: float, status: int, cookie: str, core: int | None) -> Speed:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency", url]
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    output = subprocess.run(  # noqa: S603  our own command
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        preexec_fn=(lambda: os.sched_setaffinity(0, {core})) if core is not None else None,
    ).stdout
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", output)
    total = re.search(r"(\d+) requests in ([\d.]+)s", output)
    if not p99 or not total:
        raise RuntimeError(f"wrk said nothing that is known:\n{output}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    not_good = int(bad[1]) if bad else 0
    failed = (not_good if status < 400 else int(total[1]) - not_good) + sum(map(int, errors.groups() if errors else ()))
    return Speed(int(total[1]), float(total[2]), float(p99[1]) * UNITS[p99[2]], failed)


async def _own(url: str, seconds: float, status: int, cookie: str) -> Speed:
    place, _, path = url.removeprefix("http://").partition("/")
    host, _, port = place.partition(":")
    header = f"Cookie: {cookie}\r\n" if cookie else ""
    request = f"GET /{path} HTTP/1.1\r\nHost: {place}\r\n{header}\r\n".encode()
    times: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**21)
        with contextlib.closing(writer):
            while (begin := time.perf_counter()) < end:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                failed += head.split(b" ", 2)[1] != b"%d" % status
                times.append(time.perf_counter() - begin)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    times.sort()
    return Speed(len(times), seconds, times[int(len(times) * 0.99)] * 1000, failed)
