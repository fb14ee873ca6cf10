"""Says of each task of an app when it ran, how that ended, when it is due next, and whether a run was missed."""

from __future__ import annotations

import fcntl
import json
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from . import cron, history

HOMES = Path("/srv/gramex")
CONFIG = Path("/etc/gramex")
SYSTEMD = Path("/run/systemd/system")
PATIENCE = 90  # seconds that a run may be late before it counts as missed: cron looks once a minute


def rows(app: str, now: float | None = None) -> list[dict[str, Any]]:
    """Return a row for each task of an app that is on this host, [] where it has none.

    Each has `name`; `last`, `next` and `missed`, local times as text or ''; `exit`, a number or None where no run has
    ended; and `state`: ok, failed, running, interrupted, or '' before the first run. `missed` is when the last run was
    due that did not take place.
    """
    place = CONFIG / app / "schedule.json"
    try:
        tasks, since = json.loads(place.read_text(encoding="utf-8"))["tasks"], place.stat().st_mtime
    except (OSError, ValueError, KeyError):
        return []
    moment = time.time() if now is None else now
    return [_row(app, task, since, moment) for task in tasks]


def _row(app: str, task: dict[str, Any], since: float, now: float) -> dict[str, Any]:
    when = cron.parse(task["cron"])
    runs = history.read(HOMES / app / "tasks" / task["name"])
    ran = [run for run in runs if run["result"] != "overlap"]
    last = ran[-1] if ran else None
    running = bool(last and last["ended"] is None and _runs(app, task["name"]))
    late = now - PATIENCE - task["jitter"]
    due = when.before(datetime.fromtimestamp(late))
    began = max((run["began"] for run in ran), default=0.0)
    missed = due is not None and due.timestamp() >= since and began < due.timestamp() - 1
    following = when.after(datetime.fromtimestamp(now))
    return {
        "name": task["name"],
        "state": "running" if running else _state(last),
        "last": _text(last["began"]) if last else "",
        "exit": last["exit"] if last else None,
        "next": following.strftime("%Y-%m-%d %H:%M:%S") if following else "",
        "missed": due.strftime("%Y-%m-%d %H:%M:%S") if due and missed else "",
    }


def _state(last: dict[str, Any] | None) -> str:
    if last is None:
        return ""
    if last["ended"] is None:
        return "interrupted"
    return "ok" if last["result"] == "success" else "failed"


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _runs(app: str, name: str) -> bool:
    """Whether a task runs now: systemd knows, or the lock that each run holds."""
    if SYSTEMD.is_dir():
        command = ["systemctl", "show", "--value", "--property=ActiveState", f"gramex-{app}:{name}.service"]
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return state in ("activating", "active", "deactivating")
    try:
        with (HOMES / app / "tasks" / f"{name}.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
