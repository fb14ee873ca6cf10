"""Chooses what starts and stops an app: its host's service manager, and its distribution, decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .full import Full
from .systemd import Systemd
from .sysv import Sysv

RUNTIME, FULL = "gramex-runtime", "gramex"  # what `distribution` may be


def services(app: str, told: Mapping[str, Any], sockets: Iterable[str]) -> Systemd | Sysv:
    """Return it for what a record's settings say, those of older records too: init, port, distribution and health."""
    if told["init"] != "systemd":
        return Sysv(app, told["port"])
    if told.get("distribution") == FULL:
        return Full(app, told["port"], told["health"])
    return Systemd(app, sockets)
