"""Turns YAML files into one checked configuration.

`load` is the way in. Everything else here is what its callers and the app's own code need: the result, the kinds of
mistakes, the variables, the log.
"""

from .layers import Loaded, load
from .problem import ConfigError, Problem, app_log
from .table import variables

__all__ = ["ConfigError", "Loaded", "Problem", "app_log", "load", "variables"]
