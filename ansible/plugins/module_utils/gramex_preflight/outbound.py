"""Tries, on the host, the ways out that apps need."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from .together import together

SECONDS = 4.0  # for all of them, names resolved included


def tried(places: Iterable[str]) -> dict[str, str]:
    """Return for each HOST:PORT ([ADDRESS]:PORT for IPv6) why it cannot be reached from here, '' where it can."""
    wanted = list(places)
    found = together(_try, wanted, SECONDS)
    return {place: found.get(place, f"no answer within {SECONDS:.0f} s") for place in wanted}


def _try(place: str) -> str:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS):
            return ""
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} s"
    except (OSError, UnicodeError) as error:
        return str(getattr(error, "strerror", None) or error)
