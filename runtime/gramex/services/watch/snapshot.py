"""What is there below some paths, and what happened between two looks.

Paths are text here: a pathlib object costs more than the system call that it is for, and raises for a
name that is too long.
"""
# ruff: noqa: PTH110, PTH112, PTH116

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gramex.config.globs import find

LIMIT = 100_000  # files and folders that one entry watches at most


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `event_type` is created, deleted, modified or moved; `dest_path` where it moved to."""

    event_type: str
    src_path: str
    is_directory: bool = False
    dest_path: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered about a file or folder. `mark` differs when a file was changed or replaced."""

    is_directory: bool
    identity: tuple[int, int]
    mark: tuple[int, int, int]


Snapshot = dict[str, State]


def look(paths: Sequence[str]) -> Snapshot:
    """Return the state of all that is at some absolute paths: files, folders with everything below, patterns.

    Links to folders below are not followed: they may lead in circles. At most LIMIT of them are looked at.
    """
    found: Snapshot = {}
    for path in paths:
        if "*" in path or ("[" in path and not os.path.exists(path)):
            for each in find(path, Path(path)):
                note(found, each)
        elif os.path.isdir(path):
            for each in below(path):
                note(found, each)
                if len(found) >= LIMIT:
                    return found
        else:
            note(found, path)
        if len(found) >= LIMIT:
            break
    return found


def below(folder: str) -> Iterator[str]:
    """Yield all files and folders in a folder and its folders."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return
    for entry in found:
        yield entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from below(entry.path)


def note(found: Snapshot, path: str) -> None:
    """Add the state of a file or folder, if it is there."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return
    is_directory = stat.S_ISDIR(info.st_mode)
    # What happens in a folder is told of the files in it.
    mark = (0, 0, 0) if is_directory else (info.st_mtime_ns, info.st_size, info.st_ino)
    found[path] = State(is_directory, (info.st_dev, info.st_ino), mark)


def compare(old: Snapshot, new: Snapshot) -> list[Event]:
    """Return what happened between two looks."""
    gone = {path: state for path, state in old.items() if path not in new}
    come = {path: state for path, state in new.items() if path not in old}
    events = [
        Event("modified", path, state.is_directory)
        for path, state in new.items()
        if path in old and (old[path].mark != state.mark or old[path].is_directory != state.is_directory)
    ]
    places = {state.identity: path for path, state in come.items()}
    for path, state in gone.items():
        target = places.pop(state.identity, None)
        # A number is given to another file when its own is gone: what moved has its content still.
        if target is not None and come[target].mark == state.mark:
            del come[target]
            events.append(Event("moved", path, state.is_directory, target))
        else:
            events.append(Event("deleted", path, state.is_directory))
    events += [Event("created", path, state.is_directory) for path, state in come.items()]
    return events
