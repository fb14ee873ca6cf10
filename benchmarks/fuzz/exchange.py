"""Sends one request after the other over a UNIX socket, and reads what comes back, whatever that is."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from dataclasses import dataclass

from generate import Request

BOUND = 20.0  # seconds; an answer that is not there then never comes
QUIET = 0.1  # seconds; then we say that no more will come
MOST = 4_000_000  # bytes of an answer


class Hang(Exception):
    """Nothing came for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` 0 stands for a connection that was closed without a word."""

    status: int
    reason: str
    header: bytes
    body: bytes

    @property
    def plain(self) -> bytes:
        """The body, unpacked."""
        if b"content-encoding: gzip" not in self.header.lower():
            return self.body
        with contextlib.suppress(OSError, EOFError, zlib.error):
            return gzip.decompress(self.body)
        return self.body


class Client:
    """One connection at a time, opened anew when it was closed."""

    def __init__(self, path: str):
        """`path` is the server's socket."""
        self.path = path
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Request) -> Answer:
        """Send a request and return the answer.

        Raises:
            Hang: none came, and the connection was not closed.
            OSError: the server is not there.
        """
        if self.writer is None or not request.whole:
            self.close()
            self.reader, self.writer = await asyncio.open_unix_connection(self.path, limit=MOST)
        try:
            self.writer.write(request.data)
            if request.whole:
                return await asyncio.wait_for(self.read(request.head), BOUND)
            return await self.converse(request)
        except TimeoutError:
            self.close()
            raise Hang(f"no answer in {BOUND} s") from None
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.close()
            return Answer(0, "", b"", b"")

    async def read(self, head: bool) -> Answer:
        """Return the next answer."""
        header = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = header[:-4].split(b"\r\n")
        _, status, *rest = first.split(b" ", 2)
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        body = b""
        if not head and int(status) >= 200 and int(status) not in (204, 304):
            if fields.get(b"transfer-encoding") == b"chunked":
                while size := int(await self.reader.readuntil(b"\r\n"), 16):
                    body += (await self.reader.readexactly(size + 2))[:-2]
                await self.reader.readuntil(b"\r\n")
            elif b"content-length" in fields:
                body = await self.reader.readexactly(int(fields[b"content-length"]))
            else:
                body = await self.reader.read(MOST)
                self.close()
        # What is no request at all gets an answer without a length, whose end is that of the connection.
        is_last = int(status) == 400 and len(fields) == 0
        if is_last or fields.get(b"connection", b"").lower() == b"close":
            self.close()
        return Answer(int(status), b"".join(rest).decode("latin-1"), header, body)

    async def converse(self, request: Request) -> Answer:
        """Return all that comes back to bytes that may be no request; our end, and then its own, must come."""
        assert self.writer is not None  # noqa: S101  for mypy
        received, ended = b"", False
        while True:
            try:
                chunk = await asyncio.wait_for(self.reader.read(65536), BOUND if ended else QUIET)
            except TimeoutError:
                if ended:
                    raise
                ended = True
                self.writer.write_eof()
                continue
            received += chunk
            if not chunk or len(received) > MOST:
                break
        self.close()
        header, _, body = received.partition(b"\r\n\r\n")
        words = header.split(b"\r\n")[0].split(b" ", 2)
        status = int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else 0
        return Answer(status, words[2].decode("latin-1") if len(words) > 2 else "", header, body)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request: the server that is proxied."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\nX-Back: yes\r\n\r\nback")
        await writer.drain()
    writer.close()
