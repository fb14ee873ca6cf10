"""How much and how slowly a client may send and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gramex.config import Loaded
from gramex.server.errors import mistake

DRAIN = 30.0  # seconds that clients get to end what they began


@dataclass(frozen=True, slots=True)
class Limits:
    """Keys of ``app.listen``. Sizes are bytes, times seconds."""

    max_header_size: int = 65536
    max_body_size: int = 1_000_000_000
    max_buffer_size: int = 1_000_000_000
    header_timeout: float = 30  # from the first byte of a request to the end of its header
    idle_connection_timeout: float = 120  # longer than proxies keep theirs (nginx 60 s), so that they close first
    body_timeout: float = 60  # for each KiB of a request's body
    write_timeout: float = 60  # for each KiB of an answer that the client does not take


def read_limits(loaded: Loaded) -> Limits:
    """Return the limits of a configuration.

    Raises:
        ConfigError: a value is no positive number.
    """
    listen: Mapping[str, Any] = (loaded.conf.get("app") or {}).get("listen") or {}
    values: dict[str, Any] = {}
    for each in fields(Limits):
        value = listen.get(each.name, each.default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise mistake(loaded, f"must be a number above 0, not {value!r}", "listen", each.name)
        values[each.name] = int(value) if each.type == "int" else float(value)
    return Limits(**values)
