"""Runs apps described by a ``gramex.yaml``."""

__version__ = "0.1.0"
