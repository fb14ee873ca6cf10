"""Works out what a Windows host is to have of each app, and which of it has to travel there."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gramex_plan import tasks
from gramex_source import identity, parent, private, tree
from gramex_source.wheel import Wheel

from ..host.record import App, Record
from .interpreter import Interpreter

FORMAT = "1"  # of environments: another one makes all of them anew
HOST = Path(__file__).resolve().parents[1] / "host"
# LOCAL SERVICE: the module gives tasks no account without a password but this, NETWORK SERVICE and SYSTEM.
TASK_ACCOUNT = "S-1-5-19"
SCRIPT = '''\
"""Runs the app {name} as the Windows service {service}. Written by the role winservice."""

import json
import os
import sys
from pathlib import Path

os.environ.update(json.loads(Path(__file__).with_name("settings.json").read_text(encoding="utf-8"))["variables"])

from gramex.winservice import GramexService


class Service(GramexService):
    _svc_name_ = "{service}"
    _svc_display_name_ = "Gramex {name}"
    _svc_description_ = "Runs the app {name}, at port {port}."


if __name__ == "__main__":
    sys.exit(Service.setup(sys.argv[1:]))
'''


@dataclass(frozen=True)
class Settings:
    """What all apps of a run share."""

    wheel: Wheel
    lock: Path
    interpreter: Interpreter


def source(app: Mapping[str, Any]) -> list[tree.Entry]:
    """Return the tree of an app: its folder, or its several apps in one. Raises SourceError."""
    entries = parent.entries(app["apps"]) if app["apps"] else tree.read(Path(app["source"]))
    for entry in entries:
        if entry.kind == "link":
            raise tree.SourceError(
                f"app {app['name']}: {entry.name} is a link, which a release on Windows cannot hold: put a file there"
            )
    return entries


def describe(app: Mapping[str, Any], record: Record, settings: Settings) -> dict[str, Any]:
    """Return one app (of private.join) as the host's program wants it. Raises SourceError."""
    content = identity.contents(source(app), [inside["name"] for inside in app["apps"]])
    environment = identity.key(
        content["needs"],
        wheel=settings.wheel.digest,
        lock=hashlib.sha256(settings.lock.read_bytes()).hexdigest(),
        interpreter=settings.interpreter.digest,
        format=FORMAT,
    )
    made = {
        **{
            key: app[key] for key in ("name", "service", "account", "data", "port", "expose", "health", "drain", "keep")
        },
        "home": app["home"],
        "module": f"service_{app['name'].replace('-', '_')}",
        "script": SCRIPT.format(name=app["name"], service=app["service"], port=app["port"]),
        "launch": (HOST / "launch.py").read_text(encoding="utf-8"),
        "options": options(app),
        "tasks": [scheduled(task) for task in app["schedule"]],
        "environment": environment,
        "requirements": content["requirements"],
        "files": content["files"],
    }
    told = {key: made[key] for key in ("files", "environment", "script", "launch", "options", "data")}
    commands = {task["name"]: task["command"] for task in made["tasks"]}
    digest = identity.digest({**told, "commands": commands, "private": private.digest(app, record.key)})
    known = record.apps.get(app["name"], App())
    release = known.find(digest)
    return {
        **made,
        "grants": grants(app, bool(commands), bool(known.tasks)),
        "digest": digest,
        "release": release,
        "archive": not release,
        "changed": not release or known.active != release,
        "registered": bool(known.active),
        "former": sorted(set(known.tasks) - set(commands)),
    }


def grants(app: Mapping[str, Any], tasks: bool, former: bool) -> list[dict[str, str]]:
    """Return the rights that accounts have to an app's folders; `former`: there were tasks, whose account had some."""
    users = {app["account"]: "present"}
    if tasks or former:
        users[TASK_ACCOUNT] = "present" if tasks else "absent"
    return [
        {"path": app[key], "user": user, "rights": rights, "state": state}
        for user, state in users.items()
        for key, rights in (("home", "ReadAndExecute"), ("data", "Modify"))
    ]


def options(app: Mapping[str, Any]) -> list[str]:
    """Return the server's options of an app, as `gramex service install` takes them."""
    where = [f"--listen.address={app['address']}"] if app["address"] else []
    return [
        f"--listen.port={app['port']}",
        *where,
        f"--listen.health={app['health']}",
        f"--listen.drain={app['drain']}",
    ]


def scheduled(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task with its triggers, and its limit as a duration."""
    return {
        "name": task["name"],
        "command": task["command"],
        "triggers": tasks.triggers(task),
        "limit": tasks.duration(int(task.get("timeout") or 3600)),
        "catch_up": bool(task.get("catch_up", True)),
    }


def pack(target: Path, apps: Iterable[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the archives of new releases into one file.

    Raises SourceError where an app's folder changed since it was described: what travels must be what was compared.
    """
    with tarfile.open(target, "w") as tar:
        for app in (app for app in apps if app["archive"]):
            with tempfile.TemporaryFile() as packed:
                if tree.archive(source(sources[app["name"]]), packed) != app["files"]:
                    raise tree.SourceError(f"app {app['name']}: its folder changed while it was read. Run again")
                member = tarfile.TarInfo(f"{app['name']}.tar.gz")
                member.size = packed.tell()
                packed.seek(0)
                tar.addfile(member, packed)


def record_of(text: str) -> Record:
    """Return the record of a host from its file's text, '' where it has none."""
    return Record.parse(text)


def instructions(step: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the host's program is told, in plain values."""
    return {"step": step, **json.loads(json.dumps(private.plain(more)))}
