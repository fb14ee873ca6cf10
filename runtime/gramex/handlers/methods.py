"""Which methods an entry answers: the ``methods:`` key, and the method override."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError, RequestHandler

HEADER = "X-Http-Method-Override"
ARGUMENT = "x-http-method-override"
KNOWN = frozenset(RequestHandler.SUPPORTED_METHODS)


def override_method(handler: Any) -> None:
    """Take the method from the header ``X-HTTP-Method-Override`` or the argument of that name."""
    request = handler.request
    # asking first is cheaper than a lookup that fails
    method = request.headers[HEADER] if HEADER in request.headers else None  # noqa: SIM401
    if ARGUMENT in request.arguments:
        method = method or handler.get_arg(ARGUMENT, None)
        for each in (handler.args, request.arguments, request.query_arguments, request.body_arguments):
            each.pop(ARGUMENT, None)  # it is for us, not for what answers
    if method and request.method != "HEAD":  # a HEAD's answer has no body, whatever else it asks for
        method = method.strip().upper()
        if method == "HEAD":
            return  # and the client expects one
        if method not in KNOWN:
            raise HTTPError(405, "method %s is unknown", method)
        request.method = method


def parse_methods(methods: Any) -> frozenset[str] | None:
    """Return the set of allowed methods for the key ``methods:``, None if all are.

    Raises:
        ValueError: a method that HTTP does not know.
    """
    if methods is None:
        return None
    names = methods.replace(",", " ").split() if isinstance(methods, str) else methods
    if not isinstance(names, (list, tuple)):
        raise ValueError(f"methods: must be a list such as [GET, POST], not {methods!r}")
    allowed = frozenset(str(name).upper() for name in names)
    if unknown := allowed - KNOWN:
        raise ValueError(f"methods: unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(KNOWN))}")
    return allowed


def setup_methods(cls: Any, methods: Any) -> None:
    """Add the steps "override" and, if the entry has ``methods:``, "methods"."""
    cls.add_step("override", override_method)
    allowed = parse_methods(methods)
    if allowed is None:
        return
    cls.allowed = allowed

    def check(handler: Any) -> None:
        if handler.request.method not in allowed:
            raise HTTPError(405, "url:%s allows %s only", handler.name, ", ".join(sorted(allowed)))

    cls.add_step("methods", check)
