"""Packs what a host lacks into one file: archives of new releases, locks and wheel for environments to build."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import tree, wanted
from .wheel import Wheel


def pack(
    target: Path, apps: Iterable[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]], wheel: Wheel
) -> bool:
    """Write the file; return whether anything is in it. `apps` are as wanted.describe made them, `sources` the plan's.

    Raises SourceError where an app's folder changed since it was described: what travels must be what was compared.
    """
    apps = list(apps)
    with tarfile.open(target, "w") as tar:
        for app in (app for app in apps if app["archive"] and not app["source"]):
            with tempfile.TemporaryFile() as packed:
                if tree.archive(wanted.source(sources[app["name"]]), packed) != app["files"]:
                    raise tree.SourceError(f"app {app['name']}: its folder changed while it was read. Run again")
                member = tarfile.TarInfo(f"{app['name']}.tar.gz")
                member.size = packed.tell()
                packed.seek(0)
                tar.addfile(member, packed)
        locks = {name: place for app in apps if app["build"] for name, place in app["locks"].items()}
        for name, place in locks.items():
            tar.add(place, name)
        if locks or any(app["archive"] and app["setup"] for app in apps):  # `gramex setup` is this runtime's
            tar.add(wheel.place, wheel.place.name)
        return bool(tar.getmembers())
