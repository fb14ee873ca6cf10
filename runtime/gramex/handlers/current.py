"""The handler that is at work, for functions that are not given it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

# Set while an expression of the configuration runs, for the functions that it calls.
current_handler: ContextVar[Any] = ContextVar("current_handler", default=None)
