"""Start, reload, stop, enable and disable nginx: under systemd, by ``service``, or as a bare program."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from .command import run, there
from .config import Foreign
from .staging import complaints

INIT = Path("/etc/init.d/nginx")


class Service:
    """nginx on this host.

    kind: ``systemd``, ``service`` (an init script exists) or ``program``.
    """

    def __init__(self, found: Foreign) -> None:
        self.kind = "program"
        if Path("/run/systemd/system").is_dir() and there("systemctl"):
            self.kind = "systemd"
        elif INIT.exists():
            self.kind = "service"
        self.pid_file = Path((found.main.get("pid") or ["/run/nginx.pid"])[0])
        self.log = Path((found.main.get("error_log") or ["/var/log/nginx/error.log"])[0])
        self._read = self._size()

    def master(self) -> int:
        """Process number of the running master, 0 where nginx does not run."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii").strip() or 0)
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return pid if title.startswith(b"nginx: master") else 0  # after a crash the number may be another's

    def reload(self) -> None:
        """Ask the master for new workers. Whether they came is to be asked of them."""
        self._read = self._size()
        os.kill(self.master(), signal.SIGHUP)

    def start(self) -> str:
        """Start nginx; returns what the command said."""
        self._read = self._size()
        if self.kind == "systemd":
            self._run("systemctl", "reset-failed", "nginx")  # an earlier crash loop must not forbid this start
            return self._run("systemctl", "start", "nginx")
        if self.kind == "service":
            return self._run(*self._script("start"))
        return self._run("nginx")

    def stop(self, bound: float = 20.0) -> None:
        """Stop nginx and wait until it is gone."""
        pid = self.master()
        if self.kind == "systemd":
            self._run("systemctl", "stop", "nginx")
        elif self.kind == "service":
            self._run(*self._script("stop"))
        pid = pid if pid == self.master() else 0  # still there: somebody started it by hand
        if pid:
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + bound
        while self.master() and time.monotonic() < end:
            time.sleep(0.05)

    def enabled(self) -> bool:
        """Does nginx start at boot?"""
        if self.kind == "systemd":
            return "enabled" in self._run("systemctl", "is-enabled", "nginx").split()
        return any(Path("/etc").glob("rc[2345].d/S??nginx"))

    def enable(self, wanted: bool) -> None:
        """Make nginx start at boot, or not. Without systemd and an init script there is nothing to be done."""
        if self.kind == "systemd":
            self._run("systemctl", "enable" if wanted else "disable", "nginx")
        elif self.kind == "service" and there("update-rc.d"):
            if wanted:
                self._run("update-rc.d", "nginx", "defaults")  # makes the links where there are none
            self._run("update-rc.d", "nginx", "enable" if wanted else "disable")

    def why(self) -> list[str]:
        """What nginx has written to its error log since the last start or reload, reasons only."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(self._read if self._read <= self._size() else 0)
                text = stream.read().decode(errors="replace")
        except OSError:
            return []
        return list(dict.fromkeys(complaints(text)))[-10:]

    def _size(self) -> int:
        try:
            return self.log.stat().st_size
        except OSError:
            return 0

    def _script(self, verb: str) -> list[str]:
        return ["service", "nginx", verb] if there("service") else [str(INIT), verb]

    def _run(self, *command: str) -> str:
        _, output, errors = run(*command)
        return "\n".join(line.strip() for line in (output + errors).splitlines() if line.strip())


def version() -> tuple[str, str]:
    """Versions of nginx and of its OpenSSL, '' where nginx is not installed."""
    if not there("nginx"):
        return "", ""
    _, _, text = run("nginx", "-V")
    nginx = re.search(r"nginx/(\d[\d.]*)", text)
    ssl = re.search(r"running with OpenSSL (\d[\d.]*)", text) or re.search(r"built with OpenSSL (\d[\d.]*)", text)
    return nginx.group(1) if nginx else "", ssl.group(1) if ssl else ""
