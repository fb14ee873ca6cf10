"""Turns one entry of ``url:`` into the class that answers it. A mistake costs that entry, never another one."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tornado.web import RequestHandler

from gramex.config.view import view
from gramex.handlers.base import BaseHandler
from gramex.handlers.patterns import normalise
from gramex.handlers.registry import find_class, is_absent, short

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services

app_log = logging.getLogger("gramex")
# Sections that set-up reads beside the entry: where one differs, the class of before does not fit any more.
READ = ("app", "handlers", "mime", "cache")


class StatusHandler(BaseHandler):
    """Answers every method with one status."""

    status = 404

    def prepare(self) -> None:
        """Send the page for the status."""
        self.send_error(self.status)


class FailedHandler(StatusHandler):
    """Stands in for an entry whose set-up failed; the page says nothing about why."""

    status = 500


class AbsentHandler(StatusHandler):
    """Stands in for a handler of Gramex that this runtime does not have."""

    status = 501


class Entry(NamedTuple):
    """What an entry of ``url:`` says, checked."""

    name: str
    pattern: str
    priority: float
    handler: str
    spec: Mapping[str, Any]


def fill_defaults(kwargs: Mapping[str, Any], defaults: Any) -> dict[str, Any]:
    """Return `kwargs` with the keys that are missing taken from `defaults`, at any depth."""
    filled = dict(kwargs)
    if isinstance(defaults, Mapping):
        for key, value in defaults.items():
            if key not in filled:
                filled[key] = value
            elif isinstance(filled[key], Mapping) and isinstance(value, Mapping):
                filled[key] = fill_defaults(filled[key], value)
    return filled


class Entries:
    """Makes the classes of one configuration."""

    def __init__(self, loaded: Loaded, services: Services, previous: Any = None):
        """`previous` is the application of the configuration before, which lends what did not change."""
        self.loaded, self.services = loaded, services
        self.handlers: Mapping[str, Any] = loaded.conf.get("handlers") or {}
        self.old: dict[str, Any] = {}
        if previous and all(previous.loaded.conf.get(key) == loaded.conf.get(key) for key in READ):
            self.old = previous.entries

    def complain(self, name: str, text: str, *args: Any, exc_info: bool = False) -> None:
        """Log a mistake in an entry, with its place."""
        where = self.loaded.where("url", name)
        app_log.error(f"%surl:%s{text}", f"{where}: " if where else "", name, *args, exc_info=exc_info)

    def parse(self, name: str, spec: Any) -> Entry | None:
        """Return an entry, checked; None, and a line in the log, if there is nothing that could be served."""
        if not isinstance(spec, Mapping):
            self.complain(name, ": must be a mapping with pattern: and handler:, not %r", spec)
            return None
        pattern, priority = spec.get("pattern"), spec.get("priority", 0)
        handler = spec.get("service") or spec.get("handler")
        if not isinstance(pattern, str) or not pattern:
            self.complain(name, ": no pattern: specified")
            return None
        if not isinstance(handler, str) or not handler:
            self.complain(name, ": no service: or handler: specified")
            return None
        try:
            re.compile(normalise(pattern))
        except Exception as error:  # re.error, OverflowError, RecursionError, a FutureWarning where warnings are errors
            self.complain(name, ": pattern: '%s' is invalid: %s", pattern, error)
            return None
        if isinstance(priority, bool) or not isinstance(priority, (int, float)):
            self.complain(name, ": priority: must be a number, not %r: 0 is used", priority)
            priority = 0
        return Entry(name, normalise(pattern), priority, handler, spec)

    def make_class(self, base: type[RequestHandler], name: str, spec: Mapping[str, Any], kwargs: dict[str, Any]) -> Any:
        """Return a subclass of a handler for one entry; it keeps the handler's class name."""
        names: dict[str, Any] = {"name": name, "conf": view(spec), "kwargs": view(kwargs), "given": kwargs}
        names |= {"loaded": self.loaded, "services": self.services, "__module__": base.__module__}
        return type(base.__name__, (base,), names)

    def stand_in(self, base: type[StatusHandler], name: str = "", spec: Mapping[str, Any] | None = None) -> Any:
        """Return a class that answers with a status; the error pages of ``handlers.BaseHandler`` count for it."""
        kwargs: dict[str, Any] = {}
        common = self.handlers.get("BaseHandler")
        if isinstance(common, Mapping) and common.get("error"):
            kwargs["error"] = common["error"]
        cls = self.make_class(base, name, spec or {}, kwargs)
        try:
            cls.setup(**kwargs)
        except Exception as error:
            app_log.error("handlers.BaseHandler: %s", error)
        return cls

    def set_up(self, entry: Entry) -> type[RequestHandler] | None:
        """Return the class that answers an entry, None if the entry is to be ignored. Mistakes are logged."""
        name, spec, handler = entry.name, entry.spec, entry.handler
        try:
            base = find_class(handler)
            if base is None and is_absent(handler):
                self.complain(name, ": this runtime has no %s: the URL answers 501", handler)
                return self.stand_in(AbsentHandler, name, spec)
            if base is None:
                self.complain(name, ": ignoring missing handler %s", handler)
                return None
            kwargs = spec.get("kwargs") or {}
            if not isinstance(kwargs, Mapping):
                raise ValueError(f"kwargs: must be a mapping, not {kwargs!r}")
            for key, defaults in self.handlers.items():
                if short(str(key)) == short(handler):
                    kwargs = fill_defaults(kwargs, defaults)
            if issubclass(base, BaseHandler):
                kwargs = fill_defaults(kwargs, self.handlers.get("BaseHandler"))
                if "cache" in spec:  # Gramex takes it beside kwargs:
                    kwargs["cache"] = spec["cache"]
            if odd := [key for key in kwargs if not isinstance(key, str)]:
                raise ValueError(f"kwargs: a key must be text, not {odd[0]!r}")
            old = self.old.get(name)
            if old and old.__mro__[1] is base and (old.conf, old.given) == (spec, kwargs):
                old.loaded, old.services = self.loaded, self.services
                return old
            cls = self.make_class(base, name, spec, dict(kwargs))
            if issubclass(cls, BaseHandler):
                cls.setup(**kwargs)
            return cls
        except Exception as error:
            # ValueError is how set-up reports a user's mistake; anything else comes with its traceback.
            text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            plain = isinstance(error, (ValueError, SyntaxError))
            self.complain(name, " (%s) invalid configuration: %s", handler, text, exc_info=not plain)
            return self.stand_in(FailedHandler, name, spec)
