"""Loads and builds an app as a start would, without listening and without leaving anything behind."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gramex.check.kwargs import mistyped_kwargs
from gramex.config import ConfigError, Loaded, Problem, load
from gramex.config.layers import FILE, short_path
from gramex.config.table import PACKAGE
from gramex.options import OPTIONS, nearest

# Settings of Tornado's that resemble ours.
TORNADO = {"xsrf_cookie_kwargs", "xsrf_cookie_name", "xsrf_cookie_version"}
DATA = Path(tempfile.gettempdir(), "gramex-check")  # never made


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: an error makes the app unfit to deploy, a warning does not."""

    text: str
    error: bool

    def __str__(self) -> str:
        return self.text if self.error else f"warning: {self.text}"


def check_configuration(folder: Path) -> list[Finding]:
    """Return what is wrong with the app in `folder`."""
    if not folder.is_dir():
        return [Finding(f"{folder}: there is no such folder", True)]
    try:
        loaded = load(folder)
    except ConfigError as error:
        return [_finding(problem, folder) for problem in error.problems]
    if loaded.guide:
        return [Finding(f"{folder}: there is no {FILE} in this folder: an app needs one, even if it is empty", True)]
    findings = [_finding(problem, folder) for problem in loaded.problems]
    findings += mistyped(loaded)
    findings += [Finding(text, False) for text in mistyped_kwargs(loaded)]
    with listening() as heard:
        check_log(loaded)
    findings += heard
    with listening() as heard:
        findings += build(loaded)
    return findings + heard


def _finding(problem: Problem, folder: Path) -> Finding:
    file = short_path(problem.file, folder) if problem.file else None
    text = str(Problem(problem.level, problem.message, file, problem.line, problem.key))
    return Finding(text, problem.level >= logging.ERROR and not problem.harmless)


def mistyped(loaded: Loaded) -> list[Finding]:
    """Return a warning for each key of ``app:`` that is not known, but is much like one that is."""
    app = loaded.conf.get("app") or {}
    findings = []
    for section in ("", "listen", "admin", "settings", "session"):
        values = app.get(section) if section else app
        keys = [option.name.split(".") for option in OPTIONS]
        known = {key[-1] for key in keys if key[:-1] == [section]} if section else {key[0] for key in keys}
        for name in map(str, values if isinstance(values, dict) else ()):
            path = ("app", section, name) if section else ("app", name)
            where = loaded.where(*path)
            near = "" if name in known | TORNADO or where.startswith(str(PACKAGE)) else nearest(name, known, 0.75)
            if near:
                text = ": ".join(part for part in (where, ".".join(path)) if part)
                findings.append(Finding(f"{text}: is not known: did you mean {near}?", False))
    return findings


def build(loaded: Loaded) -> list[Finding]:
    """Build the application and what the server needs of the configuration; what stops a start is returned."""
    from gramex.handlers.routing import build as build_application
    from gramex.server.admin import read_section as read_admin
    from gramex.server.limits import read_limits
    from gramex.server.supervisor import count_processes, read_watchdog
    from gramex.server.tls import tls_context
    from gramex.services.background import check as check_background

    findings = []
    # Services open files in the data folder, which is the app's and not ours: only what set-up asks for is here.
    services: Any = SimpleNamespace(
        cookie_secret="0" * 64, data=Path(tempfile.gettempdir()), writable=False, instance=""
    )
    steps: list[Callable[[Loaded], object]] = [read_limits, count_processes, read_watchdog, read_admin, tls_context]
    for step in (*steps, lambda loaded: build_application(loaded, services), check_background):
        try:
            step(loaded)
        except ConfigError as error:
            findings += [_finding(problem, loaded.folder) for problem in error.problems]
        except ValueError as error:
            findings.append(Finding(str(error), True))
    return findings


def check_log(loaded: Loaded) -> None:
    """Set up the ``log:`` section with files in a temporary folder; mistakes go to the log."""
    from gramex.services.log import configure

    section = dict(loaded.conf.get("log") or {})
    with tempfile.TemporaryDirectory() as folder:
        handlers = section.get("handlers")
        if isinstance(handlers, dict):
            section["handlers"] = {
                name: {**spec, "filename": f"{folder}/{index}"}
                if isinstance(spec, dict) and "filename" in spec
                else spec
                for index, (name, spec) in enumerate(handlers.items())
            }
        try:
            configure(section, "", Path(folder))
        finally:
            logging.shutdown()


@contextmanager
def listening() -> Iterator[list[Finding]]:
    """Collect the warnings and errors that are logged, in place of writing them."""
    heard: list[Finding] = []

    def take(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            heard.append(Finding(record.getMessage(), record.levelno >= logging.ERROR))
        return False

    log = logging.getLogger("gramex")
    level, disabled = log.level, log.disabled
    log.addFilter(take)
    log.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        log.removeFilter(take)
        log.setLevel(level)
        log.disabled = disabled
