"""Works out what a host is to have of each app, and which of it has to travel there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import identity, parent, private, services, tasks, tree
from .distribution import FULL, Locks
from .wheel import Wheel


@dataclass(frozen=True)
class Settings:
    """What all apps of a run share. `settle`: nginx uses the present addresses, former ones can go."""

    repository: Path
    templates: Path
    wheel: Wheel
    lock: Path
    socket_group: str
    start_timeout: int
    settle: bool = False
    tools: str = ""


def source(app: Mapping[str, Any]) -> list[tree.Entry]:
    """Return the tree of an app: its folder, or its several apps in one. Raises SourceError."""
    return parent.entries(app["apps"]) if app["apps"] else tree.read(Path(app["source"]))


def on_host(app: Mapping[str, Any]) -> str:
    """Return the folder of an app that is on the host already, '' where the controller has it."""
    return str(app["source"]["host"]) if isinstance(app["source"], Mapping) else ""


def describe(app: Mapping[str, Any], state: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return one app (of private.join) as gramex_apply wants it; `state` is gramex_state's. Raises SourceError."""
    name, known = app["name"], state["apps"][app["name"]]
    there = on_host(app)
    inside = [one["name"] for one in app["apps"]]
    content = state["sources"][name] if there else identity.contents(source(app), inside)
    found = state["pythons"][app["python"]]
    interpreter = f"{found['abi']}-{hashlib.sha256(app['python'].encode()).hexdigest()[:8]}"
    locks = Locks.of(app, settings.lock, settings.repository)
    # The wheel of this runtime is in no environment of the full Gramex: both are imported as gramex.
    wheel = "" if app["distribution"] == FULL else settings.wheel.digest
    environment = identity.key(content["needs"], wheel=wheel, lock=locks.digest, interpreter=interpreter)
    secret = private.digest(app, state["key"])
    digest = identity.release(content["files"], environment, secret, app["user"], app["shared"])
    held = services.held(app, state["init"], known["sockets"], settings.settle)
    told = {"socket_group": settings.socket_group, "start_timeout": settings.start_timeout}
    units = (
        services.systemd(settings.templates, app, held, **told)
        if state["init"] == "systemd"
        else services.sysv(settings.templates, app, **told)
    )
    units.update(tasks.texts(settings.templates, app, state["init"]))
    return {
        **{
            key: app[key]
            for key in (
                "name",
                "user",
                "home",
                "data",
                "config",
                "python",
                "port",
                "keep",
                "drain",
                "observe",
                "shared",
                "health",
                "distribution",
            )
        },
        "address": services.address(app, state["init"]),
        "inside": inside,
        "found": found,
        "interpreter": interpreter,
        "environment": environment,
        "source": there,
        **{key: content[key] for key in ("requirements", "files", "setup", "size")},
        "digest": digest,
        "units": units,
        "sockets": list(held),
        "lock_digest": locks.digest,
        "locks": {file: str(place) for file, place in locks.places.items()},
        "archive": digest not in known["digests"],
        "build": environment not in known["environments"],
    }


def packages(apps: list[dict[str, Any]]) -> list[str]:
    """Return the Debian packages without which environments that have to be built cannot be."""
    lacking = [app["python"] for app in apps if app["build"] and not app["found"]["ensurepip"]]
    return sorted({f"{Path(python).name}-venv" for python in lacking if python.startswith("/usr/bin/python3")})


def shared(state: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what all apps of a host share, as gramex_apply wants it."""
    return {
        "init": state["init"],
        "wheel": settings.wheel.place.name,
        "wheel_digest": settings.wheel.digest,
        "start_timeout": settings.start_timeout,
        "socket_group": settings.socket_group,
        "tools": settings.tools,
    }
