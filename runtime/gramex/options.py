"""Declares the settings of the server, keys of ``app:`` and options of the command line alike, once for all their uses.

``gramex --help``, the guide's reference, the check of types and the names that are suggested for a mistyped one come
from OPTIONS.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. `name` is its dotted key below ``app:``, `kind` one of KINDS, `default` as it is shown to users."""

    name: str
    kind: str
    default: str
    help: str

    def convert(self, value: Any) -> Any:
        """Return `value` in the type of this option: a variable of the environment is always text.

        Raises:
            ValueError: it cannot be; the message says what would be right.
        """
        if value is None:
            return None
        convert = KINDS[self.kind]
        try:
            return convert(value)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"must be {NAMES[self.kind]}, not {value!r}") from None


def _whole(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError
    return int(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise ValueError
    number = value if isinstance(value, (int, float)) else float(value)
    if not math.isfinite(number):
        raise ValueError
    return int(number) if number == int(number) else number


def _port(value: Any) -> int:
    number = _whole(value)
    if not 0 <= number <= 65535:
        raise ValueError
    return number


def _switch(value: Any) -> bool:
    return (
        value
        if isinstance(value, bool)
        else _SWITCHES[str(value).lower()]
        if str(value).lower() in _SWITCHES
        else _no()
    )


def _local(value: Any) -> Any:
    return value if value == "local" else _switch(value)


def _text(value: Any) -> Any:
    # `false` switches a setting off, and is no text.
    return value if value is False else _no() if isinstance(value, (bool, dict, list)) else str(value)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else _no()


def _no() -> Any:
    raise ValueError


# Kind -> how a value of it is made.
KINDS: dict[str, Any] = {
    "any": lambda value: value,
    "local": _local,
    "mapping": _mapping,
    "number": _number,
    "port": _port,
    "switch": _switch,
    "text": _text,
    "whole": _whole,
}
NAMES = {
    "any": "a value",
    "local": "true, false or local",
    "mapping": "a mapping",
    "number": "a number",
    "port": "a port, 0 to 65535",
    "switch": "true or false",
    "text": "text",
    "whole": "a whole number",
}

OPTIONS = (
    Option("listen.port", "port", "9988", "port, on all interfaces unless an address is given"),
    Option("listen.address", "text", "all", "address to listen on, such as 127.0.0.1"),
    Option("listen.unix", "text", "none", "path of a UNIX socket, in place of a port"),
    Option("listen.processes", "whole", "1", "processes that share the port or socket; not on Windows"),
    Option("listen.watchdog", "number", "120", "seconds after which one of them that hangs is replaced; 0: never"),
    Option("listen.ssl_options", "mapping", "none", "serve HTTPS: `certfile` and `keyfile`, PEM, relative to the app"),
    Option("listen.health", "text", "none", "path that must answer below 400 before the server says that it is ready"),
    Option("listen.health_timeout", "number", "30", "seconds in which it must answer"),
    Option("listen.drain", "number", "30", "seconds that requests and websockets get to end after the signal to stop"),
    Option("listen.xheaders", "switch", "true", "believe the proxy headers of trusted peers"),
    Option("listen.trusted", "any", "loopback, unix", "whose proxy headers are believed: addresses, networks, unix"),
    Option("listen.max_header_size", "whole", "65536", "bytes that the header of a request may have"),
    Option("listen.max_body_size", "whole", "1000000000", "bytes that the body of a request may have"),
    Option("listen.max_buffer_size", "whole", "1000000000", "bytes that are held for one connection"),
    Option("listen.header_timeout", "number", "30", "seconds until the header of a request must be complete"),
    Option("listen.body_timeout", "number", "60", "seconds in which each KiB of a request's body must come"),
    Option("listen.write_timeout", "number", "60", "seconds in which a client must take each KiB of an answer"),
    Option("listen.idle_connection_timeout", "number", "120", "seconds that an idle connection is kept"),
    Option("admin.port", "port", "none", "port that tells how the process is: `/livez`, `/readyz`, `/metrics`"),
    Option("admin.address", "text", "127.0.0.1", "address of that port"),
    Option("admin.unix", "text", "none", "path of a UNIX socket, in place of that port"),
    Option("settings.cookie_secret", "text", "random", "signs cookies; made once and kept in `$GRAMEXDATA`"),
    Option("settings.login_url", "text", "/login/", "where pages that need a log in send people"),
    Option("settings.xsrf_cookies", "switch", "true", "forms need a token against requests from other sites"),
    Option("settings.compress_response", "switch", "true", "gzip for answers above 1 KiB"),
    Option("settings.serve_traceback", "local", "local", "error pages show the traceback; local: on this machine only"),
    Option("settings.debug", "switch", "false", "Tornado's debug mode, for development"),
    Option("session.type", "text", "sqlite", "where sessions are kept: sqlite, json, memory, redis"),
    Option(
        "session.path",
        "text",
        "$GRAMEXDATA/session.db",
        "their file; for redis `localhost:6379:0` or a URL",
    ),
    Option("session.cookie", "text", "sid", "name of the session's cookie"),
    Option("session.expiry", "any", "31", "days that a session lives; false: until the browser is closed"),
    Option("session.purge", "number", "3600", "seconds between removals of expired sessions"),
    Option("session.httponly", "switch", "true", "scripts cannot read the cookie"),
    Option("session.samesite", "any", "Lax", "Lax, Strict or None: when other sites' links carry the cookie"),
    Option("session.secure", "any", "by request", "send the cookie over HTTPS only"),
    Option("session.domain", "text", "the host", "domain of the cookie"),
    Option("session.cookiepath", "text", "/", "path of the cookie"),
    Option("watch", "switch", "true", "read the configuration again when one of its files changes"),
)

# Not a key of ``app:``; --log.X sets log.loggers.gramex.X.
LOG_OPTIONS = (
    Option("log.level", "text", "info", "how much is logged: debug, info, warning, error"),
    Option("log.format", "text", "text", "json: one JSON object a line"),
)

BY_NAME = {option.name: option for option in (*OPTIONS, *LOG_OPTIONS)}


def nearest(name: str, names: Iterable[str], likeness: float = 0.6) -> str:
    """Return which of `names` was probably meant, '' if none is like it: 0 is not at all, 1 the same."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(names), 1, likeness)), "")
