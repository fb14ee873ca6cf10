"""Who listens on a TCP port of this host."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LISTEN = "0A"  # state in /proc/net/tcp


def takers(ports: list[int]) -> dict[int, str]:
    """Return port -> ``NAME (process PID)`` for those of `ports` that a program other than nginx holds."""
    sockets = _listening(set(ports))
    if not sockets:
        return {}
    found: dict[int, str] = {}
    nginx: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        held = _open(folder) & sockets.keys()
        try:
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip() if held else ""
        except OSError:
            continue  # it ended meanwhile
        for inode in held:
            if name == "nginx":
                nginx.add(sockets[inode])
            else:
                found.setdefault(sockets[inode], f"{name} (process {folder.name})")
    for port in sockets.values():
        if port not in nginx:
            found.setdefault(port, "a program that cannot be seen from here")
    return found


def _open(process: Path) -> set[str]:
    """What a process has open, as its links say; files come and go while one looks."""
    found = set()
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(link))  # noqa: PTH115 -- no path
    return found


def _listening(ports: set[int]) -> dict[str, int]:
    """Sockets (as the links in /proc/PID/fd name them) that listen on one of `ports`."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue  # a kernel without IPv6
        for fields in (line.split() for line in lines):
            port = int(fields[1].rpartition(":")[2], 16)
            if fields[3] == _LISTEN and port in ports:
                sockets[f"socket:[{fields[9]}]"] = port
    return sockets
