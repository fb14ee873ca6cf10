"""Keeps uploaded files in a folder, and what is known of each in a SQLite file there. Everything here blocks."""

from __future__ import annotations

import json
import os
import posixpath
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tornado.web import HTTPError

from gramex.handlers.uploadname import META, store_path

MODES = ("unique", "overwrite", "error", "backup")
WAIT = 10  # seconds for another process that writes the list
TABLE = "CREATE TABLE IF NOT EXISTS files (file TEXT PRIMARY KEY, meta TEXT NOT NULL)"


class UploadFolder:
    """A folder of uploaded files. Several processes may use it at once."""

    def __init__(self, path: Path, if_exists: str = "unique"):
        """Take the folder, made if it does not exist, and what to do with a name that is taken: one of MODES.

        Raises:
            OSError: the folder cannot be made.
        """
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.if_exists = path.absolute(), if_exists

    @property
    def root(self) -> str:
        """The folder's real path, as it is now."""
        return os.path.realpath(self.path)

    def save(self, files: list[tuple[str, bytes, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Store files, given as (name, content, what is known of it); return what is known of each now.

        If one cannot be stored, those that were new are removed again.

        Raises:
            HTTPError: 403 or 400, a name cannot be used; 403, it is taken and must not be.
            OSError, sqlite3.Error: nothing can be written.
        """
        root = self.root
        names = [store_path(root, name) for name, _, _ in files]
        new: list[str] = []  # files that were not there before
        kept: dict[str, str] = {}  # where files are now that were there before
        saved = []
        try:
            for name, (_, content, meta) in zip(names, files, strict=True):
                file = self._write(root, name, content, new, kept)
                known = {"key": file, "size": len(content), "created": int(time.time() * 1000)}
                saved.append({**meta, "file": file, **known})
            with self._list() as table:
                for old, backup in kept.items():
                    row = table.execute("SELECT meta FROM files WHERE file = ?", (old,)).fetchone()
                    if row:
                        _note(table, {**json.loads(row[0]), "file": backup, "key": backup})
                for each in saved:
                    _note(table, each)
        except BaseException:
            for file in new:
                with suppress(OSError):
                    Path(root, file).unlink()
            raise
        return saved

    def _write(self, root: str, name: str, content: bytes, new: list[str], kept: dict[str, str]) -> str:
        """Write one file, which appears under its name only when it is complete. Return its name."""
        target = Path(root, name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise HTTPError(400, "upload: %r is below a file", name) from None
        if self.if_exists != "unique" and target.is_dir():
            raise HTTPError(403, "upload: %r is a folder", name)
        draft = target.with_name(f".upload-{secrets.token_hex(8)}")
        try:
            with draft.open("xb") as stream:
                stream.write(content)
            if self.if_exists in ("unique", "error"):
                name = self._take_name(root, name, new)
            elif not os.path.lexists(target):
                new.append(name)
            elif self.if_exists == "backup":
                kept[name] = _keep(root, name)
            draft.replace(Path(root, name))
        finally:
            draft.unlink(missing_ok=True)
        return name

    def _take_name(self, root: str, name: str, new: list[str]) -> str:
        """Take the first name that is free, so that no other process gets the same, and return it."""
        stem, suffix = posixpath.splitext(name)
        number = 0
        while True:
            free = f"{stem}.{number}{suffix}" if number else name
            try:
                Path(root, free).touch(exist_ok=False)
            except FileExistsError:
                if self.if_exists == "error":
                    raise HTTPError(403, "upload: %r exists", name) from None
                number += 1
            else:
                new.append(free)
                return free

    def delete(self, names: list[str]) -> list[dict[str, Any]]:
        """Remove files; return for each whether it was there.

        Raises:
            HTTPError: 403 or 400, a name cannot be one of ours. Nothing is removed then.
            OSError, sqlite3.Error: nothing can be written.
        """
        root = self.root
        files = [store_path(root, name) for name in names]
        removed = []
        with self._list() as table:
            for name, file in zip(names, files, strict=True):
                path = Path(root, file)
                success = os.path.lexists(path) and (path.is_symlink() or not path.is_dir())
                if success:
                    path.unlink(missing_ok=True)
                    table.execute("DELETE FROM files WHERE file = ?", (file,))
                removed.append({"success": success, "key": name})
        return removed

    def files(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each file that was uploaded and is still there, by its key, oldest first.

        Raises:
            OSError, sqlite3.Error: the list cannot be read.
        """
        root = self.root
        if not Path(root, META).exists():
            return {}
        with self._list() as table:
            rows = [json.loads(meta) for (meta,) in table.execute("SELECT meta FROM files ORDER BY rowid")]
        return {row["file"]: {**row, "key": row["file"]} for row in rows if os.path.lexists(Path(root, row["file"]))}

    @contextmanager
    def _list(self) -> Iterator[sqlite3.Connection]:
        """Open the list of files; changes are stored at the end unless an exception comes out of it."""
        path = Path(self.root, META)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)  # it names the users
        with closing(sqlite3.connect(path, timeout=WAIT)) as connection, connection:
            connection.execute(TABLE)
            yield connection


def _keep(root: str, name: str) -> str:
    """Give a file that is about to be replaced a name with the time, and return it."""
    stem, suffix = posixpath.splitext(name)
    now, number = time.strftime("%Y%m%d-%H%M%S"), 0
    while os.path.lexists(Path(root, backup := f"{stem}.{now}{f'-{number}' if number else ''}{suffix}")):
        number += 1
    Path(root, name).rename(Path(root, backup))
    return backup


def _note(table: sqlite3.Connection, meta: dict[str, Any]) -> None:
    table.execute("REPLACE INTO files VALUES (?, ?)", (meta["file"], json.dumps(meta)))
