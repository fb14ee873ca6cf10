"""Sets the clocks of an app's tasks going, and takes away those that are wanted no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from . import systemd
from .files import Files
from .problem import Problem

CRON = Path("/etc/cron.d")
CONFIG = Path("/etc/gramex")
STAMPS = Path("/var/lib/systemd/timers")


def settle(files: Files, app: str, wanted: Iterable[str], init: str) -> bool:
    """Start the timers among the paths that are `wanted`, remove what is left of other tasks; True if that is a change.

    Raises Problem where nothing on the host could run them.
    """
    paths = [Path(path) for path in wanted]
    changed = _remove(files, [place for place in there(app) if place not in paths], init)
    timers = [path.name for path in paths if path.suffix == ".timer"]
    if timers:
        return _start(files, timers) or changed
    if CRON / f"gramex-{app}" in paths:
        _cron(files)
    return changed


def there(app: str) -> list[Path]:
    """Return the files that a host has for tasks of an app; what stops runs comes first."""
    config = CONFIG / app
    units = [*systemd.UNITS.glob(f"gramex-{app}:*.timer"), *systemd.UNITS.glob(f"gramex-{app}:*.service")]
    texts = [*(config / "tasks").glob("*"), config / "schedule.json", *(config / "task").glob("*.py")]
    return [place for place in (*units, CRON / f"gramex-{app}", *texts) if place.exists()]


def remove(files: Files, app: str, init: str) -> None:
    """Take away all tasks of an app; one that runs is ended."""
    _remove(files, there(app), init)


def _remove(files: Files, places: list[Path], init: str) -> bool:
    units = [place.name for place in places if place.parent == systemd.UNITS]
    if units and init == "systemd" and not files.check:
        timers = [unit for unit in units if unit.endswith(".timer")]
        systemd.systemctl("disable", "--quiet", "--now", *timers, check=False)
        systemd.systemctl("stop", *units, check=False)
        for timer in timers:  # when it ran last: a new task of that name starts afresh
            (STAMPS / f"stamp-{timer}").unlink(missing_ok=True)
        systemd.systemctl("reset-failed", *units, check=False)
    for place in places:
        files.absent(place)
    if units and init == "systemd" and not files.check:
        systemd.reload()
    return bool(places)


def _start(files: Files, timers: list[str]) -> bool:
    if files.check and not all((systemd.UNITS / timer).exists() for timer in timers):
        files.done.append(f"{', '.join(timers)} started")
        return True
    found = dict(zip(timers, systemd.show(timers, "UnitFileState", "ActiveState", "NeedDaemonReload"), strict=True))
    if any(state["NeedDaemonReload"] == "yes" for state in found.values()) and not files.check:
        systemd.reload()
    off = [t for t, state in found.items() if (state["UnitFileState"], state["ActiveState"]) != ("enabled", "active")]
    if off:
        files.done.append(f"{', '.join(off)} started")
        if not files.check:
            systemd.systemctl("enable", "--quiet", "--now", *off)
    return bool(off)


def _cron(files: Files) -> None:
    """See that cron runs: it reads the crontab by itself."""
    if files.check:
        return
    if not Path("/usr/sbin/cron").exists():
        raise Problem("schedule: there is neither systemd nor cron on this host: apt-get install cron")
    if not _runs("cron"):
        subprocess.run(["service", "cron", "start"], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _runs(program: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/comm"):
        try:
            if place.read_text(encoding="utf-8").strip() == program:
                return True
        except OSError:
            continue
    return False
