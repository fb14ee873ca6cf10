"""Talks to Windows' service manager: makes, changes, removes, starts and stops a service.

Errors of Windows come as `pywintypes.error`, with the number in `winerror`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pywintypes
import win32service

from gramex.winservice.errors import ServiceError

STARTS = {
    "manual": win32service.SERVICE_DEMAND_START,
    "auto": win32service.SERVICE_AUTO_START,
    "delayed": win32service.SERVICE_AUTO_START,
    "disabled": win32service.SERVICE_DISABLED,
}
RESTARTS = (5_000, 30_000, 60_000)  # milliseconds until Windows starts a service again that crashed
FORGET = 86_400  # seconds after which a crash does not count any more
STEP = 0.1  # seconds between two looks


def program(name: str) -> str:
    """Return the command line that Windows starts for a service."""
    host = Path(__file__).with_name("host.py")
    own = _console(Path(sys.executable))
    base = _console(Path(getattr(sys, "_base_executable", None) or sys.executable))
    return subprocess.list2cmdline([str(base), "-I", "-S", str(host), str(own), name])


def _console(python: Path) -> Path:
    """Return python.exe for pythonw.exe, whose services would have no standard output."""
    if python.stem.lower().endswith("w") and (console := python.with_stem(python.stem[:-1])).exists():
        return console
    return python


def create(cls: Any, name: str, startup: str, account: str | None, password: str | None) -> None:
    """Make a service. `account` None is LocalSystem."""
    with _manager(win32service.SC_MANAGER_CREATE_SERVICE) as manager:
        service = win32service.CreateService(
            manager,
            name,
            display_name(cls, name),
            win32service.SERVICE_ALL_ACCESS,
            win32service.SERVICE_WIN32_OWN_PROCESS,
            STARTS[startup],
            win32service.SERVICE_ERROR_NORMAL,
            program(name),
            None,
            0,
            getattr(cls, "_svc_deps_", None),
            account,
            password,
        )
        with _closing(service):
            _describe(service, cls, startup)


def change(cls: Any, name: str, startup: str | None, account: str | None, password: str | None) -> None:
    """Change a service; None leaves it as it is."""
    with _opened(name, win32service.SERVICE_ALL_ACCESS) as service:
        win32service.ChangeServiceConfig(
            service,
            win32service.SERVICE_NO_CHANGE,
            STARTS[startup] if startup else win32service.SERVICE_NO_CHANGE,
            win32service.SERVICE_NO_CHANGE,
            program(name),
            None,
            0,
            getattr(cls, "_svc_deps_", None),
            account,
            password,
            display_name(cls, name),
        )
        _describe(service, cls, startup)


def display_name(cls: Any, name: str) -> str:
    """Return what the Services window calls a service; a name of its own must not take the class's."""
    return cls._svc_display_name_ if name == cls._svc_name_ else f"{cls._svc_display_name_}: {name}"


def _describe(service: Any, cls: Any, startup: str | None) -> None:
    """Set what is not part of the call that makes or changes a service. What Windows refuses is left out."""
    config = win32service.ChangeServiceConfig2
    actions = [(win32service.SC_ACTION_RESTART, delay) for delay in RESTARTS]
    failures = {"ResetPeriod": FORGET, "RebootMsg": None, "Command": None, "Actions": actions}
    with contextlib.suppress(pywintypes.error):
        config(service, win32service.SERVICE_CONFIG_DESCRIPTION, cls._svc_description_ or "")
    with contextlib.suppress(pywintypes.error):
        config(service, win32service.SERVICE_CONFIG_FAILURE_ACTIONS, failures)
    if startup:
        with contextlib.suppress(pywintypes.error):
            config(service, win32service.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, startup == "delayed")


def register_messages(name: str) -> None:
    """Let the Event Viewer show what the service writes."""
    import servicemanager
    import win32evtlogutil

    with contextlib.suppress(pywintypes.error):
        win32evtlogutil.AddSourceToRegistry(name, servicemanager.__file__, "Application")


def delete(name: str) -> None:
    """Remove a service, with all that the registry has of it."""
    import win32evtlogutil

    with _opened(name, win32service.SERVICE_ALL_ACCESS) as service:
        win32service.DeleteService(service)
    with contextlib.suppress(pywintypes.error):
        win32evtlogutil.RemoveSourceFromRegistry(name)


def start(name: str) -> None:
    """Start a service; it may take a while until it runs."""
    with _opened(name, win32service.SERVICE_START) as service:
        win32service.StartService(service, None)


def stop(name: str) -> None:
    """Tell a service to stop; it may take a while until it has."""
    with _opened(name, win32service.SERVICE_STOP) as service:
        win32service.ControlService(service, win32service.SERVICE_CONTROL_STOP)


def state(name: str) -> tuple[int, int]:
    """Return the state of a service (winsvc.h), and the exit code of its last run."""
    with _opened(name, win32service.SERVICE_QUERY_STATUS) as service:
        _, state, _, code, specific, *_ = win32service.QueryServiceStatus(service)
    return state, specific if code == 1066 else code


def wait_until(name: str, wanted: tuple[int, ...], seconds: float) -> tuple[int, int]:
    """Wait until a service is in one of the wanted states. Returns the last state and exit code."""
    until = time.monotonic() + seconds
    while True:
        now = state(name)
        if now[0] in wanted or time.monotonic() >= until:
            return now
        time.sleep(STEP)


def refuse_network(folder: Path) -> None:
    """Raise ServiceError for a folder on a mapped drive: services do not have the drives of whoever is logged in."""
    import win32con
    import win32file

    drive = os.path.splitdrive(folder)[0]
    if len(drive) == 2 and win32file.GetDriveType(f"{drive}\\") == win32con.DRIVE_REMOTE:
        raise ServiceError(
            f"{folder} is on a network drive, which services do not see. Give --cwd=\\\\SERVER\\SHARE\\..."
        )


@contextlib.contextmanager
def _manager(access: int = 0) -> Iterator[Any]:
    with _closing(win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT | access)) as handle:
        yield handle


@contextlib.contextmanager
def _opened(name: str, access: int) -> Iterator[Any]:
    with _manager() as manager, _closing(win32service.OpenService(manager, name, access)) as service:
        yield service


@contextlib.contextmanager
def _closing(handle: Any) -> Iterator[Any]:
    try:
        yield handle
    finally:
        win32service.CloseServiceHandle(handle)
