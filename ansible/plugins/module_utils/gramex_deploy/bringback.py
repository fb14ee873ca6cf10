"""Puts the data, env and secrets of a backup in the place of those that an app has, and starts it with them."""

from __future__ import annotations

from pathlib import Path

from . import files, removal, saved, switch, systemd
from .problem import Problem
from .standing import Standing


def restore(app: Standing, archive: Path) -> str:
    """Restore an app from a backup; return what was done. Raises Problem, then all is as it was.

    All of the backup is unpacked before anything changes. While the data are exchanged the name of the active colour is
    away: on a systemd host a connection waits then, instead of starting the app on the wrong data.
    """
    found = saved.read(archive)
    if found.manifest["app"] != app.name:
        raise Problem(f"this is a backup of the app {found.manifest['app']}, not of {app.name}")
    data = removal.DATA / app.name
    aside, before = data.with_name(f".{app.name}.restored"), data.with_name(f".{app.name}.before")
    if before.exists() and not data.exists():
        before.rename(data)  # an earlier restore was ended in the middle
    for place in (aside, before):
        files.remove(place)
    try:
        saved.unpack(archive, aside, app.settings["user"])
        return _exchange(app, found, data, aside, before)
    finally:
        files.remove(aside)


def _exchange(app: Standing, found: saved.Saved, data: Path, aside: Path, before: Path) -> str:
    colour, left = app.colour, app.release
    chosen = _release(app, str(found.manifest["release"]))
    former = saved.private(removal.CONFIG / app.name)
    record = dict(app.record.started)
    (app.home / "active").unlink()
    try:
        _stop(app)
        data.rename(before)
        aside.rename(data)
        _write(app, found.config)
        _start(app, colour, chosen, changed=former != found.config)
    except (Problem, OSError) as problem:
        _stop(app)
        if before.exists():
            files.remove(data)
            before.rename(data)
        _write(app, former)
        app.record.started = record
        _start(app, colour, left, changed=False)
        raise Problem(
            f"app {app.name}: the backup does not serve, what was there before does again: {problem}"
        ) from problem
    files.remove(before)
    note = (
        "" if chosen == found.manifest["release"] else f"; its release {found.manifest['release']} is not on the host"
    )
    return f"data, env and secrets of {found.manifest['time']} are back, {chosen} serves as {colour}{note}"


def _release(app: Standing, wanted: str) -> str:
    known = app.record.releases.get(wanted)
    usable = known and known.state != "bad" and (app.home / "venvs" / known.environment).is_dir()
    return wanted if usable else app.release


def _stop(app: Standing) -> None:
    """End the processes of an app, its tasks too."""
    if isinstance(app.services, systemd.Systemd):
        systemd.systemctl("stop", f"gramex-{app.name}:*.service", check=False)
    for colour in ("blue", "green"):
        switch.wait(colour, app.services, app.settings["drain"] + 20)


def _start(app: Standing, colour: str, chosen: str, changed: bool) -> None:
    """Start a colour with a release as the active one; `changed`: the next deploy is to look at env and secrets."""
    files.point(app.home / "run" / f"{colour}-1", f"../releases/{chosen}")
    files.point(app.home / "venvs" / f"{colour}-1", app.record.releases[chosen].environment)
    app.record.started = {colour: "restored" if changed else app.wanted(chosen)}
    app.record.write(app.home)
    files.replace(app.home / "active", f"{colour}\n".encode())
    app.services.start(colour, app.settings["start_timeout"], keep=True)
    app.services.face(colour)


def _write(app: Standing, texts: dict[str, bytes]) -> None:
    folder = removal.CONFIG / app.name
    for name in set(saved.PRIVATE) - set(texts):
        files.remove(folder / name)
    for name, text in texts.items():
        files.replace(folder / name, text, 0, files.gid(app.settings["user"]), 0o640)
