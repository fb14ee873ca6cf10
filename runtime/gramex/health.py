"""`gramex health`: asks the server that runs here whether it answers; for containers, which have no curl."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PORT = 9988


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a UNIX socket."""

    def __init__(self, path: str, timeout: float):
        """Take the socket's path, and seconds that each step may take."""
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def arguments_of(pid: int) -> list[str]:
    """Return the options that a running gramex was started with, from the first that begins with two dashes.

    Raises:
        OSError: there is no such process, or it is another user's.
    """
    line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    first = next((place for place, word in enumerate(line) if word.startswith("--")), len(line))
    return line[first:]


def connect(listen: Mapping[str, Any], folder: Path, timeout: float) -> http.client.HTTPConnection:
    """Return a connection, not yet open, to where a configuration's ``app.listen`` says that the server listens."""
    if listen.get("unix"):
        return UnixConnection(str(folder / str(listen["unix"])), timeout)
    host, port = str(listen.get("address") or "localhost"), int(listen.get("port", PORT))
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  what one cannot connect to
    if not listen.get("ssl_options"):
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    # The certificate is for the server's name, not for the loopback address that is asked.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Ask the server of the current folder. Exit code 0: it answers; 1: it does not; 2: its configuration is wrong."""
    from gramex.arguments import nest, split
    from gramex.config import ConfigError, load

    folder = Path.cwd()
    try:
        given = split(arguments_of(options["pid"]))[1] if options.get("pid") else []
        listen = (load(folder, nest(given)).conf.get("app") or {}).get("listen") or {}
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gramex health: process {options['pid']}: {error.strerror}", file=sys.stderr)
        return 1
    # Where the app names no health path, its home page may well be none; an error of the server is one all the same.
    path, good = (str(listen["health"]), 400) if listen.get("health") else ("/", 500)
    connection = connect(listen, folder, float(options.get("timeout") or 5))
    try:
        connection.request("GET", path, headers={"User-Agent": "gramex-health"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"gramex health: {path}: no answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(f"gramex health: {path}: status {status}")
    return int(status >= good)
