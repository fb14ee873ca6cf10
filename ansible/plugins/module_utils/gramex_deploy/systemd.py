"""Starts and stops the colours of one app on a systemd host."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from .files import Files
from .problem import Problem

UNITS = Path("/etc/systemd/system")
STATES = {"active": "running", "reloading": "running", "activating": "starting", "deactivating": "stopping"}


class Systemd:
    """One app's services. `sockets` are the names of the socket units that its colours inherit."""

    boot = "yes"
    both = True  # two colours can serve at the same time
    gap: float | None = None  # seconds that a change left users without an answer; here none does

    def __init__(self, app: str, sockets: Iterable[str]) -> None:
        self.name = f"gramex-{app}"
        self.sockets = list(sockets)

    @property
    def instances(self) -> int:
        """How many processes a colour has, as its unit says."""
        template = UNITS / f"{self.name}@.service"
        found = re.search(r"^# Instances: (\d+)$", template.read_text() if template.exists() else "", re.MULTILINE)
        return int(found[1]) if found else 1

    def units(self, colour: str) -> list[str]:
        """Return the names of a colour's units: those that it is to have, then those that it has from before."""
        wanted = [f"{self.name}@{colour}-{number}.service" for number in range(1, self.instances + 1)]
        listed = systemctl("list-units", "--all", "--plain", "--no-legend", f"{self.name}@{colour}-*.service").split(
            "\n"
        )
        return list(dict.fromkeys([*wanted, *(line.split()[0] for line in listed if line.strip())]))

    def state(self, colour: str) -> str:
        """Return running, stale (its socket was opened anew since), starting, stopping, failed or stopped.

        Of several processes: partial, where some run and others have ended; else the one that needs looking at.
        """
        states = self._states(colour)
        if states <= {"running", "stale"}:
            return "stale" if "stale" in states else "running"
        if states & {"running", "stale"}:
            return "starting" if "starting" in states else "partial"
        return next(state for state in ("failed", "starting", "stopping", "stopped") if state in states)

    def _states(self, colour: str) -> set[str]:
        names = self.units(colour)
        shown = show([*names, *self.sockets], "ActiveState", "SubState", "ActiveEnterTimestampMonotonic")
        opened = [int(unit["ActiveEnterTimestampMonotonic"]) for unit in shown[len(names) :]]
        states = [_state(unit, opened) for unit in shown[: len(names)]]
        wanted = self.instances  # one too many that has ended is of no interest
        return {*states[:wanted], *(state for state in states[wanted:] if state != "stopped")}

    def lives(self, colour: str) -> list[str]:
        """Return what changes when a process of a colour ends or is started anew: an identifier for each."""
        shown = show(self.units(colour), "InvocationID", "ActiveState")
        return [unit["InvocationID"] if unit["ActiveState"] == "active" else "" for unit in shown]

    def outdated(self) -> bool:
        """True if systemd has not read a unit as it is on the disk: an earlier run was ended before it could say so."""
        units = [f"{self.name}.service", *self.sockets, *self.units("blue"), *self.units("green")]
        return any(unit["NeedDaemonReload"] == "yes" for unit in show(units, "NeedDaemonReload"))

    def ready(self, files: Files) -> bool:
        """Enable what boot starts and open the sockets. Returns True if that was a change."""
        wanted = [f"{self.name}.service", *self.sockets]
        found = dict(zip(wanted, show(wanted, "UnitFileState", "ActiveState"), strict=True))
        off = [unit for unit in wanted if found[unit]["UnitFileState"] != "enabled"]
        closed = [unit for unit in self.sockets if found[unit]["ActiveState"] != "active"]
        if off:
            files.done.append(f"{', '.join(off)} enabled")
        if closed:
            files.done.append(f"{', '.join(closed)} opened")
        if off and not files.check:
            systemctl("enable", "--quiet", *off)
        if closed and not files.check:
            systemctl("reset-failed", *closed, check=False)
            systemctl("start", *closed)
        return bool(off or closed)

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        """Start a colour and wait until it is ready. Raises Problem with the end of its log if it is not.

        Then it is ended, unless `keep` says that systemd is to try on: there is nothing better to serve.
        """
        units, began = self.units(colour)[: self.instances], time.time()
        systemctl("reset-failed", *units, check=False)
        systemctl("start", "--no-block", *units)
        deadline = time.monotonic() + timeout
        while (states := self._states(colour)) != {"running"}:
            if "failed" in states or time.monotonic() > deadline:
                said = "ended before it was ready" if "failed" in states else f"was not ready within {timeout} s"
                log = self.log_of(colour, began)
                if not keep:
                    self.kill(colour)
                raise Problem(f"{self.name}@{colour} {said}. The end of its log:\n{log}")
            time.sleep(0.05)

    def log_of(self, colour: str, since: float) -> str:
        """Return the end of what a colour logged since a time."""
        return journal(f"{self.name}@{colour}-*.service", since)

    def faces(self, colour: str) -> bool:
        """True: what the socket accepts goes to any colour that runs."""
        return True

    def face(self, colour: str) -> None:
        """Nothing to do: both colours accept from the same socket."""

    def rehearse(self, colour: str, timeout: int) -> None:
        """Nothing to do, for both can start at the same time."""

    def give_way(self, colour: str) -> None:
        """Nothing to do, likewise."""

    def drain(self, colour: str) -> None:
        """Tell a colour to finish what it has, and do not wait for it."""
        systemctl("stop", "--no-block", *self.units(colour))

    def kill(self, colour: str) -> None:
        """End a colour now."""
        units = self.units(colour)
        systemctl("stop", "--no-block", *units)  # first, or it would be restarted
        systemctl("kill", "--signal=KILL", *units, check=False)
        systemctl("stop", *units)
        systemctl("reset-failed", *units, check=False)

    def close(self, sockets: Iterable[str]) -> None:
        """Close and disable sockets that are wanted no more."""
        for unit in sockets:
            systemctl("disable", "--quiet", "--now", unit, check=False)
            systemctl("reset-failed", unit, check=False)

    def remove(self) -> None:
        """Stop all of the app, first what could start it again, and disable it."""
        self.close(self.sockets)
        systemctl("disable", "--quiet", f"{self.name}.service", check=False)
        colours = [*self.units("blue"), *self.units("green")]
        systemctl("stop", f"{self.name}.service", *colours, check=False)
        systemctl("reset-failed", f"{self.name}.service", *colours, check=False)
        # systemd makes a slice for the instances of a template, and keeps it when the last one has gone.
        systemctl("stop", "system-" + self.name.replace("-", "\\x2d") + ".slice", check=False)


def _state(unit: dict[str, str], opened: list[int]) -> str:
    """The state of one process, where its sockets were opened at these times."""
    if unit["SubState"] in ("auto-restart", "auto-restart-queued") or unit["ActiveState"] == "failed":
        return "failed"
    state = STATES.get(unit["ActiveState"], "stopped")
    began = int(unit["ActiveEnterTimestampMonotonic"])
    return "stale" if state == "running" and any(later > began for later in opened) else state


def sockets(app: str) -> dict[str, str]:
    """Return the socket units of an app that the host has, by name, with the address of each."""
    found = {}
    for place in [UNITS / f"gramex-{app}.socket", *sorted(UNITS.glob(f"gramex-{app}_[0-9]*.socket"))]:
        if place.is_file():
            lines = place.read_text(encoding="utf-8").splitlines()
            found[place.name] = next((line[13:] for line in lines if line.startswith("ListenStream=")), "")
    return found


def reload() -> None:
    """Let systemd read the units anew."""
    systemctl("daemon-reload")


def show(units: list[str], *names: str) -> list[dict[str, str]]:
    """Return properties of units by name, one mapping for each unit."""
    blocks = systemctl("show", "--property", ",".join(names), *units).strip("\n").split("\n\n")
    return [{key: value for key, _, value in (line.partition("=") for line in block.splitlines())} for block in blocks]


def journal(unit: str, since: float, lines: int = 30) -> str:
    """Return the end of what a unit logged since a time."""
    subprocess.run(["journalctl", "--sync"], capture_output=True, check=False)
    # The newest first: with --since and --lines alone systemd 252 shows the first lines, not the last.
    command = ["journalctl", "--unit", unit, f"--since=@{int(since)}", "--reverse", f"--lines={lines}"]
    command += ["--no-pager", "--output=cat"]
    found = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    return "\n".join(reversed(found.splitlines())).strip()


def systemctl(*arguments: str, check: bool = True) -> str:
    """Run systemctl. Raises Problem with its words where it fails and `check` is set."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Problem(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
