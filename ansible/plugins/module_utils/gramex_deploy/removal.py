"""Takes every trace of an app from a host; its data only if that is asked for."""

from __future__ import annotations

import pwd
from pathlib import Path

from . import files, pip, systemd, tasks, users
from .files import Files
from .record import COLOURS
from .systemd import Systemd
from .sysv import Sysv

HOMES = Path("/srv/gramex")
DATA = Path("/var/lib/gramex")
CONFIG = Path("/etc/gramex")
KEY = CONFIG / "digest.key"
LOGS = Path("/var/log/gramex")
RUN = Path("/run/gramex")


def names() -> list[str]:
    """Return the apps that a host has, or has data of."""
    places = [place for folder in (HOMES, DATA) if folder.is_dir() for place in folder.iterdir() if place.is_dir()]
    return sorted({place.name for place in places})


def remove(name: str, init: str, data: bool, check: bool) -> Files:
    """Remove an app. With `data` its data too, and the user who owns them; `init` is systemd or sysv."""
    changes = Files(check=check)
    services = _texts(name)
    if not check and any(place.exists() for place in services):
        (Systemd(name, systemd.sockets(name)) if init == "systemd" else Sysv(name, None)).remove()
    tasks.remove(changes, name, init)
    for place in (*services, *_places(name), *([DATA / name] if data else [])):
        changes.absent(place)
    if not (DATA / name).exists() or (data and check):
        for user in _users(name):
            users.remove(changes, user)
    return changes


def finish(check: bool) -> Files:
    """Remove what apps share, where no app is left."""
    changes = Files(check=check)
    if not check:
        for folder in (HOMES, RUN, LOGS, DATA):
            files.empty(folder)
    if not HOMES.exists():
        for place in (KEY, pip.CACHE):
            changes.absent(place)
        files.empty(CONFIG)
    return changes


def _texts(name: str) -> list[Path]:
    units = [f"gramex-{name}.service", f"gramex-{name}@.service", *systemd.sockets(name)]
    scripts = [Path(f"/etc/init.d/gramex-{name}"), Path(f"/etc/logrotate.d/gramex-{name}")]
    return [*(systemd.UNITS / unit for unit in units), *scripts]


def _places(name: str) -> list[Path]:
    processes = [RUN / f"{name}-{colour}{end}.pid" for colour in COLOURS for end in ("", ".draining")]
    return [HOMES / name, CONFIG / name, RUN / name, RUN / f"{name}.sock", *processes, *LOGS.glob(f"{name}.log*")]


def _users(name: str) -> list[str]:
    return [entry.pw_name for entry in pwd.getpwall() if entry.pw_gecos == f"{users.MARK}{name}"]
