"""Which sites' pages may open a websocket: the entry's ``origins:``, compared part by part."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from gramex.handlers.redirect import PORTS

ORIGIN = re.compile(r"(?:(https?)://)?(\*\.)?([^\s/*:@\[\]]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}|\*))?/?")

Check = Callable[[str, str, int], bool]


def parse_origins(origins: Any) -> list[Check]:
    """Return a check of (scheme, host, port) for each of ``origins:``.

    An origin is ``https://example.com:8443``; without a scheme or a port it stands for any, ``*.example.com`` for all
    hosts below example.com, and ``*`` for everybody.

    Raises:
        ValueError: one is no origin.
    """
    if origins is None:
        return []
    names = [origins] if isinstance(origins, str) else origins
    if not isinstance(names, (list, tuple)):
        raise ValueError(f"origins: must be a list such as [https://example.com], not {origins!r}")
    return [_parse(name) for name in names]


def _parse(name: Any) -> Check:
    if name == "*":
        return lambda scheme, host, port: True
    found = ORIGIN.fullmatch(str(name).strip().lower())
    if not found:
        raise ValueError(f"origins: {name!r} is no origin; use https://example.com, example.com or *.example.com")
    scheme, below, host, port = found[1], found[2], found[3].strip("[]").rstrip("."), found[4]
    wanted = None if port == "*" else int(port) if port else PORTS[scheme] if scheme else None

    def check(its_scheme: str, its_host: str, its_port: int) -> bool:
        return (
            (not scheme or its_scheme == scheme)
            and (its_host.endswith("." + host) if below else its_host == host)
            and (wanted is None or its_port == wanted)
        )

    return check


def split_origin(origin: str) -> tuple[str, str, int] | None:
    """Return (scheme, host, port) of an Origin header, None if it is none, such as ``null``."""
    try:
        parts = urlsplit(origin.strip().lower())
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.path or parts.query or parts.username is not None or not parts.hostname or not port:
        return None
    return parts.scheme, parts.hostname.rstrip("."), port
