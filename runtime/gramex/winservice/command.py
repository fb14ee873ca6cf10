"""``gramex service ...`` and `GramexService.setup`: does what a command line asks of a service."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gramex.arguments import UsageError
from gramex.winservice.errors import ServiceError, explain
from gramex.winservice.request import Request, read_request

ELSEWHERE = "services of this kind are Windows'. On Linux, ansible-playbook site.yml makes a service of an app"
NO_PYWIN32 = "services need pywin32: pip install gramex-runtime[windows], or pip install pywin32"
STOPPED, RUNNING = 1, 4  # winsvc.h


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Do what ``gramex service`` is told. Returns the exit code."""
    from gramex.winservice.service import GramexService

    return carry_out(GramexService, words)


def carry_out(cls: Any, arguments: Sequence[str], **given: Any) -> int:
    """Do what a command line asks of a service class. Mistakes are one line on standard error.

    `given` is what `read_request` takes beside them. Returns the exit code: 0 done, 1 could not be done, 2 a mistake in
    the command line.
    """
    if {"--help", "-h"}.intersection(arguments):
        from gramex.commands import BY_NAME
        from gramex.usage import command_usage

        _say(command_usage(BY_NAME["service"]))
        return 0
    if sys.platform != "win32":
        return _complain(ELSEWHERE, 1)
    try:
        import pywintypes
    except ImportError:
        return _complain(NO_PYWIN32, 1)
    name = cls._svc_name_
    try:
        request = read_request(arguments, **given)
        name = request.name or name
        ACTIONS[request.action](cls, name, request)
    except UsageError as error:
        return _complain(str(error), 2)
    except ServiceError as error:
        return _complain(str(error), 1)
    except pywintypes.error as error:
        return _complain(explain(error.winerror, name, str(error.strerror)), 1)
    return 0


def install(cls: Any, name: str, request: Request) -> None:
    """Make the service, for the app in the folder given or the current one."""
    from gramex.winservice import control, settings

    folder = request.cwd or Path.cwd()
    control.refuse_network(folder)
    module, kind = settings.place_of(cls)
    account, password = _account(request)
    control.create(cls, name, request.startup or "manual", account, password)
    try:
        settings.write(name, settings.Settings(module, kind, str(folder), request.server or ()))
    except BaseException:
        control.delete(name)  # one that cannot start is worse than none
        raise
    control.register_messages(name)
    _say(f"{name} is installed. It runs the app in {folder}. Start it with: start")


def update(cls: Any, name: str, request: Request) -> None:
    """Change what the request says, and the Python that the service runs with."""
    from gramex.winservice import control, settings

    control.state(name)  # there must be one
    before = settings.read(name)
    module, kind = settings.place_of(cls)
    after = replace(before, module=module, type=kind)
    if request.cwd:
        control.refuse_network(request.cwd)
        after = replace(after, folder=str(request.cwd))
    if request.server is not None:
        after = replace(after, options=request.server)
    account, password = _account(request)
    control.change(cls, name, request.startup, account, password)
    settings.write(name, after)
    control.register_messages(name)
    _say(f"{name} is changed, from its next start on")


def remove(cls: Any, name: str, request: Request) -> None:
    """Stop the service if it runs, and remove it."""
    from gramex.winservice import control

    if control.state(name)[0] != STOPPED:
        stop(cls, name, request)
    control.delete(name)
    _say(f"{name} is removed")


def start(cls: Any, name: str, request: Request) -> None:
    """Start the service, and wait until the app answers."""
    from gramex.winservice import control, output, settings

    state, _ = control.state(name)
    folder = Path(settings.read(name).folder)
    if state == STOPPED and not folder.is_dir():
        raise ServiceError(f"{name} cannot start: there is no folder {folder}. Run update --cwd=FOLDER")
    control.start(name)
    state, code = control.wait_until(name, (RUNNING, STOPPED), request.wait)
    if state == RUNNING:
        _say(f"{name} is running")
    elif state == STOPPED:
        line = output.last_line(folder)
        reason = line.partition(f"{name} did not start: ")[2] or line or f"exit code {code}"
        raise ServiceError(f"{name} did not start: {reason}. More may be in {folder / output.NAME}")
    elif request.wait:
        raise ServiceError(f"{name} has not started after {request.wait:g} s. It goes on trying")


def stop(cls: Any, name: str, request: Request) -> None:
    """Stop the service, and wait until it has finished what began."""
    from gramex.winservice import control

    control.stop(name)
    state, _ = control.wait_until(name, (STOPPED,), request.wait)
    if state == STOPPED:
        _say(f"{name} is stopped")
    elif request.wait:
        raise ServiceError(f"{name} has not stopped after {request.wait:g} s. It goes on finishing requests")


ACTIONS = {"install": install, "update": update, "remove": remove, "start": start, "stop": stop}


def _account(request: Request) -> tuple[str | None, str | None]:
    """Return account and password for the service manager; None is for what the request does not name."""
    from gramex.winservice.account import allow_services, find_password, full_name

    if request.user is None:
        if request.password is None:
            return None, None
        if request.action == "install":
            raise UsageError("--password: needs --user")
        return None, find_password("the account", request.password)
    account = full_name(request.user)
    password = find_password(account, request.password)
    trouble = allow_services(account)
    if trouble:
        _complain(f"{account}: may lack the right to log on as a service: {trouble}", 0)
    return account, password


def _say(text: str) -> None:
    if sys.stdout is not None:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _complain(text: str, code: int) -> int:
    if sys.stderr is not None:
        print(f"gramex: {text}", file=sys.stderr, flush=True)
    return code
