"""Users who ask and wait for the answer, and the tally of what all users met. Standard library only."""

import asyncio
import hashlib
import json
import ssl
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANSWER_SECONDS = 15  # an answer that takes longer counts as failed
UPLOAD = b"0123456789abcdef" * 4096  # one piece of an uploaded file
PIECES = 5
PIECE_SECONDS = 0.1  # between two pieces
BOUNDARY = "gramex-load"


class Failed(Exception):
    """A request that a user would have seen fail."""


class Unanswered(Failed):
    """The connection ended before the first byte of an answer."""


@dataclass
class Tally:
    """What happened so far.

    `retried`: GETs on a kept connection that was closed meanwhile, repeated as browsers do. `reopened`: connections
    that were found closed before a request went out. `clients`: answers, messages or events by client. `ended`:
    websockets and event streams that the server ended as it should: url, process, and when it was opened and ended.
    """

    requests: int = 0
    failed: int = 0
    retried: int = 0
    reopened: int = 0
    messages: int = 0
    reconnected: int = 0
    slowest: float = 0.0
    errors: list = field(default_factory=list)
    clients: dict = field(default_factory=dict)
    ended: list = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    over: bool = False  # set at the end: clients finish what they have begun

    def fail(self, what: str, why: BaseException) -> None:
        self.failed += 1
        if len(self.errors) < 20:
            self.errors.append(f"{time.monotonic() - self.began:.2f} s: {what}: {type(why).__name__}: {why}")

    def count(self, client: str) -> None:
        self.clients[client] = self.clients.get(client, 0) + 1


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
        self.method, self.keep, self.tally = method, keep, tally
        self.name = f"{method} {url} {'kept' if keep else 'new'}"
        self.socket = ""
        if url.startswith("unix:"):
            self.socket, _, path = url[5:].partition(":")
            url = f"http://localhost{path}"
        self.url = urlsplit(url)
        self.context = tls(self.url)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        if self.socket:
            self.reader, self.writer = await asyncio.open_unix_connection(self.socket)
            return
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
        extra = "" if self.keep else "Connection: close\r\n"
        if self.writer is None:
            await self.connect()
        await self.send(extra)
        status, headers = await self.read_head()
        body = await self.read_body(headers)
        if not self.keep or headers.get("connection", "").lower() == "close":
            self.close()
        if status >= 400:
            raise Failed(f"status {status}")
        self.judge(body)
        self.tally.count(self.name)

    async def send(self, extra: str) -> None:
        """Send the request, with `extra` lines in its head."""
        body = b"text=load" if self.method == "POST" else b""
        if body:
            extra += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(self.head(extra) + body)
        await self.writer.drain()

    def judge(self, body: bytes) -> None:
        """Look at the body of a good answer. Raises Failed."""

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
        if self.reader and self.reader.at_eof():
            self.tally.reopened += 1
            self.close()
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


class Upload(Client):
    """A user who sends a file over a slow line, and wants to know that it arrived as it was."""

    async def send(self, extra: str) -> None:
        disposition = 'Content-Disposition: form-data; name="file"; filename="load.bin"'
        begin = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
        end = f"\r\n--{BOUNDARY}--\r\n".encode()
        length = len(begin) + PIECES * len(UPLOAD) + len(end)
        extra += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n"
        self.writer.write(self.head(extra) + begin)
        for _ in range(PIECES):
            self.writer.write(UPLOAD)
            await self.writer.drain()
            await asyncio.sleep(PIECE_SECONDS)
        self.writer.write(end)
        await self.writer.drain()

    def judge(self, body: bytes) -> None:
        if json.loads(body)["sha256"] != hashlib.sha256(UPLOAD * PIECES).hexdigest():
            raise Failed("the file did not arrive as it was sent")
