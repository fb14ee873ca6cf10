"""Judges by ``ignore`` and ``allow`` which files may be served. There is no other judge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from gramex.handlers.globs import Globs

JUDGED = 4096  # files whose judgement is remembered


def as_windows(relative: str) -> str:
    """Return the path that Windows would open: no alternate streams, no dots or spaces at the end of names."""
    return "/".join(name.partition(":")[0].rstrip(". ") for name in relative.split("/"))


@lru_cache(maxsize=1024)
def name_in(start: str, folder: str) -> str:
    """Return how an app in `start` calls a folder: by its path below `start`, '' for that, else by its own name."""
    path = PurePath(folder)
    try:
        name = path.relative_to(start).as_posix()
    except ValueError:
        return path.name
    return "" if name == "." else name


class Rules:
    """A file is refused if an `ignore` glob matches it and no `allow` glob does.

    Folders count as well: everything below a hidden folder, or below one that `ignore` names without a leading
    wildcard, shares its fate. A wildcard in `allow` does not open what is hidden: ``*.html`` is not for ``.x.html``.
    """

    def __init__(self, ignore: Sequence[str], allow: Sequence[str], start: str = ""):
        """Compile the globs of an app in the folder `start`.

        Raises:
            ValueError: one of them is not a glob.
        """
        self.empty = not ignore
        self.start = start
        self.ignore = Globs(ignore)
        self.ignore_folder = Globs(glob for glob in ignore if glob[:1] not in ("*", "?", "["))
        self.allow = Globs(allow, hidden=False)
        self.allow_whole = Globs(allow, hidden=False, everywhere=False)
        # What was found to be allowed, with the state of the file then: a link that leads elsewhere shows another.
        self.judged: dict[Any, tuple[int, ...]] = {}

    def remember(self, key: Any, state: tuple[int, ...]) -> None:
        """Note that what `key` means may be served as long as its file is in that state."""
        if len(self.judged) >= JUDGED:
            self.judged.clear()
        self.judged[key] = state

    def below(self, folder: str) -> str:
        """Return how the app calls a folder that is served."""
        return name_in(self.start, folder) if self.start else ""

    def refuses(self, relative: str, folder: bool = False, below: str = "") -> bool:
        """True if the file (or `folder`) at a path relative to the served folder must not be shown.

        `below` is how the app calls the served folder.
        """
        if self.empty or relative in ("", "."):
            return False
        return self._refuses(relative, folder, below) or (
            (real := as_windows(relative)) != relative and self._refuses(real, folder, below)
        )

    def _refuses(self, relative: str, folder: bool, below: str) -> bool:
        allowed = self.allow.match(relative, below)
        if not folder and not allowed and self.ignore.match(relative, below):
            return True
        names = relative.split("/")
        for count, name in enumerate(names, 1):
            if count == len(names) and not folder and not name.startswith("."):
                break
            above = "/".join(names[:count])
            if name.startswith("."):
                if self.ignore.match(above, below) and not self._opens(names, count, below):
                    return True
            elif not allowed and self.ignore_folder.match(above, below) and not self.allow.match(above, below):
                return True
        return False

    def _opens(self, names: list[str], count: int, below: str) -> bool:
        """True if an `allow` glob speaks of the hidden name number `count` itself."""
        if below:
            folders = below.split("/")
            names, count = [*folders, *names], count + len(folders)
        return any(
            self.allow_whole.match("/".join(names[begin:end])) for begin in range(count) for end in (count, len(names))
        )
