"""Holds ports of the host open for a moment, so that another machine can try whether it reaches them."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SECONDS = 20  # at most: whoever asked ends it sooner
NAME = "gramex-doors"  # of the process


def hold(ports: Iterable[int], token: str) -> tuple[list[int], int]:
    """
    Listen on ports of all addresses, in a process of its own that answers every connection with `token`.

    Return the ports that could be had and the process to end; 0 where there is nothing to hold. It ends by itself
    after SECONDS.
    """
    sockets = {port: found for port in ports if (found := _listen(port))}
    if not sockets:
        return [], 0
    process = os.fork()
    if process == 0:
        try:
            _answer([door for found in sockets.values() for door in found], token.encode())
        finally:
            os._exit(0)
    for found in sockets.values():
        for door in found:
            door.close()
    return sorted(sockets), process


def left(listeners: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """End what a run that was killed still holds open; return who else listens, by port."""
    for process in {entry["pid"] for entries in listeners.values() for entry in entries if entry["program"] == NAME}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    others = {port: [entry for entry in found if entry["program"] != NAME] for port, found in listeners.items()}
    return {port: found for port, found in others.items() if found or not listeners[port]}


def _listen(port: int) -> list[socket.socket]:
    """Listen on a port with each family that the host has; [] where somebody else does already."""
    found = []
    for family, address in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
        door = None
        try:
            door = socket.socket(family, socket.SOCK_STREAM)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # nginx may follow at once
            if family == socket.AF_INET6:
                door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            door.bind((address, port))
            door.listen(8)
            found.append(door)
        except OSError as error:
            if door:
                door.close()
            if error.errno == errno.EADDRINUSE:
                for other in found:
                    other.close()
                return []
    return found


def _answer(doors: list[socket.socket], token: bytes) -> None:
    os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(NAME, encoding="ascii")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # Ansible waits until nobody holds its pipes
        os.dup2(nothing, standard)
    end = time.monotonic() + SECONDS
    while (left := end - time.monotonic()) > 0:
        for door in select.select(doors, [], [], left)[0]:
            with contextlib.suppress(OSError):
                caller = door.accept()[0]
                caller.settimeout(1)
                caller.sendall(token)
                caller.close()


def filtered() -> str:
    """Return the name of the host's own firewall where one looks active, '' where none does."""
    with contextlib.suppress(OSError):
        if "ENABLED=yes" in Path("/etc/ufw/ufw.conf").read_text(encoding="utf-8", errors="replace"):
            return "ufw"
    if _run("systemctl", "is-active", "firewalld").strip() == "active":
        return "firewalld"
    rules = _run("nft", "list", "ruleset")
    return "nftables" if "hook input" in rules and ("drop" in rules or "reject" in rules) else ""


def _run(*command: str) -> str:
    """The output of a program, '' where there is none."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
