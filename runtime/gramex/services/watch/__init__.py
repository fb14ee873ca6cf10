"""Calls functions when files change: ``watch:``."""

from gramex.services.watch.entries import Watch, read_watches
from gramex.services.watch.watcher import Watcher

__all__ = ["Watch", "Watcher", "read_watches"]
