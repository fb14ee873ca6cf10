"""A double of an SMTP server: it listens on a real socket, speaks what smtplib needs, and keeps what it is given."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest


class Mail:
    """What was handed in: the envelope, and the mail as it came."""

    def __init__(self, sender: str, recipients: list[str], data: bytes, encrypted: bool, user: str):
        self.sender, self.recipients, self.data, self.encrypted, self.user = sender, recipients, data, encrypted, user

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Smtp:
    """The double. `starttls`: it offers STARTTLS; `wrapped`: TLS from the first byte; `login`: NAME:PASSWORD."""

    def __init__(self, certificate: Path | None = None, starttls: bool = False, wrapped: bool = False, login: str = ""):
        self.mails: list[Mail] = []
        self.refuse: set[str] = set()
        self.delay = 0.0  # seconds that it takes for the mail
        self.starttls, self.login, self.context = starttls, login, None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.wrapped = wrapped
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        self.ended = asyncio.Event()
        self.work: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self._session, "127.0.0.1", 0, ssl=self.context if self.wrapped else None)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.ended.wait()
        server.close()
        for task in self.work:
            task.cancel()
        await asyncio.gather(*self.work, return_exceptions=True)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(10)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.work.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            self.work.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted, user, sender = self.wrapped, "", ""
        recipients: list[str] = []

        async def say(*lines: str) -> None:
            writer.write("".join(f"{line}\r\n" for line in lines).encode())
            await writer.drain()

        await say("220 double")
        while line := (await reader.readline()).decode().strip():
            command = line.upper()
            if command.startswith("EHLO"):
                offers = ["STARTTLS"] if self.starttls and not encrypted else []
                offers += ["AUTH PLAIN"] if self.login else []
                lines = ["double", *offers]
                await say(*(f"250{'-' if at < len(lines) - 1 else ' '}{each}" for at, each in enumerate(lines)))
            elif command == "STARTTLS":
                await say("220 go ahead")
                assert self.context is not None
                await writer.start_tls(self.context)  # type: ignore[attr-defined]  # since Python 3.11
                encrypted = True
            elif command.startswith("AUTH PLAIN"):
                _, name, password = base64.b64decode(line.split()[2]).decode().split("\0")
                if f"{name}:{password}" == self.login:
                    user = name
                    await say("235 ok")
                else:
                    await say("535 wrong password")
            elif command.startswith("MAIL FROM:"):
                sender, recipients = line[10:].split(">")[0].strip("<"), []
                await say("250 ok")
            elif command.startswith("RCPT TO:"):
                address = line[8:].split(">")[0].strip("<")
                if address in self.refuse:
                    await say("550 nobody of that name")
                else:
                    recipients.append(address)
                    await say("250 ok")
            elif command == "DATA":
                await say("354 go on")
                data = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                await asyncio.sleep(self.delay)
                self.mails.append(Mail(sender, recipients, data, encrypted, user))
                await say("250 ok")
            elif command == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")


def make_certificate(folder: Path) -> Path:
    """Return a PEM file with key and certificate for 127.0.0.1 and localhost, which is its own authority."""
    path = folder / "smtp.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(path), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "certificate.pem").read_text())
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of the double."""
    return make_certificate(tmp_path_factory.mktemp("smtp"))


@pytest.fixture
def smtp() -> Iterator[Callable[..., Smtp]]:
    """Start doubles: ``smtp(certificate, starttls=True)``."""
    started: list[Smtp] = []

    def start(*args: Any, **kwargs: Any) -> Smtp:
        started.append(Smtp(*args, **kwargs))
        return started[-1]

    yield start
    for each in started:
        each.close()
