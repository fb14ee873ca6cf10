"""Makes the Python files beside the YAML files importable."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

_ours: list[str] = []


def importable(folders: Sequence[Path]) -> None:
    """Let modules in `folders` be imported, those of the first folder first; folders of an earlier call are dropped.

    They come before installed packages, as a script's folder does, but behind the standard library: an app's
    ``queue.py`` must not break the server.
    """
    wanted = [str(folder) for folder in folders]
    if wanted == _ours and all(path in sys.path for path in wanted):
        return
    kept = [path for path in sys.path if path not in _ours and path not in wanted]
    packages = (at for at, path in enumerate(kept) if Path(path).name in ("site-packages", "dist-packages"))
    at = next(packages, len(kept))
    _ours[:] = wanted
    sys.path[:] = [*kept[:at], *wanted, *kept[at:]]
