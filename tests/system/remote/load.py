#!/usr/bin/env python3
"""Send requests to a site while it is changed, and count those that failed.

`load.py --seconds 60 --get https://localhost/ --post https://localhost/api/entries --live wss://localhost/api/live`

Each `--get` is asked by one client with a new connection a request and by one that keeps its connection; each
`--post` likewise; each `--live` by a websocket that sends a message a second. Every client pauses between requests. It
ends after `--seconds`, after `--requests`, or when its standard input is closed, and prints one JSON object. Standard
library only: it runs on test hosts.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import ssl
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANSWER_SECONDS = 15  # an answer that takes longer counts as failed


class Failed(Exception):
    """A request that a user would have seen fail."""


class Unanswered(Failed):
    """The connection ended before the first byte of an answer."""


@dataclass
class Tally:
    """What happened so far. `retried`: GETs on a kept connection that was closed, repeated as browsers do."""

    requests: int = 0
    failed: int = 0
    retried: int = 0
    messages: int = 0
    reconnected: int = 0
    slowest: float = 0.0
    errors: list = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    over: bool = False  # set at the end: clients finish what they have begun

    def fail(self, what: str, why: BaseException) -> None:
        self.failed += 1
        if len(self.errors) < 20:
            self.errors.append(f"{time.monotonic() - self.began:.2f} s: {what}: {type(why).__name__}: {why}")


def tls(url) -> ssl.SSLContext | None:
    """No verification: the certificate is another test's business, and load must run with any."""
    if url.scheme not in ("https", "wss"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """One user. With `keep` the connection is used again until the server says `Connection: close`."""

    def __init__(self, method: str, url: str, keep: bool, tally: Tally):
        self.method, self.url, self.keep, self.tally = method, urlsplit(url), keep, tally
        self.context = tls(self.url)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        port = self.url.port or (443 if self.context else 80)
        self.reader, self.writer = await asyncio.open_connection(
            self.url.hostname, port, ssl=self.context, server_hostname=self.url.hostname if self.context else None
        )

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    def head(self, extra: str) -> bytes:
        target = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        return f"{self.method} {target} HTTP/1.1\r\nHost: {self.url.netloc}\r\nUser-Agent: load\r\n{extra}\r\n".encode()

    async def ask(self) -> None:
        """Send one request and read the whole answer. Raises Failed or OSError."""
        body = b"text=load" if self.method == "POST" else b""
        extra = "" if self.keep else "Connection: close\r\n"
        if body:
            extra += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        if self.writer is None:
            await self.connect()
        self.writer.write(self.head(extra) + body)
        await self.writer.drain()
        status, headers = await self.read_head()
        await self.read_body(headers)
        if not self.keep or headers.get("connection", "").lower() == "close":
            self.close()
        if status >= 400:
            raise Failed(f"status {status}")

    async def read_head(self) -> tuple[int, dict]:
        line = await self.reader.readline()
        if not line:
            raise Unanswered("connection closed without an answer")
        headers = {}
        status = int(line.split()[1])
        while (line := await self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if not line:
            raise Failed("answer cut off in its headers")
        return status, headers

    async def read_body(self, headers: dict) -> bytes:
        """Read the body to its end; a body that is shorter than announced is an error."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int((await self.reader.readline()).split(b";")[0] or b"-", 16):
                parts.append(await self.reader.readexactly(size))
                await self.reader.readline()
            await self.reader.readline()
            return b"".join(parts)
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return await self.reader.read()

    async def once(self) -> None:
        """One request as a user's browser would make it, counted."""
        self.tally.requests += 1
        began = time.monotonic()
        reused = self.writer is not None
        try:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.ask()
            except (Unanswered, ConnectionError):
                self.close()
                if not (reused and self.method == "GET"):
                    raise
                self.tally.retried += 1
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.ask()
        except (Failed, OSError, ValueError, asyncio.IncompleteReadError) as why:
            self.close()
            self.tally.fail(f"{self.method} {self.url.geturl()} {'kept' if reused else 'new'} connection", why)
        self.tally.slowest = max(self.tally.slowest, time.monotonic() - began)


class Live(Client):
    """A websocket that sends a message a second and hears all that the server tells."""

    def __init__(self, url: str, tally: Tally, headers: dict | None = None):
        super().__init__("GET", url, True, tally)
        self.headers = headers or {}

    async def open(self) -> None:
        await self.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"{'https' if self.context else 'http'}://{self.url.netloc}"
        self.writer.write(
            self.head(
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\nOrigin: {origin}\r\n"
                + "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            )
        )
        status, _ = await self.read_head()
        if status != 101:
            raise Failed(f"websocket refused with status {status}")

    async def send(self, text: str) -> None:
        data = text.encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.writer.write(struct.pack("!BB", 0x81, 0x80 | len(data)) + mask + masked)
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(length)

    async def talk(self) -> None:
        """Open and listen until it is over; open again when the server goes away as it should (1001)."""
        while not self.tally.over:
            opened = time.monotonic()
            speaker = None
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.open()
                speaker = asyncio.create_task(self.speak())
                await self.listen()
            except (Failed, OSError, ValueError, asyncio.IncompleteReadError) as why:
                self.tally.fail(f"{self.url.geturl()} after {time.monotonic() - opened:.1f} s", why)
                await asyncio.sleep(0.5)
            finally:
                if speaker:
                    speaker.cancel()
                self.close()

    async def speak(self) -> None:
        """Send a message a second. Whether it arrived is for `listen` to see."""
        while True:
            with contextlib.suppress(OSError):
                await self.send(f"load {time.monotonic():.3f}")
            await asyncio.sleep(1)

    async def listen(self) -> None:
        """Count messages until the server says good-bye with 1001. Raises Failed for any other end."""
        while not self.tally.over:
            async with asyncio.timeout(ANSWER_SECONDS):
                kind, data = await self.receive()
            if kind == 8:
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 0
                if code != 1001:
                    raise Failed(f"websocket closed with {code}")
                self.tally.reconnected += 1
                return
            self.tally.messages += 1


async def repeat(client: Client, pause: float, requests: int) -> None:
    while client.tally.requests < requests and not client.tally.over:
        await client.once()
        await asyncio.sleep(pause)


def watch_input(closed: asyncio.Event) -> None:
    """Set `closed` when standard input is closed: that is how a test says that it has seen enough."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=wait, daemon=True).start()


async def run(options: argparse.Namespace) -> Tally:
    """Run all clients at once within the bounds; return the count."""
    tally = Tally()
    clients = [Client("GET", url, keep, tally) for url in options.get for keep in (False, True)]
    clients += [Client("POST", url, keep, tally) for url in options.post for keep in (False, True)]
    work = [asyncio.create_task(repeat(client, options.pause, options.requests)) for client in clients]
    talks = [asyncio.create_task(Live(url, tally).talk()) for url in options.live]
    closed = asyncio.Event()
    watch_input(closed)
    end = asyncio.create_task(closed.wait())
    # A run without requests ends by the other bounds alone.
    await asyncio.wait([*work, end] if work else [end], timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
    tally.over = True
    _, late = await asyncio.wait([*work, *talks], timeout=2 * ANSWER_SECONDS)
    for task in (*late, end):
        task.cancel()
    if late:
        tally.fail(f"{len(late)} clients", TimeoutError("did not end"))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--get", action="append", default=[], metavar="URL")
    parser.add_argument("--post", action="append", default=[], metavar="URL")
    parser.add_argument("--live", action="append", default=[], metavar="URL")
    parser.add_argument("--seconds", type=float, default=60, help="longest run")
    parser.add_argument("--requests", type=int, default=100_000, help="most requests of all clients together")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two requests of a client")
    options = parser.parse_args()
    tally = asyncio.run(run(options))
    report = {name: value for name, value in vars(tally).items() if name not in ("began", "over")}
    print(json.dumps({**report, "seconds": round(time.monotonic() - tally.began, 2)}), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
