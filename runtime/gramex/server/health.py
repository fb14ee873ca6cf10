"""Asks the application, before anybody else can, whether it answers."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from gramex.server.errors import NOT_HEALTHY, StartError
from gramex.server.web import WebServer

ANSWER_BYTES = 65536  # of the answer that are read: the status is in the first line


class LastError(logging.Handler):
    """Remembers how the last error ended that was logged."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last line of an exception, else the message."""
        error = record.exc_info[1] if record.exc_info else None
        text = f"{type(error).__name__}: {error}" if error is not None else record.getMessage()
        self.text = text.strip().splitlines()[-1] if text.strip() else self.text


async def check_health(server: WebServer, path: str, timeout: float) -> None:
    """Send ``GET path`` to the application over a private pair of sockets: below 400 in `timeout` seconds is healthy.

    Raises:
        StartError: it does not.
    """
    last = LastError()
    loggers = [logging.getLogger(name) for name in ("gramex", "tornado.application", "asyncio")]
    for logger in loggers:
        logger.addHandler(last)
    try:
        status = await asyncio.wait_for(_ask(server, path), timeout)
    except asyncio.TimeoutError:  # not the built-in one before Python 3.11
        raise StartError(_message(path, f"no answer in {timeout:g} s", last.text), NOT_HEALTHY) from None
    finally:
        for logger in loggers:
            logger.removeHandler(last)
    if not 200 <= status < 400:
        answer = f"status {status}" if status else "the connection was closed without an answer"
        raise StartError(_message(path, answer, last.text), NOT_HEALTHY)


def _message(path: str, answer: str, error: str) -> str:
    return f"Not healthy: {path}: {answer}{f' ({error})' if error else ''}. A status below 400 is needed"


async def _ask(server: WebServer, path: str) -> int:
    """Return the status of the answer, 0 if there was none."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    server.accept(theirs, ("127.0.0.1", 0), plain=True)
    reader, writer = await asyncio.open_connection(sock=ours, limit=ANSWER_BYTES)
    try:
        target = path if path.startswith("/") else f"/{path}"
        request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: gramex-health\r\nConnection: close\r\n\r\n"
        writer.write(request.encode("latin-1", "replace"))
        line: Any = (await reader.readline()).split()
        return int(line[1]) if len(line) > 1 and line[1].isdigit() else 0
    except OSError:
        return 0
    finally:
        writer.close()
