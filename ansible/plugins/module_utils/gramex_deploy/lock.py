"""Lets one run at a time change a host, and tells the others who that is, what for and for how long.

A process that changes something holds the file `process`; a run, from its first question to its last change, has
`lease.json`.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import files
from .problem import Problem

FOLDER = Path("/run/gramex-lock")  # not /run/lock, where anybody may write
SECONDS = 120


class Held(Problem):
    """Another run has the host. `lease` is what it noted of itself."""

    def __init__(self, lease: Mapping[str, Any]) -> None:
        super().__init__(text(lease))
        self.lease = dict(lease)


def text(lease: Mapping[str, Any]) -> str:
    """Say in words who holds a host, and what somebody who cannot wait may do."""
    since, until = (time.strftime("%H:%M:%S", time.gmtime(lease[key])) for key in ("since", "until"))
    return (
        f"{lease['holder']} changes this host: {lease['purpose']}, since {since} UTC, at the latest until {until} UTC. "
        "Let it end and run again; or take its place, if you know that it is dead: -e gramex_break_lock=true"
    )


@contextmanager
def alone(seconds: int = SECONDS) -> Iterator[None]:
    """Hold the host for as long as this process lives, however it ends. Raises Problem after `seconds` of waiting."""
    with _file("process").open("w") as lock:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Problem(
                        f"another run changes this host for more than {seconds} s: let it end, then run again"
                    ) from None
                time.sleep(0.5)
        yield


def take(wanted: Mapping[str, Any]) -> None:
    """Take or renew the lease for a run. Raises Held where another run has it and its time is not over.

    `wanted` has token, holder, purpose, seconds; `broken` says that whoever has it loses it, `instead` names a token
    whose run is known to be dead.
    """
    if not wanted:
        return
    now = time.time()
    with _file("door").open("w") as door:  # two runs that ask at the same moment
        fcntl.flock(door, fcntl.LOCK_EX)
        found = holder()
        own = found is not None and found["token"] == wanted["token"]
        free = found is None or own or found["until"] <= now
        if not free and found and not wanted.get("broken") and wanted.get("instead") != found["token"]:
            raise Held(found)
        lease = {
            **{key: wanted[key] for key in ("token", "holder", "purpose")},
            "since": found["since"] if own and found else now,
            "until": now + float(wanted["seconds"]),
        }
        files.replace(FOLDER / "lease.json", json.dumps(lease).encode(), mode=0o600)


def give(wanted: Mapping[str, Any]) -> None:
    """Give the lease back, if it is this run's."""
    found = holder()
    if wanted and found and found["token"] == wanted["token"]:
        (FOLDER / "lease.json").unlink(missing_ok=True)


@contextmanager
def had(lease: Mapping[str, Any]) -> Iterator[None]:
    """Have the host for one process's work, which is all that a run does there. Raises Held, and as `alone` does."""
    take(lease)
    try:
        with alone():
            yield
    finally:
        give(lease)


def forget() -> None:
    """Remove what locks leave: no app is on the host any more."""
    files.remove(FOLDER)


def holder() -> dict[str, Any] | None:
    """Return the lease that somebody has, None where nobody does. One that cannot be read binds nobody."""
    try:
        found = json.loads((FOLDER / "lease.json").read_text(encoding="utf-8"))
        return {**found, "since": float(found["since"]), "until": float(found["until"]), "token": str(found["token"])}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _file(name: str) -> Path:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    return FOLDER / name
