"""Packs what an app has besides its code, data, env and secrets, while it runs; and unpacks that for a restore."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import stat
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from . import asuser, files, removal
from .pip import WORK
from .problem import Problem
from .standing import Standing

FORMAT = 1
PRIVATE = ("env", "secrets.yaml")
SQLITE = b"SQLite format 3\0"
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database, and a copy does not need
COPY = """
import sqlite3, sys
source, target = (sqlite3.connect(place, timeout=60) for place in sys.argv[1:])
with target:
    source.backup(target)
"""
DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError)
TIMEOUT = 1800  # seconds for one database


@dataclass(frozen=True)
class Saved:
    """What a backup says of itself, and the texts of the app's configuration folder in it."""

    manifest: dict[str, Any]
    config: dict[str, bytes]


def save(app: Standing, target: Path) -> dict[str, Any]:
    """Write a backup of an app as it is now; return its manifest. SQLite databases are copied in a consistent state."""
    data, config, user = removal.DATA / app.name, removal.CONFIG / app.name, app.settings["user"]
    manifest = {
        "format": FORMAT,
        "app": app.name,
        "host": socket.gethostname(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "release": app.release,
    }
    WORK.mkdir(mode=0o711, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as aside, target.open("wb") as written:
        os.fchmod(written.fileno(), 0o600)
        shutil.chown(aside, user, user)
        with tarfile.open(fileobj=written, mode="w:gz", compresslevel=3, format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "manifest.json", json.dumps(manifest, indent=1).encode())
            for name, content in private(config).items():
                _add(tar, f"config/{name}", content)
            for name, folder in _walk(data):
                _put(tar, name, folder, data, Path(aside), user)
    return manifest


def private(config: Path) -> dict[str, bytes]:
    """Return the texts of an app's configuration folder that only an operator has; a deploy makes the others anew."""
    return {name: (config / name).read_bytes() for name in PRIVATE if (config / name).is_file()}


def read(archive: Path) -> Saved:
    """Read what a backup says of itself. Raises Problem where it is none, or is damaged up to there."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            first = tar.next()
            content = tar.extractfile(first) if first and first.name == "manifest.json" else None
            manifest = json.loads(content.read()) if content else {}
            if manifest.get("format") != FORMAT:
                raise Problem(f"{archive.name} is not a backup that backup.yml made")
            config = {}
            for member in tar:
                if member.name.startswith("data"):
                    break
                if member is not first and (source := tar.extractfile(member)):
                    config[PurePosixPath(member.name).name] = source.read()
            return Saved(manifest, config)
    except (*DAMAGED, ValueError, AttributeError) as error:
        raise Problem(f"{archive.name} is not a backup, or is damaged: {error}") from error


def unpack(archive: Path, into: Path, user: str) -> None:
    """Unpack the data of a backup into a new folder, the app's user's when all is there. Raises Problem."""
    owner, group = files.uid(user), files.gid(user)
    links: list[tuple[Path, str]] = []
    times: list[tuple[Path, float, int]] = []
    into.mkdir(mode=0o700)
    try:
        with gzip.open(archive) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts
                if parts[:1] != ("data",) or member.name.startswith("/") or ".." in parts:
                    continue
                place = into.joinpath(*parts[1:])
                if member.issym():
                    links.append((place, member.linkname))
                    continue
                if member.isdir():
                    place.mkdir(mode=0o700, exist_ok=True)
                elif source := tar.extractfile(member):
                    with source, place.open("xb") as target:
                        shutil.copyfileobj(source, target)
                times.append((place, member.mtime, member.mode))
            while packed.read(1 << 20):  # to the sum of all bytes at the very end
                pass
    except DAMAGED as error:
        raise Problem(f"the backup is damaged, or cannot be unpacked: {error}. Nothing was changed") from error
    for place, target_of_link in links:
        place.symlink_to(target_of_link)
        os.chown(place, owner, group, follow_symlinks=False)
    # From the bottom up: until the last one nobody but root gets in.
    for place, when, mode in reversed(times):
        os.chown(place, owner, group)
        place.chmod(mode & 0o777)
        os.utime(place, (when, when))


def _walk(data: Path) -> Iterator[tuple[str, int]]:
    """Name each thing below a folder, with the open folder that it is in: none of them can become a link meanwhile."""
    for place, inside, names, folder in os.fwalk(data, follow_symlinks=False):
        below = Path(place).relative_to(data)
        if below == Path():
            yield "", folder
        databases = {name for name in names if _is_database(name, folder)}
        skipped = {f"{name}{end}" for name in databases for end in BESIDE}
        for name in sorted({*inside, *names} - skipped):
            yield str(below / name), folder


def _is_database(name: str, folder: int) -> bool:
    try:
        with _open(name, folder) as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _open(name: str, folder: int) -> IO[bytes]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # neither another's file through a link, nor a pipe's wait
    return os.fdopen(os.open(name, flags, dir_fd=folder), "rb")


def _put(tar: tarfile.TarFile, name: str, folder: int, data: Path, aside: Path, user: str) -> None:
    """Add one thing of the data folder; what is neither file, folder nor link is left out, and so is what just went."""
    info = tarfile.TarInfo(f"data/{name}" if name else "data")
    last = Path(name).name
    try:
        found = os.fstat(folder) if not name else os.stat(last, dir_fd=folder, follow_symlinks=False)
        info.mode, info.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
        if stat.S_ISDIR(found.st_mode):
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        elif stat.S_ISLNK(found.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(last, dir_fd=folder)
            tar.addfile(info)
        elif stat.S_ISREG(found.st_mode):
            with _content(last, folder, data / name, aside, user) as file:
                info.size = file.seek(0, os.SEEK_END)
                file.seek(0)
                tar.addfile(info, file)
    except FileNotFoundError:
        return


def _content(name: str, folder: int, place: Path, aside: Path, user: str) -> IO[bytes]:
    """Open a copy of a file, which does not change any more. SQLite copies its own, as the app's user: root would leave
    files beside the database that the app cannot write."""
    if _is_database(name, folder):
        copy = aside / "copy.db"
        copy.unlink(missing_ok=True)
        done = asuser.run([sys.executable, "-I", "-c", COPY, str(place), str(copy)], user, aside, {}, TIMEOUT)
        if done.code == 0:
            return copy.open("rb")
        raise Problem(f"{place}: the database cannot be copied: {done.last}")
    copied = tempfile.TemporaryFile(dir=aside)  # noqa: SIM115 the caller closes it
    with _open(name, folder) as source:
        shutil.copyfileobj(source, copied)
    return copied


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))
