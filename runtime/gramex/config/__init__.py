"""Turns YAML files into one checked configuration.

`load` is the way in. Everything else here is what its callers and the app's own code need: the result, the kinds of
mistakes, the variables, the log.
"""

from typing import Any

from .layers import Loaded, load
from .problem import ConfigError, Problem, app_log
from .table import variables

__all__ = ["ConfigError", "Loaded", "Problem", "app_log", "load", "variables"]


def __getattr__(name: str) -> Any:
    """Return a name that apps import from here, and that belongs elsewhere."""
    if name == "CustomJSONEncoder":
        from gramex.handlers.results import CustomJSONEncoder

        return CustomJSONEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
