"""The shape of a log line: text with the instance's name in it, or one JSON object."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    ConsoleHandler = logging.StreamHandler[TextIO]
else:  # which Python 3.10 cannot be asked for
    ConsoleHandler = logging.StreamHandler
DATE = "%Y-%m-%d %H:%M:%S"
NAMES = {level: logging.getLevelName(level) for level in (logging.INFO, logging.WARNING, logging.ERROR)}
Request = tuple[int, float, str, tuple[Any, ...]]  # level, seconds since the epoch, line, values of REQUEST
REQUEST = ("status", "method", "uri", "ip", "duration", "name")  # what the record of a request has in ``request``


class LineFormatter(logging.Formatter):
    """Python's formatter, with the instance before the message, and the text of a second made once."""

    def __init__(self, format: str | None = None, datefmt: str | None = None, instance: str = ""):
        """Take dictConfig's keys; `instance` is '' for none."""
        text = format or "%(message)s"
        if instance and "%(message)s" in text:
            text = text.replace("%(message)s", f"{instance.replace('%', '%%')} %(message)s", 1)
        super().__init__(text, datefmt or DATE)
        self.second = (-1, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the local time of a record."""
        second = int(record.created)
        if second != self.second[0]:
            self.second = (second, time.strftime(datefmt or DATE, self.converter(second)))
        return self.second[1]

    def lines(self, requests: Iterable[Request]) -> str:
        """Return the lines of finished requests; one record serves for all of them."""
        values = logging.LogRecord("gramex", 0, "requests.py", 0, "", None, None).__dict__
        text, found = self._fmt or "%(message)s", []
        for level, now, message, _ in requests:
            second = int(now)
            if second != self.second[0]:
                self.second = (second, time.strftime(self.datefmt or DATE, self.converter(second)))
            values.update(
                levelno=level, levelname=NAMES[level], created=now, asctime=self.second[1],
                msecs=int((now - second) * 1000), message=message,
            )  # fmt: skip
            found.append(text % values)
        return "\n".join([*found, ""])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time in UTC with milliseconds, level, logger, message, instance, process, exception."""

    def __init__(self, instance: str = ""):
        """`instance` is left out where it is ''."""
        super().__init__()
        self.instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of a record; the fields of a request get names of their own."""
        from json import dumps

        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if self.instance:
            line["instance"] = self.instance
        line.update(zip(REQUEST, getattr(record, "request", ()), strict=False))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return dumps(line, default=str)


class StreamHandler(ConsoleHandler):
    """The console, which may be missing: a Windows service has none."""

    def __init__(self, stream: TextIO | None = None):
        """Take the stream; standard error by default."""
        super().__init__(stream or sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if self.stream is not None:
            super().emit(record)

    def write_lines(self, text: str) -> None:
        """Write lines that are formatted already."""
        if self.stream is None:
            return
        self.acquire()
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            # The reader of our output went away; the request log must not stop answers because of it.
            pass
        finally:
            self.release()
