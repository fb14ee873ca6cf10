"""Lets another release serve: it must answer before the former one stops being the way back."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .problem import Problem
from .record import App
from .service import Service

STEP = 0.1
LINES = 20
STOP_MORE = 20.0  # seconds beyond the drain time


def status(port: int, path: str, seconds: float) -> int:
    """Return the status of an answer on loopback, 0 where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def healthy(app: Mapping[str, Any], service: Service, seconds: float) -> str:
    """Wait until the app answers below 400; return '' then, else why not."""
    until = time.monotonic() + seconds
    found = 0
    while time.monotonic() < until:
        if 0 < (found := status(app["port"], app["health"], 5)) < 400:
            return ""
        if not service.running:
            return "the service ended"
        time.sleep(STEP)
    return f"{app['health']} answers with status {found}" if found else f"nobody answers on port {app['port']}"


def serve(app: Mapping[str, Any], known: App, wanted: str, root: Path, seconds: float) -> tuple[bool, float | None]:
    """Let release `wanted` serve; return whether anything changed, and the gap in seconds if users could see one.

    Raises Problem after the former release serves again. The caller writes the record.
    """
    service = Service(app["service"])
    former = known.active
    if former == wanted and service.running and not healthy(app, service, min(seconds, 10)):
        return False, None
    stop = app["drain"] + STOP_MORE
    if not service.running and status(app["port"], "/", 2):
        raise Problem(f"port {app['port']} is taken by another program. Stop that, or give the app another port")
    served = service.running
    began = time.monotonic()
    try:
        if former != wanted:
            register(app, known, wanted, root)
        began = time.monotonic()
        service.stop(stop)
        service.start(seconds)
        if why := healthy(app, service, seconds):
            raise Problem(f"release {wanted} is not healthy: {why}")
    except Problem as problem:
        end = log_end(root / app["name"] / "releases" / wanted, Path(app["data"]))
        raise Problem("\n".join([str(problem), *end, *_back(app, known, former, wanted, root, seconds)])) from None
    gap = time.monotonic() - began if served else None
    known.releases[wanted].state = "good"
    known.active = wanted
    return True, gap


def register(app: Mapping[str, Any], known: App, name: str, root: Path) -> None:
    """Let the service run a release from its next start on."""
    home = root / app["name"]
    python = root / "environments" / known.releases[name].environment / "python.exe"
    script = home / "services" / name / f"{app['module']}.py"
    options = json.loads((script.parent / "settings.json").read_text(encoding="utf-8"))["options"]
    Service(app["service"]).register(python, script, home / "releases" / name, app["account"], options)


def _back(app: Mapping[str, Any], known: App, former: str, wanted: str, root: Path, seconds: float) -> list[str]:
    """Let the former release serve again; return what to tell of it."""
    service = Service(app["service"])
    if not former or former == wanted:
        with contextlib.suppress(Problem):
            service.stop(app["drain"] + STOP_MORE)
        if not former:
            known.releases[wanted].state = "bad"
        return []
    known.releases[wanted].state = "bad"
    try:
        service.stop(app["drain"] + STOP_MORE)
        register(app, known, former, root)
        service.start(seconds)
        why = healthy(app, service, seconds)
    except Problem as problem:
        why = str(problem)
    return [f"Release {former} serves again." if not why else f"Release {former} does not come back either: {why}"]


def log_end(*folders: Path) -> list[str]:
    """Return the last lines that the service wrote, in whichever of its folders it could."""
    logs = [place for folder in folders for place in folder.rglob("service.log")]
    newest = max(logs, key=lambda place: place.stat().st_mtime, default=None)
    return newest.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:] if newest else []
