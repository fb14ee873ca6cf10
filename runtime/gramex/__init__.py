"""Runs apps described by a ``gramex.yaml``. What apps import from here is loaded when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gramex import cache, config, handlers, service, transforms
    from gramex.running import commandline, conf, shutdown

__all__ = [
    "__version__", "cache", "commandline", "conf", "config", "handlers", "service", "shutdown", "transforms",
]  # fmt: skip
IN_RUNNING = ("commandline", "conf", "shutdown")


def __getattr__(name: str) -> Any:
    """Return a name that apps import; those of IN_RUNNING are in `gramex.running`, the others are modules."""
    from importlib import import_module

    if name in IN_RUNNING:
        return getattr(import_module("gramex.running"), name)
    if name in __all__:
        return import_module(f"gramex.{name}")
    raise AttributeError(f"module 'gramex' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return all names, those that are not loaded yet too."""
    return sorted({*globals(), *__all__})
