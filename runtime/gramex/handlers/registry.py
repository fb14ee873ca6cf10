"""Turns the name of a handler, as written in ``url:``, into a class."""

from __future__ import annotations

import importlib

from tornado.web import RequestHandler

from gramex.handlers.modules import import_module, watch

# Class -> module. Modules are imported when an entry first names the class.
HANDLERS = {
    "BaseHandler": "gramex.handlers.base",
    "DataHandler": "gramex.handlers.formhandler",
    "FileHandler": "gramex.handlers.filehandler",
    "FormHandler": "gramex.handlers.formhandler",
    "FunctionHandler": "gramex.handlers.function",
    "GuideHandler": "gramex.handlers.guide",
    "LDAPAuth": "gramex.handlers.ldapauth",
    "LogoutHandler": "gramex.handlers.logout",
    "ProxyHandler": "gramex.handlers.proxy",
    "QueryHandler": "gramex.handlers.formhandler",
    "RedirectHandler": "gramex.handlers.redirecthandler",
    "SimpleAuth": "gramex.handlers.simpleauth",
    "UploadHandler": "gramex.handlers.upload",
    "WebSocketHandler": "gramex.handlers.websocket",
}
ALIASES = {"directory": "FileHandler"}

# Handlers of Gramex that this runtime does not have: their URLs answer 501, the rest of the app is not touched.
# fmt: off
ABSENT = frozenset({
    "capture", "chart", "comic", "command", "db", "dbauth", "drive", "emailauth", "facebook", "facebookauth",
    "facebookgraph", "filter", "gmail", "google", "googleauth", "integratedauth", "json",
    "logviewer", "ml", "mlpredictor", "message", "model", "nlg", "nlgapp", "oauth2", "openapi", "pptx", "pptxgen",
    "process", "pynode", "rules", "samlauth", "samlauth2", "schedule", "slides", "smsauth",
    "social", "template", "translate", "twitterauth", "twitterrest", "twitterstream", "widget",
})
# fmt: on


def short(name: str) -> str:
    """Return the key of a handler's name: no package, no final ``Handler``, lower case."""
    key = name.removeprefix("gramex.handlers.").lower()
    return key.removesuffix("handler") or key


SHORT = {short(name): name for name in HANDLERS} | ALIASES


def find_class(name: str) -> type[RequestHandler] | None:
    """Return the class for `name`: one of ours, or ``module.Class`` from an importable module; None if there is none.

    Raises:
        Exception: the module exists, and fails.
    """
    own = SHORT.get(short(name))
    if own:
        return getattr(importlib.import_module(HANDLERS[own]), own)
    module_name, _, class_name = name.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in name.split(".")):
        return None
    module = import_module(module_name)
    if module is not None and (watched := watch(module)):
        watched.refresh()
    found = getattr(module, class_name, None)
    return found if isinstance(found, type) and issubclass(found, RequestHandler) else None


def is_absent(name: str) -> bool:
    """True if `name` is a handler of Gramex that this runtime does not have."""
    return short(name) in ABSENT
