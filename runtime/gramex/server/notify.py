"""Tells the service manager how the process is doing: the sd_notify protocol, one datagram a message."""

from __future__ import annotations

import os
import socket
import time


class ServiceManager:
    """The manager that started this process, systemd for one. Without one every call does nothing."""

    def __init__(self) -> None:
        """Read the environment, and take the variables out of it so that no child process speaks for us."""
        self.address = os.environ.pop("NOTIFY_SOCKET", "")
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "")
        self.interval = 0.0  # seconds between two signs of life, 0 for none
        if microseconds.isdigit() and (not pid or pid == str(os.getpid())):
            self.interval = int(microseconds) / 2_000_000  # half of what is allowed, as sd_watchdog_enabled(3) advises

    def tell(self, *lines: str) -> None:
        """Send ``NAME=value`` lines in one datagram. A manager that does not listen is not our trouble."""
        if not self.address or not hasattr(socket, "AF_UNIX"):
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(1)
                sock.sendto("\n".join(lines).encode(), address)
        except OSError:
            pass

    def ready(self, status: str = "") -> None:
        """Start-up, or a reload, is over."""
        self.tell("READY=1", f"MAINPID={os.getpid()}", f"STATUS={status}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> None:
        """The drain begins."""
        self.tell("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """The event loop turns."""
        self.tell("WATCHDOG=1")
