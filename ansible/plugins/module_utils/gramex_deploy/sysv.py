"""Starts and stops the colours of one app by its init script, on a host without systemd."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .files import Files
from .problem import Problem
from .record import other

STEP = 0.02  # seconds between two questions of the probe


class Sysv:
    """One app's services. `port` is None for an app with a UNIX socket: there two colours can serve at once."""

    def __init__(self, app: str, port: int | None) -> None:
        self.address = f"127.0.0.1:{port}" if port else f"/run/gramex/{app}/{app}.sock"
        self.app = app
        self.script = Path(f"/etc/init.d/gramex-{app}")
        self.log = Path(f"/var/log/gramex/{app}.log")
        self.both = port is None
        self.instances = 1  # the processes of an app are started by its own
        self.boot = "yes" if has_init() else "does not start at boot"

    def state(self, colour: str) -> str:
        """Return running, stopping or stopped."""
        if not self.script.exists():
            return "stopped"
        done = self._call("status", colour)
        if done.returncode == 0:
            return "running"
        return "stopping" if "is draining" in done.stdout else "stopped"

    def crashed(self, colour: str) -> bool:
        """True if a colour ended though nobody stopped it."""
        return self.script.exists() and self._call("status", colour).returncode == 1

    def ready(self, files: Files) -> bool:
        """Let boot start the script, where there is an init to do so. Returns True if that was a change.

        Raises Problem where boot cannot be told.
        """
        if self.boot != "yes" or self.boots():
            return False
        files.done.append(f"{self.script.name} enabled")
        if not files.check:
            done = subprocess.run(
                ["update-rc.d", self.script.name, "defaults"], capture_output=True, text=True, check=False
            )
            if not self.boots():
                raise Problem(
                    f"boot cannot be made to start {self.script.name}. update-rc.d said: {done.stderr.strip()}"
                )
        return True

    def boots(self) -> bool:
        """True if boot starts the script."""
        return self.boot == "yes" and any(Path("/etc").glob(f"rc[2-5].d/S??{self.script.name}"))

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        """Start a colour and wait until it answers. Raises Problem with the end of its log if it does not.

        It is ended then, whatever `keep` says: nothing here would try again.
        """
        self._begin("start", colour, timeout)

    def rehearse(self, colour: str, timeout: int) -> None:
        """Start a colour beside the one that serves, at an address of its own, and end it. Raises Problem."""
        self._begin("rehearse", colour, timeout)

    def _begin(self, word: str, colour: str, timeout: int) -> None:
        end = self.log.stat().st_size if self.log.exists() else 0
        done = self._call(word, colour, timeout=timeout + 90)
        if done.returncode:
            raise Problem(f"{done.stdout.strip()}. The end of {self.log}:\n{tail(self.log, end, colour)}")

    def lives(self, colour: str) -> list[str]:
        """Return the numbers of the process of a colour and of those that it started, '' where it does not run."""
        if self.state(colour) != "running":
            return [""]
        main = Path(f"/run/gramex/{self.app}-{colour}.pid").read_text(encoding="ascii").strip()
        with suppress(OSError):
            return [main, *Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split()]
        return [main]

    def log_of(self, colour: str, since: float) -> str:
        """Return the end of what a colour logged."""
        return tail(self.log, 0, colour)

    def faces(self, colour: str) -> bool:
        """True if the address that nginx knows is a colour's."""
        front = Path(self.address)
        return not self.both or (front.is_symlink() and str(front.readlink()) == colour)

    def face(self, colour: str) -> None:
        """Point the address that nginx knows at a colour."""
        self._call("face", colour)

    def give_way(self, colour: str) -> None:
        """Let a colour free its port for the other one: it finishes what it has, but accepts no more."""
        self.drain(colour)
        deadline = time.monotonic() + 10
        while answers(self.address):
            if time.monotonic() > deadline:
                self.kill(colour)
                return
            time.sleep(STEP)

    def drain(self, colour: str) -> None:
        """Tell a colour to finish what it has, and do not wait for it."""
        self._call("drain", colour)

    def kill(self, colour: str) -> None:
        """End a colour, at once where it does not end by itself."""
        self._call("stop", colour, timeout=4000)

    def remove(self) -> None:
        """Stop all of the app, and let boot forget it."""
        if self.script.exists():
            self._call("stop", timeout=8000)
        subprocess.run(["update-rc.d", "-f", self.script.name, "remove"], capture_output=True, check=False)

    def _call(self, *words: str, timeout: int = 60) -> subprocess.CompletedProcess[str]:
        # What root's environment holds is not the app's.
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [str(self.script), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean,
            timeout=timeout,
            check=False,
        )


def measured(address: str, work: Callable[[], str]) -> tuple[str, float | None]:
    """Do some work; return what it returns, and for how many seconds nothing accepted at an address meanwhile.

    None where nothing did before: then nobody waited for it.
    """
    if not answers(address):
        return work(), None
    with Probe(address) as probe:
        done = work()
    return done, probe.gap


class Probe:
    """Asks an address again and again in a thread, to measure how long a change keeps users waiting."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.gap = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        down: float | None = None
        while not self._end.is_set():
            now = time.monotonic()
            if answers(self.address):
                down = None
            else:
                down = now if down is None else down
                self.gap = max(self.gap, time.monotonic() - down)
            self._end.wait(STEP)


def answers(address: str) -> bool:
    """True if something accepts at a path, or at ADDRESS:PORT."""
    unix = address.startswith("/")
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as link, suppress(OSError):
        link.settimeout(1)
        host, _, port = address.rpartition(":")
        link.connect(address if unix else (host, int(port)))
        return True
    return False


def has_init() -> bool:
    """True if PID 1 is SysV's init, so that boot runs the init scripts."""
    return Path("/proc/1/comm").read_text(encoding="utf-8").strip() == "init" and Path("/etc/inittab").exists()


def tail(log: Path, start: int, colour: str, lines: int = 30) -> str:
    """Return the end of what was written to a log after its first `start` bytes.

    Without the lines of the other colour, where one is named.
    """
    others = f" {other(colour)}-1 " if colour else None
    with suppress(FileNotFoundError), log.open("rb") as source:
        length = source.seek(0, os.SEEK_END)
        source.seek(max(start if start <= length else 0, length - 1_000_000))
        found = source.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in found if others is None or others not in line][-lines:])
    return ""
