"""The request log: a row in requests.csv and a line on the console for each finished request."""

from __future__ import annotations

import asyncio
import csv
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from gramex.services.log.append import AppendFile
from gramex.services.log.lines import LineFormatter, Request

app_log = logging.getLogger("gramex")

KEYS = ("time", "ip", "user.id", "status", "duration", "method", "uri", "error")
DELAY = 0.1  # seconds that rows wait for company: one write then serves all requests of that time
FULL = 500  # rows that are written without waiting

Getter = Callable[[Any, float], Any]


class RequestLog:
    """Writes finished requests, in batches. Belongs to the thread of the event loop."""

    def __init__(self, path: Path | None, keys: Iterable[str] = KEYS, instance: str = "", kept: int = 52):
        """`path` is that of the CSV file, None for none; `keys` its columns.

        With an `instance` there is one column more, with its name, unless `keys` has it somewhere.

        Raises:
            ValueError: a key that does not exist.
        """
        names = [str(key) for key in keys]
        if instance and "instance" not in names:
            names.append("instance")
        self.instance = instance
        self.getters = [getter(name, instance) for name in names]
        self.file = AppendFile(path, kept) if path else None
        self.is_default = path is not None and tuple(names) == KEYS
        self.names_user = path is not None and any(name.partition(".")[0] in ("user", "session") for name in names)
        self.rows: list[str] = []
        self.add_row = csv.writer(_Rows(self.rows), lineterminator="\n").writerow
        self.lines: list[Request] = []
        self.timer: asyncio.TimerHandle | None = None
        self.late: dict[asyncio.Task[None], tuple[Any, float]] = {}  # requests whose users are still looked up

    def write_after(self, handler: Any, look_up: Coroutine[Any, Any, None]) -> None:
        """Note a request whose answer has been written, after `look_up`, which finds its user."""
        task = asyncio.get_running_loop().create_task(look_up)
        self.late[task] = handler, time.time()
        task.add_done_callback(self._write_late)

    def _write_late(self, task: asyncio.Task[None]) -> None:
        if task in self.late:
            self.write(*self.late.pop(task))

    def write(self, handler: Any, now: float | None = None) -> None:
        """Note a request whose answer has been written, at `now` if not just now."""
        now = now or time.time()
        status, request = handler.get_status(), handler.request
        method, uri, ip = request.method, request.uri, request.remote_ip
        duration = (now - request._start_time) * 1000
        if self.is_default:  # the usual columns, without a call for each
            user, error = _user(handler).get("id", ""), _error(handler, now)
            self.add_row((round(now * 1000), ip, user, status, round(duration), method, uri, error))
        elif self.file is not None:
            self.add_row([get(handler, now) for get in self.getters])
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        if app_log.isEnabledFor(level):
            name = getattr(handler, "name", "") or type(handler).__name__
            text = f"{status} {method} {uri} ({ip}) {duration:.2f}ms {name}"
            self.lines.append((level, now, text, (status, method, uri, ip, round(duration, 2), name)))
        if self.timer is None:
            try:
                self.timer = asyncio.get_running_loop().call_later(DELAY, self.flush)
            except RuntimeError:  # no loop: a test, or the end of the process
                self.flush()
        elif len(self.rows) >= FULL or len(self.lines) >= FULL:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.rows and self.file is not None:
            self.file.write("".join(self.rows))
            self.rows.clear()
        if self.lines:
            lines, self.lines = self.lines, []
            self._emit(lines)

    def close(self) -> None:
        """Write what waits and close the file. A later `write` opens it again."""
        late, self.late = self.late, {}
        for handler, now in late.values():
            handler.give_up_session()
            self.write(handler, now)
        self.flush()
        if self.file is not None:
            self.file.close()

    def _emit(self, lines: list[Request]) -> None:
        """Send lines through the logger's handlers; ours take a whole batch at once."""
        logger: logging.Logger | None = app_log
        while logger:
            for handler in logger.handlers:
                wanted = [line for line in lines if line[0] >= handler.level]
                write_lines = getattr(handler, "write_lines", None)
                if write_lines and isinstance(handler.formatter, LineFormatter) and not handler.filters:
                    if wanted:
                        write_lines(handler.formatter.lines(wanted))
                else:
                    for line in wanted:
                        handler.handle(self._record(*line))
            logger = logger.parent if logger.propagate else None

    @staticmethod
    def _record(level: int, now: float, text: str, fields: tuple[Any, ...]) -> logging.LogRecord:
        record = logging.LogRecord("gramex", level, __file__, 0, text, None, None)
        record.created = now
        record.msecs = int((now % 1) * 1000)
        record.request = fields
        return record


class _Rows:
    """What csv.writer writes to: each row becomes an item of a list."""

    def __init__(self, rows: list[str]):
        self.write = rows.append


def _user(handler: Any) -> dict[str, Any]:
    """Return the user of a request, {} for none. Only looks: being logged makes no session."""
    try:
        peek = getattr(handler, "peek_user", None)
        user = peek() if peek is not None else handler.current_user
    except Exception:  # a store that fails has said so; the row is written all the same
        return {}
    return user if isinstance(user, dict) else {}


def _error(handler: Any, _: float) -> str:
    """Return the last line of the exception that the handler ended with."""
    error = getattr(handler, "error", None)
    if not isinstance(error, BaseException):
        return ""
    text, kind = str(error).strip(), type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name}: {text}".splitlines()[-1] if text else name


def _session(handler: Any, _: float) -> str:
    """Return the session's id, if the request came with one or made one."""
    try:
        return handler.session["id"] if handler.has_session() else ""
    except Exception:  # no handler of ours, or a store that fails
        return ""


def _port(handler: Any, _: float) -> str:
    """Return the port on which the request came, '' for a UNIX socket."""
    try:
        name = handler.request.connection.stream.socket.getsockname()
    except (AttributeError, OSError):  # the connection is closed already
        return handler.request.host.rpartition(":")[2] if ":" in handler.request.host else ""
    return str(name[1]) if isinstance(name, tuple) else ""


SIMPLE: dict[str, Getter] = {
    "time": lambda handler, now: round(now * 1000),
    "datetime": lambda handler, now: time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now)),
    "name": lambda handler, now: getattr(handler, "name", ""),
    "class": lambda handler, now: getattr(handler, "entry", type(handler)).__name__,
    "ip": lambda handler, now: handler.request.remote_ip,
    "user": lambda handler, now: _user(handler).get("id", ""),
    "status": lambda handler, now: handler.get_status(),
    "duration": lambda handler, now: round((now - handler.request._start_time) * 1000),
    "port": _port,
    "method": lambda handler, now: handler.request.method,
    "uri": lambda handler, now: handler.request.uri,
    "error": _error,
    "session": _session,
    "browser": lambda handler, now: handler.request.headers.get("User-Agent", ""),
}
PREFIXED: dict[str, Callable[[Any, str], Any]] = {
    "args": lambda handler, name: (getattr(handler, "args", {}).get(name) or [""])[-1],
    "request": lambda handler, name: getattr(handler.request, name, ""),
    "headers": lambda handler, name: handler.request.headers.get(name, ""),
    "cookies": lambda handler, name: handler.get_cookie(name, ""),
    "user": lambda handler, name: _user(handler).get(name, ""),
    "env": lambda handler, name: os.environ.get(name, ""),
}


def getter(key: str, instance: str = "") -> Getter:
    """Return the function that finds a column's value.

    Raises:
        ValueError: there is no such key.
    """
    if key == "instance":
        return lambda handler, now: instance
    if key in SIMPLE:
        return SIMPLE[key]
    prefix, dot, name = key.partition(".")
    if not dot or prefix not in PREFIXED:
        raise ValueError(
            f"{key!r} is no key of the request log. Use one of {', '.join(SIMPLE)}, instance, "
            f"or a name after one of {', '.join(f'{each}.' for each in PREFIXED)}"
        )
    find = PREFIXED[prefix]
    return lambda handler, now: find(handler, name)
