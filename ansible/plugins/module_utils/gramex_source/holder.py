"""Says who this run is, for the lock of a host, and whether the run that has it is dead."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LEASE = 1800  # seconds; each step of a run renews it


def lease(purpose: str, broken: bool = False, seconds: int = LEASE) -> dict[str, Any]:
    """Return what a run tells a host of itself. Called in a worker: the run is its parent."""
    return {
        "token": token(os.getppid()),
        "holder": f"{_user()}@{platform.node()}",
        "purpose": purpose,
        "seconds": seconds,
        "broken": broken,
    }


def ask(execute: Callable[[dict[str, Any]], dict[str, Any]], told: dict[str, Any]) -> dict[str, Any]:
    """Run a module that takes the host's lock with the `lease` in `told`; in the place of a run that is dead, again."""
    result = execute(told)
    if result.get("held") and dead(result["held"]):
        result = execute({**told, "lease": {**told["lease"], "instead": result["held"]["token"]}})
    return result


def token(process: int) -> str:
    """Name a process of this machine so that no later one, and none of another machine, has the same name."""
    return f"{_machine()} {process} {_began(process)}"


def dead(held: Mapping[str, Any]) -> bool:
    """True if the run that has a lease was one of this machine and has ended."""
    machine, _, rest = str(held.get("token", "")).rpartition(" ")[0].rpartition(" ")
    if machine != _machine() or not rest.isdigit():
        return False
    return token(int(rest)) != held["token"]


def _machine() -> str:
    """This machine, since it was started."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = "-"
    return f"{platform.node()}/{boot}"


def _began(process: int) -> str:
    """When a process began, in ticks; `gone` where there is none, `-` where a machine does not tell."""
    place = Path(f"/proc/{process}/stat")
    try:
        state, *rest = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "gone" if state in "ZX" else rest[18]
    except (OSError, IndexError, ValueError):
        pass
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "gone"
    except OSError:
        pass
    return "-"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number that no name belongs to
        return str(os.getuid())
