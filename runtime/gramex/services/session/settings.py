"""Checks the ``app.session`` section and fills in what it leaves out."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

app_log = logging.getLogger("gramex")

DAY = 86400  # seconds
TYPES = ("sqlite", "json", "memory", "redis")
FILES = {"sqlite": "session.db", "json": "session.json"}
SAMESITE = {"lax": "Lax", "strict": "Strict", "none": "None", "false": None}
# `flush` is Gramex's interval between two writes of the JSON file. Ours is written before each answer.
KEYS = frozenset(
    "cookie type path expiry purge flush httponly samesite secure domain cookiepath comment".split()  # noqa: SIM905
)
COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class SessionSettings:
    """Where sessions are kept, and what their cookie looks like.

    `days` is how long a session lives, `persistent` whether the cookie outlives the browser. `secure` and `path` are
    None where the request decides: HTTPS, and the path below which a trusted proxy shows the app.
    """

    cookie: str = "sid"
    type: str = "sqlite"
    file: Path = Path()  # not used by the types memory and redis
    place: Mapping[str, Any] = field(default_factory=dict)  # of the Redis server
    days: float = 31
    persistent: bool = True
    purge: float = 3600
    httponly: bool = True
    samesite: str | None = "Lax"
    secure: bool | None = None
    domain: str | None = None
    path: str | None = None

    @property
    def is_far(self) -> bool:
        """True if the store is on another machine, perhaps, and may take its time."""
        return self.type == "redis"


def parse_settings(conf: Any, data: Path) -> SessionSettings:
    """Return the settings for an ``app.session`` section.

    Raises:
        ValueError: a value that cannot be meant; the message names the key and shows a right one.
    """
    if conf is None or conf is True:
        conf = {}
    if conf is False:  # nothing is kept: those who log in are out after a restart
        conf = {"type": "memory"}
    if not isinstance(conf, Mapping):
        raise ValueError(f"app.session: must be a mapping such as {{expiry: 31}}, not {conf!r}")
    for key in conf:
        if key not in KEYS:
            app_log.warning("app.session: %s is not known and ignored; known are %s", key, ", ".join(sorted(KEYS)))
    kind = str(conf.get("type", "sqlite")).lower()
    if kind not in TYPES:
        raise ValueError(f"app.session.type: must be one of {', '.join(TYPES)}, not {conf['type']!r}")
    cookie = str(conf.get("cookie", "sid"))
    if not COOKIE_NAME.fullmatch(cookie):
        raise ValueError(f"app.session.cookie: must be a name such as sid, not {cookie!r}")
    samesite = str(conf.get("samesite", "Lax")).lower()
    if samesite not in SAMESITE:
        raise ValueError(f"app.session.samesite: must be Lax, Strict, None or false, not {conf['samesite']!r}")
    secure = conf.get("secure")
    if samesite == "none":
        secure = True  # browsers refuse SameSite=None without Secure
    expiry = conf.get("expiry", 31)
    return SessionSettings(
        cookie=cookie,
        type=kind,
        file=_file(conf.get("path"), kind, data),
        place=_place(conf.get("path"), data) if kind == "redis" else {},
        days=31 if expiry is False else days(expiry, "app.session.expiry"),
        persistent=expiry is not False,
        purge=_number(conf.get("purge", 3600), "app.session.purge"),
        httponly=bool(conf.get("httponly", True)),
        samesite=SAMESITE[samesite],
        secure=None if secure is None else bool(secure),
        domain=str(conf["domain"]) if conf.get("domain") else None,
        path=str(conf["cookiepath"]) if conf.get("cookiepath") else None,
    )


def days(value: Any, key: str) -> float:
    """Return a number of days.

    Raises:
        ValueError: it is no number above 0; `key` is named.
    """
    number = _number(value, key)
    if number > 36500:
        raise ValueError(f"{key}: {value} days is more than a century")
    return number


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"{key}: must be a number above 0, not {value!r}")
    return value


def _file(path: Any, kind: str, data: Path) -> Path:
    default = FILES.get(kind)
    if default is None:
        return Path()
    # An app that only sets `type` inherits the packaged path of another type.
    return data / default if _is_packaged(path, data) else Path(str(path)).absolute()


def _place(path: Any, data: Path) -> dict[str, Any]:
    from gramex.services.redisserver import find_package, parse_place

    find_package("app.session.type")
    return parse_place(None if _is_packaged(path, data) else path, "app.session.path")


def _is_packaged(path: Any, data: Path) -> bool:
    return not path or any(Path(str(path)) == data / name for name in FILES.values())
