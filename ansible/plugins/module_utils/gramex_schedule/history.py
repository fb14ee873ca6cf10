"""Keeps when a task ran and how that ended: a line of JSON for each run. Hosts get a copy beside task.py."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RUNS, FAILURES = 50, 50  # that are kept: a task that runs each minute must not push out yesterday's failure


def read(place: Path) -> list[dict[str, Any]]:
    """Return the runs that are known, the oldest first. Each has began (s since 1970), ended, exit and result."""
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    runs = []
    for line in lines:
        try:
            runs.append({"ended": None, "exit": None, "result": "", **json.loads(line)})
        except ValueError:
            continue  # a line that a full disk cut short
    return runs


def write(place: Path, runs: list[dict[str, Any]]) -> None:
    """Write runs, without those that are too old to be of interest."""
    failed = [run for run in runs if run["exit"] or run["result"] not in ("", "success")][-FAILURES:]
    kept = [run for run in runs if run in runs[-RUNS:] or run in failed]
    place.parent.mkdir(mode=0o755, exist_ok=True)
    aside = place.with_name(f".{place.name}.new")
    with aside.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(run) + "\n" for run in kept)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(place)


def begin(place: Path, now: float) -> None:
    """Note that a run begins."""
    write(place, [*read(place), {"began": round(now, 3), "ended": None, "exit": None, "result": ""}])


def end(place: Path, now: float, code: int | None, result: str) -> None:
    """Note how the run that began last has ended: `result` is success, exit-code, timeout, signal or systemd's word."""
    runs = read(place)
    if not runs or runs[-1]["ended"] is not None:
        runs.append({"began": round(now, 3)})
    runs[-1] = {**runs[-1], "ended": round(now, 3), "exit": code, "result": result}
    write(place, runs)


def skip(place: Path, now: float) -> None:
    """Note that a run was due while the one before still ran. It stands before that one, which is not over."""
    runs = read(place)
    noted = {"began": round(now, 3), "ended": round(now, 3), "exit": None, "result": "overlap"}
    write(place, [*runs[:-1], noted, *runs[-1:]])
