"""Builds the application from the configuration: checks each url entry, makes its class, sets it up."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tornado.web import RequestHandler

from gramex.handlers.application import Application, NotFoundHandler
from gramex.handlers.base import BaseHandler
from gramex.handlers.patterns import normalise, precedence
from gramex.handlers.registry import find_class, is_absent, short
from gramex.handlers.trusted import Trusted

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services

app_log = logging.getLogger("gramex")


class FailedHandler(BaseHandler):
    """Stands in for an entry whose set-up failed: its URL answers 500, and says nothing about why."""

    def prepare(self) -> None:
        """Answer every method alike."""
        self.send_error(500)


class AbsentHandler(BaseHandler):
    """Stands in for a handler of Gramex that this runtime does not have."""

    def prepare(self) -> None:
        """Answer every method alike."""
        self.send_error(501)


def fill_defaults(kwargs: dict[str, Any], defaults: Any) -> dict[str, Any]:
    """Return `kwargs` with the keys that are missing taken from `defaults`, at any depth."""
    if not isinstance(defaults, Mapping):
        return kwargs
    filled = dict(kwargs)
    for key, value in defaults.items():
        if key not in filled:
            filled[key] = value
        elif isinstance(filled[key], Mapping) and isinstance(value, Mapping):
            filled[key] = fill_defaults(dict(filled[key]), value)
    return filled


def handler_defaults(conf: Mapping[str, Any], name: str) -> list[Any]:
    """Return the mappings of the ``handlers:`` section for a handler's name, the more special one first."""
    handlers = conf.get("handlers") or {}
    return [value for key, value in handlers.items() if short(key) == short(name)] + [handlers.get("BaseHandler")]


def make_class(base: type[RequestHandler], name: str, spec: Mapping[str, Any], kwargs: dict[str, Any]) -> Any:
    """Return a subclass of a handler for one entry; it keeps the handler's class name."""
    return type(base.__name__, (base,), {"__module__": base.__module__, "name": name, "conf": spec, "kwargs": kwargs})


def set_up(loaded: Loaded, name: str, spec: Mapping[str, Any], handler: str) -> type[RequestHandler] | None:
    """Return the class that answers an entry, None if the entry is to be ignored. Mistakes are logged."""
    where = loaded.where("url", name)
    where = f"{where}: " if where else ""
    kwargs = spec.get("kwargs") or {}
    try:
        if not isinstance(kwargs, Mapping):
            raise ValueError(f"kwargs: must be a mapping, not {kwargs!r}")
        base = find_class(handler)
        if base is None and is_absent(handler):
            app_log.error("%surl:%s: this runtime has no %s: its URL answers 501", where, name, handler)
            base, kwargs = AbsentHandler, {}
        elif base is None:
            app_log.error("%surl:%s: ignoring missing handler %s", where, name, handler)
            return None
        kwargs = dict(kwargs)
        for defaults in handler_defaults(loaded.conf, handler):
            kwargs = fill_defaults(kwargs, defaults)
        cls = make_class(base, name, spec, kwargs)
        if issubclass(cls, BaseHandler):
            cls.loaded = loaded
            cls.setup(**kwargs)
        return cls
    except Exception as error:
        # A user's mistake in one entry must not stop the others. ValueError is how set-up reports one: no traceback.
        app_log.error(
            "%surl:%s (%s) invalid configuration: %s: %s",
            where, name, handler, type(error).__name__, error,
            exc_info=not isinstance(error, ValueError),
        )  # fmt: skip
    failed = make_class(FailedHandler, name, spec, {})
    failed.setup()
    return failed


def parse_entry(loaded: Loaded, name: str, spec: Any) -> tuple[str, float, str] | None:
    """Return (pattern, priority, handler's name) of an entry; None, and a line in the log, if it has none."""
    where = loaded.where("url", name)
    where = f"{where}: " if where else ""
    if not isinstance(spec, Mapping):
        app_log.error("%surl:%s: must be a mapping with pattern: and handler:, not %r", where, name, spec)
        return None
    pattern, handler, priority = spec.get("pattern"), spec.get("service") or spec.get("handler"), spec.get("priority")
    if not isinstance(pattern, str) or not pattern:
        app_log.error("%surl:%s: no pattern: specified", where, name)
    elif not isinstance(handler, str) or not handler:
        app_log.error("%surl:%s: no service: or handler: specified", where, name)
    else:
        pattern = normalise(pattern)
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            app_log.error("%surl:%s: pattern: '%s' is invalid: %s", where, name, pattern, error)
            return None
        if not isinstance(priority, (int, float)):
            if priority is not None:
                app_log.error("%surl:%s: priority: must be a number, not %r", where, name, priority)
            priority = 0
        return pattern, priority, handler
    return None


def build(loaded: Loaded, services: Services, previous: Application | None = None) -> Application:
    """Return the application for a configuration; `previous` lends the classes of entries that did not change.

    A mistake in one url entry is logged; that entry answers 500 or is left out, the others are served.
    """
    conf = loaded.conf
    app = conf.get("app") or {}
    settings = dict(app.get("settings") or {})
    settings["cookie_secret"] = services.cookie_secret
    listen = app.get("listen") or {}
    application = Application(
        loaded, services, Trusted(listen.get("trusted"), listen.get("xheaders") is not False), settings
    )
    for folder in loaded.folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    base_kwargs = fill_defaults({}, (conf.get("handlers") or {}).get("BaseHandler"))
    application.not_found = make_class(NotFoundHandler, "", {}, base_kwargs)
    application.not_found.setup(error=base_kwargs.get("error"))  # type: ignore[attr-defined]
    found = []
    for name, spec in (conf.get("url") or {}).items():
        entry = parse_entry(loaded, str(name), spec)
        if entry:
            pattern, priority, handler = entry
            cls = set_up(loaded, str(name), spec, handler)
            if cls:
                found.append((precedence(pattern, priority), pattern, cls))
                application.entries[str(name)] = cls
    for _, pattern, cls in sorted(found, key=lambda each: each[0]):
        application.router.add(pattern, cls)
    return application
