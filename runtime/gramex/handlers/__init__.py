"""The classes that answer requests, imported by name when first asked for."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    # PEP 562: `from gramex.handlers import BaseHandler` works, an app pays only for the handlers that it uses.
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "ensure_single_session":
        from gramex.handlers.auth import ensure_single_session

        return ensure_single_session
    from gramex.handlers.registry import find_class

    found = find_class(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no handler {name!r}")
    return found
