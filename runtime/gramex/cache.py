"""Loads files for apps, and keeps what was loaded until the file changes: ``gramex.cache.open``."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gramex.handlers.staticfile import Signature, signature
from gramex.loaders import Template, loader_for

KEPT = 1000  # results; a loader or an argument that is new each time must not fill the memory
KEPT_BYTES = 500_000_000  # of files that they were loaded from, unless ``cache:`` says another size
UNSETTLED = 50_000_000  # ns; within one tick of its clock a file may change and keep its time


@dataclass(slots=True)
class Entry:
    """One result. Its lock is held while it is loaded: whoever else asks for it waits instead of loading it too."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    state: Signature | None = None  # of the file that was loaded
    digest: bytes | None = None  # of its content, where the state alone does not tell it from a later one
    is_current: Callable[[], bool] | None = None  # of what the result was made from beside the file
    size: int = 0
    result: Any = None


entries: OrderedDict[Any, Entry] = OrderedDict()
guard = threading.Lock()  # over `entries` and the sizes in them


def open(  # the name that apps use
    path: str | os.PathLike[str],
    callback: str | Callable[..., Any] | None = None,
    transform: Callable[[Any], Any] | None = None,
    rel: bool = False,
    _reload_status: bool = False,
    **kwargs: Any,
) -> Any:
    """Return what is in a file, loaded once, and again only after the file changed.

    `callback` is the kind of file (``text``, ``json``, ``yaml``, ``csv``, ``template``, ... see `gramex.loaders`), or a
    function that is called with the path and `kwargs`; without one, the name's extension is the kind. `transform` is
    called with what was loaded, and its result kept. `path` is relative to the current folder, or, with `rel`, to the
    folder of the file that calls. All who ask get the same object: do not change it. With `_reload_status` the result
    is a pair: what was loaded, and whether it was loaded now.

    Raises:
        ValueError: the kind is not known, or the file is not of that kind.
        ImportError: the kind needs a package that is not installed.
        OSError: the file cannot be read.
        Exception: what a loader or `transform` of the app raises.
    """
    path = os.fspath(path)
    if rel:
        path = str(Path(sys._getframe(1).f_code.co_filename).parent / path)
    path = os.path.abspath(path)  # noqa: PTH100  pathlib keeps ..
    load = callback if callable(callback) else loader_for(path, callback)
    try:
        key = path, load, transform, frozen(kwargs)
        hash(key)
    except TypeError:  # an argument that cannot be compared: nothing to find it by
        result = fill(Entry(), path, load, transform, kwargs)
        return (result, True) if _reload_status else result
    with guard:
        entry = entries.setdefault(key, Entry())
        entries.move_to_end(key)
    with entry.lock:
        try:
            fresh = is_fresh(entry, path)
            if not fresh:
                fill(entry, path, load, transform, kwargs)
                keep_bound()
            return (entry.result, not fresh) if _reload_status else entry.result
        except BaseException:
            with guard:
                if entries.get(key) is entry:
                    del entries[key]
            raise


def is_fresh(entry: Entry, path: str) -> bool:
    """Return whether an entry is what loading would give.

    Raises:
        OSError: the file is not there.
    """
    info = os.stat(path)  # noqa: PTH116  pathlib costs more
    if entry.state != signature(info) or (entry.is_current is not None and not entry.is_current()):
        return False
    if entry.digest is not None:
        if digest(path) != entry.digest:
            return False
        if is_old(info):
            entry.digest = None
    return True


def fill(
    entry: Entry, path: str, load: Callable[..., Any], transform: Callable[[Any], Any] | None, kwargs: dict[str, Any]
) -> Any:
    """Load a file into an entry, and return the result.

    Raises:
        Exception: what the loader or `transform` raises.
    """
    entry.state = None
    info = os.stat(path)  # noqa: PTH116  before it is read: a change meanwhile is seen the next time
    entry.digest = None if is_old(info) else digest(path)
    result = load(path, **kwargs)
    entry.is_current = None
    if isinstance(result, Template):
        entry.is_current, result = result.is_current, result.template
    entry.result = result if transform is None else transform(result)
    entry.size, entry.state = info.st_size, signature(info)
    return entry.result


def is_old(info: os.stat_result) -> bool:
    """Return whether a change of the file from now on will show in its time."""
    return time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > UNSETTLED


def digest(path: str) -> bytes:
    """Return what tells contents apart; of a folder, nothing."""
    try:
        return hashlib.blake2b(Path(path).read_bytes()).digest()
    except IsADirectoryError:
        return b""


def keep_bound() -> None:
    """Forget results that were not asked for the longest, until the rest is within the bounds."""
    with guard:
        most = most_bytes()
        total = sum(each.size for each in entries.values())
        while entries and (len(entries) > KEPT or total > most):
            _, gone = entries.popitem(last=False)
            total -= gone.size


def most_bytes() -> int:
    """Return the bytes that may be kept: the size of the first store of ``cache:`` that is in memory."""
    from gramex.config import inuse

    section = inuse.loaded.conf.get("cache") if inuse.loaded else None
    for spec in section.values() if isinstance(section, Mapping) else ():
        if isinstance(spec, Mapping) and spec.get("type", "memory") == "memory":
            size = spec.get("size")
            return size if isinstance(size, int) and size > 0 else KEPT_BYTES
    return KEPT_BYTES


def frozen(value: Any) -> Any:
    """Return a value as one that can be hashed, which tells 1 from True.

    Raises:
        TypeError: it cannot be.
    """
    if isinstance(value, Mapping):
        return type(value), tuple((key, frozen(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(frozen, value))
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(frozen, value))
    hash(value)
    return type(value), value
