"""Reads what a host is to have from standard input, does one step of it, and prints what came of that as JSON.

Standard input, because everybody on the host may see a command line, and the text holds secrets.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import alone, release, switch
from .problem import Problem
from .record import MARK, App, Record, Release
from .service import STATES, STOPPED, Service

HIDDEN = "********"


def prepare(told: Mapping[str, Any], root: Path, record: Record) -> list[dict[str, Any]]:
    """Make releases and register services, without a change of what serves."""
    incoming = root / "incoming"
    payload = incoming / "payload.tar"
    if payload.is_file():
        with tarfile.open(payload) as tar:
            for member in tar:
                if "/" not in member.name and (source := tar.extractfile(member)):
                    (incoming / member.name).write_bytes(source.read())
    rows = [_each(app, told, record, lambda app: _prepare(app, told, root, record)) for app in told["apps"]]
    for place in incoming.iterdir() if incoming.is_dir() else ():
        release.remove(place)
    return rows


def _prepare(app: Mapping[str, Any], told: Mapping[str, Any], root: Path, record: Record) -> dict[str, Any]:
    home, known, done = root / app["name"], record.apps.setdefault(app["name"], App()), []
    environment = root / "environments" / app["environment"]
    python = environment / "python.exe"
    known.data = app["data"]
    for folder in (home / "releases", home / "services", Path(app["data"]) / "data" / app["name"]):
        if not folder.is_dir():
            folder.mkdir(parents=True)
            done.append(f"folder {folder} made")
    if not (environment / "compiled.txt").is_file():
        if not (environment / MARK).is_file():
            raise Problem(f"environment {app['environment']} is not complete on the host. Run again")
        # Packages may carry files that are no Python of this version: what does not compile is no reason to stop.
        release.run([str(python), "-m", "compileall", "-q", str(environment / "Lib" / "site-packages")], root, {})
        (environment / "compiled.txt").write_text("", encoding="utf-8")
        done.append(f"environment {app['environment']} unpacked")
    name = known.find(app["digest"])
    if not name:
        archive = root / "incoming" / f"{app['name']}.tar.gz"
        if not archive.is_file():
            raise Problem("the release is not on the host and did not come along: another run was under way. Run again")
        name = release.name(app["digest"], known.releases)
        release.make(home, name, archive, python, app, told["private"][app["name"]])
        known.releases[name] = Release(app["digest"], app["environment"])
        done.append(f"release {name} unpacked")
    if not Service(app["service"]).state():
        switch.register(app, known, known.active or name, root)
        done.append(f"service {app['service']} registered")
    return {"release": name, "done": done, "changed": bool(done)}


def serve(told: Mapping[str, Any], root: Path, record: Record) -> list[dict[str, Any]]:
    """Let the wanted releases serve, and forget what is needed no more."""
    rows = [_each(app, told, record, lambda app: _serve(app, told, root, record)) for app in told["apps"]]
    used = {known.environment for app in record.apps.values() for known in app.releases.values()}
    environments = root / "environments"
    for place in environments.iterdir() if environments.is_dir() else ():
        if place.name not in used:
            release.remove(place)
    return rows


def _serve(app: Mapping[str, Any], told: Mapping[str, Any], root: Path, record: Record) -> dict[str, Any]:
    known = record.apps[app["name"]]
    name = known.find(app["digest"])
    if not name:
        raise Problem("the release is not there")
    known.tasks = [task["name"] for task in app["tasks"]]
    changed, gap = switch.serve(app, known, name, root, told["start_timeout"])
    gone = release.prune(root / app["name"], known, app["keep"])
    done = [f"release {name} serves"] if changed else []
    row = {"release": name, "environment": known.releases[name].environment, "boot": True, "changed": changed}
    row |= {"done": done + [f"release {each} removed" for each in gone]}
    row["state"] = STATES.get(Service(app["service"]).state(), "missing")
    return row if gap is None else {**row, "gap": round(gap, 2)}


def remove(told: Mapping[str, Any], root: Path, record: Record) -> list[dict[str, Any]]:
    """Take away the services, releases and, where wanted, the data of apps."""
    rows = []
    for name, data in told["absent"].items():
        known = record.apps.get(name)
        service = Service(f"gramex-{name}")
        there = known is not None or (root / name).exists() or service.state() > STOPPED - 1
        service.remove(told["stop_timeout"])
        release.remove(root / name)
        if data and known and known.data:
            release.remove(Path(known.data))
        record.apps.pop(name, None)
        rows.append(
            {"name": name, "state": "absent", "changed": there, "done": [f"app {name} removed"] if there else []}
        )
    return rows


STEPS = {"prepare": prepare, "serve": serve, "remove": remove}


def _each(app: Mapping[str, Any], told: Mapping[str, Any], record: Record, step: Any) -> dict[str, Any]:
    """Run a step of one app; one that fails stops no other."""
    try:
        return {"name": app["name"], **step(app)}
    except (Problem, OSError, subprocess.SubprocessError, tarfile.TarError) as problem:
        text = str(problem)
        for value in told["private"][app["name"]]["hidden"]:
            text = text.replace(value, HIDDEN)
        return {"name": app["name"], "changed": True, "done": [], "failed": f"app {app['name']}: {text}"}


def main() -> int:
    """Do the step that standard input tells; the exit code is 0 where the answer on standard output holds."""
    told = json.loads(zlib.decompress(base64.b64decode(sys.stdin.read())))
    root = Path(told["root"])
    with alone.alone(root):
        record = Record.read(root)
        record.key = record.key or told["key"]
        try:
            rows = STEPS[told["step"]](told, root, record)
        finally:
            record.write(root)
    print(json.dumps({"rows": rows, "changed": any(row["changed"] for row in rows)}))
    return 0
