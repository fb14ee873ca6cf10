"""Writes files, folders and links as wanted, atomically; remembers what to say about it and how to take it back."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HIDDEN = "(content not shown)\n"
SHOWN = 100_000  # bytes; a longer text is not worth a diff


@dataclass
class Files:
    """Changes of one app's files. With `check` nothing is written, but all is said."""

    check: bool = False
    done: list[str] = field(default_factory=list)  # sentences, in order
    diffs: list[dict[str, str]] = field(default_factory=list)
    _before: dict[Path, _Before | None] = field(default_factory=dict)

    def folder(self, path: Path, owner: str = "root", group: str = "root", mode: int = 0o755) -> bool:
        """Make a folder, or mend its owner and mode. Returns True if that was a change."""
        if path.is_dir():
            return self.mend(path, owner, group, mode)
        self.done.append(f"folder {path} made")
        if not self.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            os.chown(path, uid(owner), gid(group))
            path.chmod(mode)
        return True

    def text(
        self,
        path: Path,
        content: str,
        owner: str = "root",
        group: str = "root",
        mode: int = 0o644,
        secret: bool = False,
    ) -> bool:
        """Write a file. Where `secret`, its content is in no diff. Returns True if anything changed."""
        before = path.read_bytes() if path.is_file() else None
        after = content.encode()
        if before == after:
            return self.mend(path, owner, group, mode)
        self._say(path, before, after, secret)
        self._remember(path)
        if not self.check:
            replace(path, after, uid(owner), gid(group), mode)
        return True

    def absent(self, path: Path) -> bool:
        """Take away a file, a link or a folder with all in it. Returns True if there was one."""
        if not os.path.lexists(path):
            return False
        self.done.append(f"{path} removed")
        if path.is_file() and not path.is_symlink():
            self._remember(path)
        if not self.check:
            remove(path)
        return True

    def restore(self) -> bool:
        """Take back every text that was written or removed, so that a failed change leaves nothing half-done."""
        for path, before in self._before.items():
            if before is None:
                path.unlink(missing_ok=True)
            else:
                replace(path, before.content, before.uid, before.gid, before.mode)
        changed = bool(self._before)
        self._before.clear()
        return changed

    def made(self, path: Path) -> bool:
        """True if `text` wrote a file that was not there before."""
        return self._before.get(path, self) is None

    def mend(self, path: Path, owner: str, group: str, mode: int) -> bool:
        """Give what is there the right owner and mode. Returns True if that was a change."""
        now = path.stat()
        wanted = (_number(uid, owner), _number(gid, group), mode)
        if wanted == (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)):
            return False
        self.done.append(f"{path} belongs to {owner}:{group} with mode {mode:04o}")
        if not self.check:
            os.chown(path, uid(owner), gid(group))
            path.chmod(mode)
        return True

    def _say(self, path: Path, before: bytes | None, after: bytes, secret: bool) -> None:
        self.done.append(f"{path} {'written' if before is None else 'changed'}")
        if secret:
            shown = ("" if before is None else HIDDEN, HIDDEN)
        elif max(len(before or b""), len(after)) > SHOWN:
            shown = ("", "")
        else:
            shown = ((before or b"").decode(errors="replace"), after.decode(errors="replace"))
        header = str(path)
        self.diffs.append(
            {"before": shown[0], "after": shown[1], "before_header": header, "after_header": f"{header} (wanted)"}
        )

    def _remember(self, path: Path) -> None:
        if path not in self._before and not self.check:
            self._before[path] = _Before.of(path)


@dataclass(frozen=True)
class _Before:
    content: bytes
    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> _Before | None:
        try:
            now = path.stat()
        except FileNotFoundError:
            return None
        return cls(path.read_bytes(), now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode))


def replace(path: Path, content: bytes, owner: int = 0, group: int = 0, mode: int = 0o644) -> None:
    """Write a file beside and rename it: a reader, or a power cut, finds the old one or the new one, never a part."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(content)
            os.fchown(target.fileno(), owner, group)
            os.fchmod(target.fileno(), mode)
            target.flush()
            os.fsync(target.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


def point(link: Path, target: str) -> bool:
    """Point a link at a target, atomically. Returns True if it pointed elsewhere or was not there."""
    if link.is_symlink() and str(link.readlink()) == target:
        return False
    aside = link.with_name(f".{link.name}.new")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.rename(link)
    return True


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it. Nothing there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def empty(path: Path) -> None:
    """Remove a folder if nothing is in it."""
    with contextlib.suppress(OSError):
        path.rmdir()


def uid(name: str) -> int:
    """Return a user's number. Raises KeyError where there is no such user."""
    return pwd.getpwnam(name).pw_uid


def gid(name: str) -> int:
    """Return the number of a user's own group, or of the group of that name. Raises KeyError where there is neither."""
    try:
        return pwd.getpwnam(name).pw_gid
    except KeyError:
        return grp.getgrnam(name).gr_gid


def _number(of: Callable[[str], int], name: str) -> int | None:
    """A number, or None while the user is not made yet (in check mode)."""
    try:
        return of(name)
    except KeyError:
        return None
