"""Users whose connection lasts: websockets and server-sent events. Standard library only."""

import asyncio
import base64
import contextlib
import os
import struct
import time

from client import ANSWER_SECONDS, Client, Failed, Tally

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10  # kinds of websocket frames


class Lasting(Client):
    """A connection on which the server tells what is new, opened again when the server goes away as it should."""

    def __init__(self, url: str, tally: Tally, headers: dict | None = None):
        super().__init__("GET", url, True, tally)
        self.name = f"{type(self).__name__} {url}"
        self.headers = headers or {}
        self.process = ""

    def extra(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())

    async def open(self) -> None:
        """Connect and ask. Raises Failed."""
        raise NotImplementedError

    async def listen(self) -> None:
        """Count messages until the server ends as it should. Raises Failed for any other end."""
        raise NotImplementedError

    async def talk(self) -> None:
        """Open and listen until it is over."""
        while not self.tally.over:
            opened, self.process = time.time(), ""
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.open()
                await self.listen()
                told = {"url": self.name, "process": self.process, "opened": opened, "ended": time.time()}
                if not self.tally.over:
                    self.tally.ended.append(told)
            except (Failed, OSError, ValueError, asyncio.IncompleteReadError) as why:
                self.tally.fail(f"{self.name} after {time.time() - opened:.1f} s", why)
                await asyncio.sleep(0.5)
            finally:
                self.close()

    def heard(self, text: str) -> None:
        """Count a message; the first one names the process."""
        self.process = self.process or text
        self.tally.messages += 1
        self.tally.count(self.name)


class Events(Lasting):
    """A stream of server-sent events."""

    async def open(self) -> None:
        await self.connect()
        self.writer.write(self.head(f"Accept: text/event-stream\r\n{self.extra()}"))
        status, headers = await self.read_head()
        kind = headers.get("content-type", "")
        if status != 200 or not kind.startswith("text/event-stream"):
            raise Failed(f"event stream refused with status {status} {kind}")
        if headers.get("transfer-encoding", "").lower() != "chunked":
            raise Failed("an event stream whose end cannot be told from a broken connection")

    async def listen(self) -> None:
        text = ""
        while not self.tally.over:
            async with asyncio.timeout(ANSWER_SECONDS):
                size = int((await self.reader.readline()).split(b";")[0] or b"-", 16)
                chunk = await self.reader.readexactly(size + 2)
            if size == 0:
                return
            text += chunk[:-2].decode()
            *events, text = text.split("\n\n")
            for event in events:
                self.heard(event.removeprefix("data: "))


class Live(Lasting):
    """A websocket that sends a message a second and hears all that the server tells."""

    async def open(self) -> None:
        await self.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"{'https' if self.context else 'http'}://{self.url.netloc}"
        self.writer.write(
            self.head(
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\nOrigin: {origin}\r\n{self.extra()}"
            )
        )
        status, _ = await self.read_head()
        if status != 101:
            raise Failed(f"websocket refused with status {status}")

    async def say(self, text: str) -> None:
        await self.frame(TEXT, text.encode())

    async def frame(self, kind: int, data: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.writer.write(struct.pack("!BB", 0x80 | kind, 0x80 | len(data)) + mask + masked)
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(length)

    async def speak(self) -> None:
        """Send a message a second. Whether it arrived is for `listen` to see."""
        while True:
            with contextlib.suppress(OSError):
                await self.say(f"load {time.monotonic():.3f}")
            await asyncio.sleep(1)

    async def listen(self) -> None:
        """Speak, and count messages until the server says good-bye with 1001. Raises Failed for any other end."""
        speaker = asyncio.create_task(self.speak())
        try:
            while not self.tally.over:
                async with asyncio.timeout(ANSWER_SECONDS):
                    kind, data = await self.receive()
                if kind == PING:  # who does not answer is taken for gone, after a minute or two
                    await self.frame(PONG, data)
                    continue
                if kind == CLOSE:
                    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 0
                    if code != 1001:
                        raise Failed(f"websocket closed with {code}")
                    self.tally.reconnected += 1
                    return
                self.heard(data.decode())
        finally:
            speaker.cancel()
