"""Finds the ports at which SSH lets administrators in: no firewall may be switched on that closes them."""

from __future__ import annotations

from pathlib import Path

from .command import PATH, run

PROC = Path("/proc")
LISTEN = "0A"  # the state of a listening socket in /proc/net/tcp


def ports(told: list[int]) -> list[int]:
    """Return the ports that were told, that sshd says it uses, and that it listens on now; 22 where none is known."""
    found = set(told) | configured() | listening()
    return sorted(found) or [22]


def configured() -> set[int]:
    """What sshd's own reading of its configuration says."""
    sshd = next((f"{folder}/sshd" for folder in PATH.split(":") if Path(folder, "sshd").exists()), "")
    if not sshd:
        return set()
    _, output, _ = run(sshd, "-T")
    words = (line.split() for line in output.splitlines())
    return {int(pair[1]) for pair in words if len(pair) == 2 and pair[0] == "port" and pair[1].isdigit()}


def listening() -> set[int]:
    """Ports of listening sockets that a process called sshd holds."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for cells in map(str.split, rows):
            if cells[3] == LISTEN:
                sockets[f"socket:[{cells[9]}]"] = int(cells[1].rsplit(":", 1)[1], 16)
    held = set()
    for process in PROC.glob("[0-9]*"):
        try:
            if (process / "comm").read_text(encoding="utf-8").strip() in ("sshd", "dropbear"):
                held |= {str(link.readlink()) for link in (process / "fd").iterdir()}
        except OSError:
            continue  # it ended meanwhile
    return {port for link, port in sockets.items() if link in held}
