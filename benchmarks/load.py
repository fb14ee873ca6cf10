"""Loads a server and reports how fast it answered: wrk where it is installed, else a client of our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass

CONNECTIONS = 16
# What wrk runs for each request.
SCRIPT = """
local number = 0
request = function()
  number = (number + 1) % {varied}
  return wrk.format("GET", (string.gsub("{path}", "NUMBER", number)))
end
"""
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


def load(url: str, seconds: float, status: int = 200, cookie: str = "", core: int | None = 1, varied: int = 0) -> Speed:
    """Ask for a URL again and again on 16 connections for some seconds; `status` is what the answer must have.

    NUMBER in the URL becomes 0, 1 ... up to `varied`, in turn.
    """
    if shutil.which("wrk"):
        return _wrk(url, seconds, status, cookie, core, varied)
    return asyncio.run(_own(url, seconds, status, cookie, varied))


def _wrk(url: str, seconds: float, status: int, cookie: str, core: int | None, varied: int) -> Speed:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency", url]
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if "NUMBER" in url:
            path = "/" + url.removeprefix("http://").partition("/")[2]
            script.write(SCRIPT.format(path=path, varied=varied))
            script.flush()
            command += ["-s", script.name]
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


async def _own(url: str, seconds: float, status: int, cookie: str, varied: int) -> Speed:
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
                writer.write(request.replace(b"NUMBER", b"%d" % (len(times) % max(varied, 1))))
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                failed += head.split(b" ", 2)[1] != b"%d" % status
                times.append(time.perf_counter() - begin)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    times.sort()
    return Speed(len(times), seconds, times[int(len(times) * 0.99)] * 1000, failed)
