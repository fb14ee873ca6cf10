"""Gives a service a standard output: the file service.log in the app's folder."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

NAME = "service.log"
LARGE = 10_000_000  # bytes; a larger one is put aside at a start, in place of the one before


def open_output(folders: list[Path]) -> Path:
    """Send standard output and error to the log in the first of `folders` that can be written; returns its path.

    Output of programs that are started goes there too.
    """
    for folder in [*folders, Path(tempfile.gettempdir())]:
        path = folder / NAME
        try:
            if path.exists() and path.stat().st_size > LARGE:
                path.replace(path.with_suffix(".log.1"))
            log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            break
        except OSError:
            continue
    else:
        log, path = os.open(os.devnull, os.O_WRONLY), Path(os.devnull)
    for number in (1, 2):
        os.dup2(log, number)
    if log > 2:
        os.close(log)
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing:
        os.dup2(nothing, 0)
        os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (
        open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    return path


def last_line(folder: Path) -> str:
    """Return the last line of a folder's log, '' if there is none."""
    try:
        with (folder / NAME).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
