"""Notices that a file of the configuration changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gramex.config import ConfigError, Loaded
from gramex.config.layers import FILE

INTERVAL = 0.5  # seconds between two looks

State = tuple[int, int, int] | None  # None: there is no such file


def state(path: Path) -> State:
    """Return what differs between two states of a file, also where another one was renamed to its name."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino


class Changes:
    """The files that the configuration was last read from, and those that it could not be read from."""

    def __init__(self, loaded: Loaded, read: Callable[[], Loaded]):
        """`loaded` has just been read, `read` reads it anew."""
        self._read = read
        self.main = loaded.folder / FILE
        self.known = {path: state(path) for path in loaded.files}
        self.pending: dict[Path, State] | None = None

    def read(self) -> Loaded:
        """Read the configuration anew, and watch what it is read from.

        Raises:
            ConfigError: it has a mistake. The files of before are watched, and those that have it.
        """
        before = {path: state(path) for path in self.known}
        try:
            loaded = self._read()
        except ConfigError as error:
            self._watch([*before, *(problem.file for problem in error.problems if problem.file)], before)
            raise
        self._watch(loaded.files, before)
        return loaded

    def _watch(self, files: Iterable[Path], before: dict[Path, State]) -> None:
        # The state from before it was read: a change after that is one.
        self.known = {path: before[path] if path in before else state(path) for path in files}
        self.pending = None

    def look(self) -> list[Path]:
        """Return which files changed, once they stay as they are from one look to the next: none is half-written.

        Where the app's own gramex.yaml is gone, an editor is about to replace it.
        """
        now = {path: state(path) for path in self.known}
        if now == self.known or (now.get(self.main) is None and self.known.get(self.main) is not None):
            self.pending = None
            return []
        if now != self.pending:
            self.pending = now
            return []
        changed = [path for path in now if now[path] != self.known[path]]
        self.known, self.pending = now, None
        return changed
