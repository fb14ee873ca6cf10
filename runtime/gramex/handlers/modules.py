"""Imports the modules that expressions name, and reads those of the app again when their files change."""

from __future__ import annotations

import importlib
import importlib.machinery
import linecache
import os
import sys
from pathlib import Path
from types import ModuleType

# Modules below these folders are installed: they do not change while the server runs. (sysconfig knows them as well,
# but takes 5 ms to import.)
STANDARD = str(Path(os.__file__).parent)
INSTALLED = tuple(
    str(Path(path)) + os.sep
    for path in (STANDARD, *sys.path)
    if path == STANDARD or Path(path).name in ("site-packages", "dist-packages")
)
PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep


class Watched:
    """A module of an app and the state of its file when it was read."""

    __slots__ = ("module", "path", "seen")

    def __init__(self, module: ModuleType, path: str):
        self.module, self.path = module, path
        self.seen = self.state()

    def state(self) -> tuple[int, int, int] | None:
        """Return what differs between two states of the file, None while there is none (an editor is replacing it)."""
        try:
            info = os.stat(self.path)  # noqa: PTH116  at each request
        except OSError:
            return None
        return info.st_mtime_ns, info.st_size, info.st_ino

    def refresh(self) -> None:
        """Read the module again if its file changed.

        Raises:
            Exception: what the module raises; the next request tries again.
        """
        state = self.state()
        if state == self.seen or state is None:
            return
        # Not importlib.reload: it trusts compiled files whose source has the same second and size.
        code = compile(Path(self.path).read_bytes(), self.path, "exec", dont_inherit=True)
        linecache.checkcache(self.path)
        exec(code, self.module.__dict__)  # noqa: S102  the app's own code
        self.seen = state


watched: dict[str, Watched] = {}


def import_module(name: str) -> ModuleType | None:
    """Return the module `name`, None if there is none.

    Raises:
        Exception: there is one, and it fails.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            return None
        raise
    except ValueError:  # __main__ and the like have no spec
        return sys.modules.get(name)


def watch(module: ModuleType) -> Watched | None:
    """Return the watch over a module of an app; None for modules that are installed, or have no source."""
    path = getattr(module, "__file__", None)
    spec = module.__spec__
    if not path or spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        return None
    path = str(Path(path).absolute())
    if path.startswith((*INSTALLED, PACKAGE)):
        return None
    found = watched.get(path)
    if found is None or found.module is not module:
        found = watched[path] = Watched(module, path)
    return found
