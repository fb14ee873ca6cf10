"""Makes one copy of an app that is never changed again, and forgets the copies that nobody needs any more."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from . import record
from .problem import Problem

SECONDS = 300


def name(digest: str, taken: Iterable[str]) -> str:
    """Return the ID of a new release: UTC time and 8 digits of its digest; later than any that is `taken`."""
    now = time.time()
    newest = max(taken, default="")
    while (found := f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{digest[:8]}") <= newest:
        now += 1
    return found


def make(
    home: Path, name: str, archive: Path, python: Path, app: Mapping[str, Any], private: Mapping[str, Any]
) -> None:
    """Unpack, byte-compile and judge a release aside, then give it its name. Raises Problem."""
    releases = home / "releases"
    aside = releases / f".{name}.new"
    remove(aside)
    try:
        extract(archive, aside)
        if private["secrets"]:
            (aside / ".secrets.yaml").write_text(private["secrets"], encoding="utf-8")
        start = home / "services" / name
        remove(start)
        start.mkdir(parents=True)
        write_service(start, app, private)
        run([str(python), "-m", "compileall", "-q", str(aside)], aside, {})
        judge(aside, python, variables(app, private))
        aside.rename(releases / name)
    finally:
        remove(aside)


def variables(app: Mapping[str, Any], private: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of an app's processes, beside those of the host."""
    role = {"GRAMEXDATA": app["data"], "GRAMEX_INSTANCE": app["service"], "PYTHONUNBUFFERED": "1"}
    return {**private["env"], **role}


def write_service(folder: Path, app: Mapping[str, Any], private: Mapping[str, Any]) -> None:
    """Write what starts a release: its class for the service manager, and its variables and tasks."""
    tasks = {task["name"]: task["command"] for task in app["tasks"]}
    told = {"variables": variables(app, private), "options": app["options"], "tasks": tasks}
    (folder / "settings.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / f"{app['module']}.py").write_text(app["script"], encoding="utf-8")
    (folder / "launch.py").write_bytes(app["launch"].encode())


def judge(folder: Path, python: Path, more: Mapping[str, str]) -> None:
    """Let `gramex check` read and build everything as a start would. Raises Problem with what it says."""
    done = run([str(python), "-m", "gramex", "check", "--config"], folder, more)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise Problem("gramex check: " + ("\n".join(lines[-20:]) or f"exit code {done.returncode}"))


def run(command: list[str], folder: Path, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, with more variables; output and errors come in one text."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1", **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Problem(f"{' '.join(command[1:4])}: no end within {SECONDS} s") from error


def extract(archive: Path, folder: Path) -> None:
    """Unpack an archive. Raises Problem for a name that leaves the folder, or a link: Windows hosts have none."""
    folder.mkdir(parents=True)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            if not parts or member.name.startswith("/") or ".." in parts or set(member.name) & set('\\:*?"<>|'):
                raise Problem(f"{member.name} is no name for a file on Windows")
            place = folder.joinpath(*parts)
            if member.isdir():
                place.mkdir()
            elif content := tar.extractfile(member) if member.isreg() else None:
                with content, place.open("xb") as written:
                    shutil.copyfileobj(content, written)
            else:
                raise Problem(f"{member.name} is a link, which a release on Windows cannot hold: put a file there")


def prune(home: Path, app: record.App, keep: int) -> list[str]:
    """Remove releases but the active one, the last `keep` good ones and the last bad one; return their names."""
    by_state = {state: sorted(n for n, r in app.releases.items() if r.state == state) for state in ("good", "bad")}
    kept = {app.active, *by_state["good"][-keep:], *by_state["bad"][-1:]}
    gone = [known for known in app.releases if known not in kept]
    for known in gone:
        del app.releases[known]
    for folder in (home / "releases", home / "services"):
        for place in folder.iterdir() if folder.is_dir() else ():
            if place.name not in app.releases:
                remove(place)
    return gone


def remove(place: Path) -> None:
    """Remove a file or folder, also one whose files are marked read-only."""

    def again(function: Any, path: str, _error: Any) -> None:
        Path(path).chmod(stat.S_IWRITE)
        function(path)

    if place.is_dir():
        shutil.rmtree(place, onerror=again)
    elif place.exists():
        place.unlink()
