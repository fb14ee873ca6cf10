"""Bring files from one state to another, whole files at a time, and back again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

Content = bytes | str | None  # a file's bytes, a link's target, or nothing there


@dataclass(frozen=True)
class Change:
    """One path: what is there, what shall be there, and the mode of the file that shall be there."""

    path: Path
    before: Content
    after: Content
    mode: int = 0o644
    mode_before: int = 0o644

    def reverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.path, self.after, self.before, self.mode_before, self.mode)


def current(path: Path) -> tuple[Content, int]:
    """What is at `path`, and its mode."""
    try:
        if path.is_symlink():
            return os.readlink(path), 0o777  # noqa: PTH115 -- the text of the link
        return path.read_bytes(), path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None, 0o644


def change(path: Path, after: Content, mode: int = 0o644) -> Change | None:
    """The change that `path` needs; None if it is as wanted."""
    before, mode_before = current(path)
    if before == after and (not isinstance(after, bytes) or mode == mode_before):
        return None
    return Change(path, before, after, mode, mode_before)


def aside(path: Path) -> Path:
    """Name of the new file before it takes its place: hidden, so that no ``include *`` of nginx finds it."""
    return path.with_name(f".{path.name}.new")


def apply(changes: list[Change], owned: Path | None = None) -> None:
    """
    Make the changes: everything is written aside first, then renamed in one go.

    owned: a folder of ours, whose empty folders go away with their last file. Raises OSError, with nothing renamed,
    where something cannot be written.
    """
    written: list[Path] = []
    try:
        for item in changes:
            if item.after is not None:
                written.append(aside(item.path))
                _write(written[-1], item.after, item.mode)
    except OSError:
        for new in written:
            new.unlink(missing_ok=True)
        raise
    for item in changes:
        if item.after is None:
            item.path.unlink(missing_ok=True)
        else:
            aside(item.path).replace(item.path)
    if owned:
        for item in changes:
            _prune(item.path.parent, owned)


def _write(path: Path, content: bytes | str, mode: int) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if isinstance(content, str):
        path.symlink_to(content)
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _prune(folder: Path, owned: Path) -> None:
    while folder == owned or owned in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
