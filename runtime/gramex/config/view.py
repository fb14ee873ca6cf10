"""Mappings whose text keys are attributes too: parts of the configuration, users, what sessions hold."""

from __future__ import annotations

from typing import Any


class View(dict[str, Any]):
    """A mapping: ``view.kwargs.path`` is ``view["kwargs"]["path"]``. A method's name is the method, not the key."""

    def __getattr__(self, name: str) -> Any:
        """Return a key."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here") from None

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a key."""
        self[name] = value


def view(value: Any) -> Any:
    """Return a copy of a value in which all mappings, also those in lists, are views."""
    if isinstance(value, dict):
        return View((key, view(each)) for key, each in value.items())
    return [view(each) for each in value] if isinstance(value, list) else value
