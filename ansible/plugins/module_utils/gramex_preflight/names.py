"""Asks, on the controller, where domains lead."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from gramex_preflight.together import together

SECONDS = 4.0


def resolved(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses of each name, [] where it has none or nobody answers in time."""
    wanted = list(dict.fromkeys(names))
    found = together(addresses, wanted, SECONDS)
    return {name: found.get(name, []) for name in wanted}


def addresses(name: str) -> list[str]:
    """The addresses of a name, each once; [] where it has none."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(ipaddress.ip_address(str(answer[4][0]).split("%")[0])) for answer in answers})
