"""Brings the wanted release into service: starts it as the idle colour, makes that the active one, drains the other."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Protocol

from . import files
from .problem import Problem
from .record import Record, active, other

STEP = 0.1  # seconds
LIVE = ("running", "stale", "starting", "failed", "partial")  # states in which a colour has, or will have, a process


class Services(Protocol):
    """What starts and stops colours: Systemd or Sysv."""

    boot: str
    both: bool

    @property
    def instances(self) -> int: ...

    def state(self, colour: str) -> str: ...
    def ready(self, files: files.Files) -> bool: ...
    def start(self, colour: str, timeout: int, keep: bool = False) -> None: ...
    def faces(self, colour: str) -> bool: ...
    def face(self, colour: str) -> None: ...
    def rehearse(self, colour: str, timeout: int) -> None: ...
    def give_way(self, colour: str) -> None: ...
    def drain(self, colour: str) -> None: ...
    def kill(self, colour: str) -> None: ...
    def lives(self, colour: str) -> list[str]: ...
    def log_of(self, colour: str, since: float) -> str: ...


def started(digest: str, text: str) -> str:
    """Return the digest of what a colour is started with: the release's and the text that starts it."""
    return hashlib.sha256(f"{digest} {text}".encode()).hexdigest()


def serves(home: Path, record: Record, wanted: str, services: Services) -> bool:
    """True if the active colour runs and was started with just what is wanted."""
    colour = active(home)
    return colour is not None and record.started.get(colour) == wanted and services.state(colour) == "running"


def change(home: Path, record: Record, release: str, wanted: str, services: Services, drain: int, timeout: int) -> str:
    """Bring a release into service and return the colour that now serves.

    `wanted` says with what it is started (its digest and its units'), `drain` and `timeout` are the seconds that the
    old one has to end and the new one to become ready. Raises Problem if it does not; the former colour still serves.
    """
    former = active(home)
    colour = other(former)
    if former and record.started.get(former) == wanted and services.state(former) not in ("running", "stale"):
        colour = former  # it is the right one, and only has to run
    right = record.started.get(colour) == wanted
    if right and services.state(colour) == "partial":
        services.start(colour, timeout, keep=True)  # those of its processes that have ended, beside those that serve
    elif not right or services.state(colour) != "running":
        _start(home, record, colour, release, wanted, services, drain, timeout)
    record.releases[release].state, record.releases[release].served = "good", time.time()
    record.write(home)
    files.replace(home / "active", f"{colour}\n".encode())
    services.face(colour)
    return colour


def rest(home: Path, services: Services) -> bool:
    """Drain the colour that does not serve, should it run or have the address. Returns True if it did."""
    colour = active(home)
    idle = other(colour)
    faces = colour is None or services.faces(colour)
    if colour and not faces:
        services.face(colour)
    if services.state(idle) not in LIVE:
        return not faces
    services.drain(idle)
    return True


def wait(colour: str, services: Services, seconds: int) -> None:
    """Wait until a colour has ended; one that takes longer than it may is killed."""
    if services.state(colour) in LIVE:
        services.drain(colour)
    deadline = time.monotonic() + seconds
    while services.state(colour) != "stopped":
        if time.monotonic() > deadline:
            services.kill(colour)
            return
        time.sleep(STEP)


def _start(
    home: Path, record: Record, colour: str, release: str, wanted: str, services: Services, drain: int, timeout: int
) -> None:
    former = active(home)
    wait(colour, services, drain + 20)
    files.point(home / "run" / f"{colour}-1", f"../releases/{release}")
    files.point(home / "venvs" / f"{colour}-1", record.releases[release].environment)
    for number in range(2, services.instances + 1):  # they follow the first
        for folder in ("run", "venvs"):
            files.point(home / folder / f"{colour}-{number}", f"{colour}-1")
    record.started[colour] = wanted
    record.write(home)
    try:
        if not services.both and former and former != colour:
            services.rehearse(colour, timeout)
            services.give_way(former)
        services.start(colour, timeout, keep=colour == former)
    except Problem:
        if record.releases[release].state == "new":
            record.releases[release].state = "bad"
        if colour != former:
            record.started.pop(colour, None)
            for folder in ("run", "venvs"):
                (home / folder / f"{colour}-1").unlink(missing_ok=True)
        record.write(home)
        raise
