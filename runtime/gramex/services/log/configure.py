"""Turns the ``log:`` section, Python's dictConfig, into handlers and levels."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from gramex.services.log.append import AppendHandler
from gramex.services.log.lines import JsonFormatter, LineFormatter, StreamHandler

app_log = logging.getLogger("gramex")

REQUESTS = "requests"  # the entry of log.handlers that is no handler of Python's but the request log
STREAMS = {"ext://sys.stdout": "stdout", "ext://sys.stderr": "stderr"}
FILES = ("logging.FileHandler", "gramex.services.log.AppendHandler")


def configure(section: Mapping[str, Any], instance: str = "", folder: Path | None = None) -> None:
    """Set up Python's logging from the section.

    The console and appended files are made here. A section that asks for more (filters, other handlers, ``()``) goes to
    ``logging.config``, which takes 10 ms to import. `instance` is put before each message. `folder` is the start
    folder, that relative file names are relative to. A mistake is logged; the console then works with its defaults.
    """
    try:
        conf = prepare(section)
        if is_plain(conf):
            _configure_plain(conf, instance, folder or Path.cwd())
        else:
            _configure_full(conf, instance, folder or Path.cwd())
    except (ValueError, TypeError, AttributeError, ImportError, KeyError, OSError) as error:
        _configure_plain(DEFAULT, instance, folder or Path.cwd())
        reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        app_log.error("log: %s. The console is used instead", reason)
    logging.captureWarnings(False)


DEFAULT: dict[str, Any] = {
    "formatters": {"console": {"format": "%(levelname).1s %(asctime)s.%(msecs)03d %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "console"}},
    "loggers": {"gramex": {"level": "INFO", "handlers": ["console"], "propagate": False}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}


def prepare(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the section without what is ours alone: the request log, and ``format`` of the logger gramex."""
    conf: dict[str, Any] = deepcopy(dict(section))
    (conf.get("handlers") or {}).pop(REQUESTS, None)
    loggers = conf.get("loggers") or {}
    for logger in [*loggers.values(), conf.get("root")]:
        if isinstance(logger, dict) and REQUESTS in (logger.get("handlers") or []):
            logger["handlers"] = [name for name in logger["handlers"] if name != REQUESTS]
    gramex = loggers.get("gramex")
    if isinstance(gramex, dict) and str(gramex.pop("format", "")).lower() == "json":
        for formatter in (conf.get("formatters") or {}).values():
            formatter["format"] = "json"
    return conf


def is_plain(conf: Mapping[str, Any]) -> bool:
    """True if the section has only what `_configure_plain` can do."""
    if not {*conf} <= {"version", "disable_existing_loggers", "formatters", "handlers", "loggers", "root"}:
        return False
    for formatter in (conf.get("formatters") or {}).values():
        if not isinstance(formatter, Mapping) or not {*formatter} <= {"format", "datefmt"}:
            return False
    for handler in (conf.get("handlers") or {}).values():
        if not isinstance(handler, Mapping):
            return False
        if handler.get("class") == "logging.StreamHandler":
            if not {*handler} <= {"class", "formatter", "level", "stream"}:
                return False
            if handler.get("stream", "ext://sys.stderr") not in STREAMS:
                return False
        elif handler.get("class") in FILES:
            if not {*handler} <= {"class", "formatter", "level", "filename", "encoding", "delay", "mode", "kept"}:
                return False
            if handler.get("mode", "a") != "a" or not isinstance(handler.get("filename"), str):
                return False
        else:
            return False
    for logger in [*(conf.get("loggers") or {}).values(), conf.get("root") or {}]:
        if not isinstance(logger, Mapping) or not {*logger} <= {"level", "handlers", "propagate"}:
            return False
    return True


def _formatter(conf: Mapping[str, Any], instance: str) -> logging.Formatter:
    if conf.get("format") == "json":
        return JsonFormatter(instance)
    return LineFormatter(conf.get("format"), conf.get("datefmt"), instance)


def _configure_plain(conf: Mapping[str, Any], instance: str, folder: Path) -> None:
    """Do what dictConfig would do with such a section.

    Raises:
        ValueError, TypeError: a level or a name that does not exist.
    """
    formatters = {name: _formatter(spec, instance) for name, spec in (conf.get("formatters") or {}).items()}
    handlers: dict[str, logging.Handler] = {}
    for name, spec in (conf.get("handlers") or {}).items():
        handler: logging.Handler
        if spec["class"] == "logging.StreamHandler":
            handler = StreamHandler(getattr(sys, STREAMS[spec.get("stream", "ext://sys.stderr")]))
        else:
            handler = AppendHandler(str(folder / spec["filename"]), int(spec.get("kept", 52)))
        if "formatter" in spec and spec["formatter"] not in formatters:
            raise ValueError(f"log.handlers.{name}.formatter: there is no formatter {spec['formatter']!r}")
        handler.setFormatter(formatters.get(spec.get("formatter"), _formatter({}, instance)))
        handler.setLevel(_level(spec.get("level", 0), f"log.handlers.{name}.level"))
        handlers[name] = handler
    loggers = dict(conf.get("loggers") or {})
    if conf.get("root"):
        loggers["root"] = conf["root"]
    checked = []
    for name, spec in loggers.items():
        wanted = spec.get("handlers") or []
        for missing in set(wanted) - set(handlers):
            raise ValueError(f"log.loggers.{name}.handlers: there is no handler {missing!r}")
        checked.append((name, spec, _level(spec.get("level", 0), f"log.loggers.{name}.level"), wanted))
    old = set()
    for name, spec, level, wanted in checked:
        logger = logging.getLogger(None if name == "root" else name)
        old.update(logger.handlers)
        logger.handlers = [handlers[each] for each in wanted]
        logger.setLevel(level)
        logger.propagate = spec.get("propagate", True)
        logger.disabled = False
    for handler in old:
        handler.close()


def _level(value: Any, key: str) -> int:
    if isinstance(value, int):
        return value
    level = logging.getLevelName(str(value).upper())
    if not isinstance(level, int):
        raise ValueError(f"{key}: {value!r} is no level. Use DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def _configure_full(conf: dict[str, Any], instance: str, folder: Path) -> None:
    """Hand the section to Python, with the folders of its files made and the formatters replaced by ours.

    Raises:
        ValueError, TypeError, AttributeError, ImportError: as dictConfig does.
    """
    import logging.config

    conf.setdefault("version", 1)
    conf.setdefault("disable_existing_loggers", False)
    used = {
        name
        for logger in [*(conf.get("loggers") or {}).values(), conf.get("root") or {}]
        if isinstance(logger, Mapping)
        for name in logger.get("handlers") or []
    }
    # dictConfig opens the file of every handler, also of those that nothing uses.
    conf["handlers"] = {name: spec for name, spec in (conf.get("handlers") or {}).items() if name in used}
    for spec in conf["handlers"].values():
        if spec.get("class") in FILES and spec.get("mode", "a") == "a":
            for key in ("mode", "encoding", "delay"):
                spec.pop(key, None)
            spec["class"] = FILES[1]
        elif spec.get("class") == "logging.StreamHandler":
            spec["class"] = "gramex.services.log.lines.StreamHandler"
        if isinstance(spec.get("filename"), str):
            spec["filename"] = str(folder / spec["filename"])
            Path(spec["filename"]).parent.mkdir(parents=True, exist_ok=True)
    formatters = conf.get("formatters") or {}
    for name, spec in formatters.items():
        if isinstance(spec, Mapping) and {*spec} <= {"format", "datefmt"}:
            formatters[name] = {"()": lambda spec=spec: _formatter(spec, instance)}
    logging.config.dictConfig(conf)
