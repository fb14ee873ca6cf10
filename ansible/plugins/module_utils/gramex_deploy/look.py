"""Looks at the apps of a host: what serves, since when, with how much memory, and what they wrote to their logs."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import removal, sysv
from .problem import Problem
from .standing import Standing
from .systemd import show


def row(name: str) -> dict[str, Any]:
    """Return what the table of `status` says of an app; an app that was never brought into service has a state only."""
    try:
        app = Standing.of(name)
    except Problem:
        return {"name": name, "state": "not deployed"}
    found = {
        "name": name,
        "release": app.release,
        "colour": app.colour,
        "state": app.services.state(app.colour),
    }
    return {**found, **(_process(app, app.services) if isinstance(app.services, sysv.Sysv) else _unit(app))}


def log(name: str, lines: int) -> str:
    """Return the last lines that an app, and those who start and stop it, wrote to its log."""
    app = Standing.of(name)
    if isinstance(app.services, sysv.Sysv):
        return sysv.tail(app.services.log, 0, "", lines)
    units = [f"--unit=gramex-{name}{end}" for end in ("@*.service", ".service", ".socket", ":*.service")]
    command = ["journalctl", *units, f"--lines={lines}", "--no-pager", "--quiet", "--output=short-iso"]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.rstrip()


def _unit(app: Standing) -> dict[str, Any]:
    """Of all processes of the colour together; since when is that of the one that was started last."""
    [boots] = show([f"gramex-{app.name}.service"], "UnitFileState")
    names = ("ActiveEnterTimestampMonotonic", "MemoryCurrent", "NRestarts")
    units = [unit for unit in show([f"gramex-{app.name}@{app.colour}-*.service"], *names) if unit]
    began = max((int(unit["ActiveEnterTimestampMonotonic"]) / 1e6 for unit in units), default=0)
    return {
        "since": time.time() - (time.clock_gettime(time.CLOCK_MONOTONIC) - began) if began else None,
        "memory": sum(int(unit["MemoryCurrent"]) for unit in units if unit["MemoryCurrent"].isdigit()) or None,
        "restarts": sum(int(unit["NRestarts"]) for unit in units),
        "boot": boots["UnitFileState"] == "enabled",
    }


def _process(app: Standing, services: sysv.Sysv) -> dict[str, Any]:
    """Of a process that an init script started; how often it was restarted is not known there."""
    found: dict[str, Any] = {"boot": services.boots()}
    if services.crashed(app.colour):
        return {**found, "state": "crashed"}
    with suppress(OSError, ValueError, StopIteration):
        number = int((removal.RUN / f"{app.name}-{app.colour}.pid").read_text(encoding="ascii"))
        status = Path(f"/proc/{number}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
        found |= {"since": Path(f"/proc/{number}").stat().st_ctime, "memory": memory}
    return found
