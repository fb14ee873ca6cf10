"""Makes and removes the system user that runs one app."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

from .files import Files

# Written into the user's entry, so that a user who was there before is never taken for ours and removed.
MARK = "Gramex app "


def ensure(files: Files, name: str, app: str, home: str) -> bool:
    """Make the user and a group of the same name, if they are not there. Returns True if that was a change.

    Raises OSError with useradd's words when it refuses.
    """
    if exists(name):
        return False
    files.done.append(f"user {name} made")
    if not files.check:
        group = ["--gid", name] if _group(name) else ["--user-group"]
        _run(
            *("useradd", "--system", *group, "--home-dir", home, "--no-create-home"),
            *("--shell", "/usr/sbin/nologin", "--comment", f"{MARK}{app}", name),
        )
    return True


def remove(files: Files, name: str) -> bool:
    """Remove a user whom `ensure` made, and what still runs as this user. Returns True if there was one."""
    if not exists(name) or not pwd.getpwnam(name).pw_gecos.startswith(MARK):
        return False
    files.done.append(f"user {name} removed")
    if not files.check:
        _end(pwd.getpwnam(name).pw_uid)
        _run("userdel", name)
        if _group(name):
            _run("groupdel", name)
    return True


def exists(name: str) -> bool:
    """True if there is a user of this name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _end(number: int) -> None:
    """Kill what runs as a user who is about to go, and wait a little until it is gone."""
    for _ in range(50):
        running = [place for place in Path("/proc").glob("[0-9]*") if _owner(place) == number]
        if not running:
            return
        for place in running:
            try:
                os.kill(int(place.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)


def _owner(place: Path) -> int | None:
    try:
        return place.stat().st_uid
    except OSError:
        return None


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
