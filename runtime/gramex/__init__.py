"""Runs apps described by a ``gramex.yaml``. What apps import from here is loaded when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gramex import config, service
    from gramex.running import commandline, conf, shutdown

__all__ = ["__version__", "commandline", "conf", "config", "service", "shutdown"]


def __getattr__(name: str) -> Any:
    """Return a name that apps import; `config` and `service` are modules, the others are in `gramex.running`."""
    from importlib import import_module

    if name in ("config", "service"):
        return import_module(f"gramex.{name}")
    if name in __all__:
        return getattr(import_module("gramex.running"), name)
    raise AttributeError(f"module 'gramex' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return all names, those that are not loaded yet too."""
    return sorted({*globals(), *__all__})
