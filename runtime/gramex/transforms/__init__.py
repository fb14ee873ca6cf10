"""Functions that apps import, and that expressions of the configuration may use."""

from gramex.transforms.rendering import template
from gramex.transforms.typed import handler

__all__ = ["handler", "template"]
