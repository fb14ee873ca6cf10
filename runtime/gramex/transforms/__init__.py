"""Functions that apps import, and that expressions of the configuration may use."""

from gramex.handlers.auth import ensure_single_session
from gramex.transforms.rendering import template
from gramex.transforms.typed import handler

__all__ = ["ensure_single_session", "handler", "template"]
