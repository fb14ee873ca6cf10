"""Unpacks an archive that others made: nothing leaves the folder, no link does, and nothing grows without end."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from .tree import SourceError

MEMBERS = 200_000
BYTES = 8 << 30
FREE = 100 << 20  # below this an archive may be packed as tightly as it likes
RATIO = 100
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """One name of an archive. `kind`: folder, file, link (points to `target`), same (a further name of `target`)."""

    name: str
    kind: str
    size: int = 0
    executable: bool = False
    target: str = ""
    open: Callable[[], IO[bytes]] | None = None


def unpack(archive: Path, into: Path) -> None:
    """Unpack a tar (gz, bz2, xz) or zip into an empty folder. Raises SourceError, with the name that is at fault."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                _write(list(checked(_zip(packed), archive.stat().st_size)), into)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                _write(list(checked(_tar(tar), archive.stat().st_size)), into)
        else:
            raise SourceError("is no archive: it must be a tar (.tar, .tar.gz, .tar.bz2, .tar.xz) or a zip")
    except BROKEN as error:
        raise SourceError(f"is damaged, or packed in a way that Python does not know: {error}") from error


def top(folder: Path) -> Path:
    """Return the folder that has the gramex.yaml: archives often hold one folder with everything in it."""
    inside = [place for place in folder.iterdir() if place.name not in ("pax_global_header", "__MACOSX")]
    if not (folder / "gramex.yaml").is_file() and len(inside) == 1 and (inside[0] / "gramex.yaml").is_file():
        return inside[0]
    return folder


def checked(members: Iterator[Member], packed: int) -> Iterator[Member]:
    """Pass on members that may be written; `packed` is the archive's size in bytes. Raises SourceError at others."""
    kinds: dict[str, str] = {}
    total = 0
    for member in members:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if member.name.startswith("/") or ".." in parts or "\0" in member.name or "\\" in member.name:
            raise SourceError(f"has a name that leaves its folder, or could: {member.name!r}")
        if not parts:
            continue
        name = "/".join(parts)
        if kinds.get(name, "folder") != "folder" or (name in kinds and member.kind != "folder"):
            raise SourceError(f"has {name} twice")
        for above in map(str, PurePosixPath(name).parents):
            if kinds.setdefault(above, "folder") != "folder":
                raise SourceError(f"has {name} below {above}, which is no folder")
        if member.kind == "link" and leaves(name, member.target):
            raise SourceError(f"has a link that leaves its folder: {name} to {member.target}")
        if member.kind == "same" and kinds.get(member.target) != "file":
            raise SourceError(f"has {name} as another name of {member.target}, which is no file before it")
        kinds[name] = "file" if member.kind == "same" else member.kind
        total += member.size
        if len(kinds) > MEMBERS or total > BYTES or (total > FREE and total > RATIO * packed):
            raise SourceError(
                f"grows too large: more than {MEMBERS} names, {BYTES >> 30} GB, or {RATIO} times its size"
            )
        yield Member(name, member.kind, member.size, member.executable, member.target, member.open)


def leaves(name: str, target: str) -> bool:
    """Whether a link of this name points out of the folder that holds everything."""
    if target.startswith("/") or "\0" in target or "\\" in target:
        return True
    depth = name.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return True
    return False


def _tar(tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar:
        name, bits = info.name, bool(info.mode & stat.S_IXUSR)
        if info.isdir():
            yield Member(name, "folder")
        elif info.issym():
            yield Member(name, "link", target=info.linkname)
        elif info.islnk():
            yield Member(name, "same", executable=bits, target=str(PurePosixPath(info.linkname)))
        elif info.isreg():
            yield Member(name, "file", info.size, bits, open=partial(_opened, tar, info))
        else:
            raise SourceError(f"has a device, a pipe or another thing that no app is made of: {name}")


def _opened(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(info)
    if file is None:
        raise SourceError(f"cannot give {info.name}")
    return file


def _zip(packed: zipfile.ZipFile) -> Iterator[Member]:
    for info in packed.infolist():
        mode = info.external_attr >> 16 if info.create_system == 3 else 0
        if info.flag_bits & 1:
            raise SourceError(f"is encrypted: {info.filename}")
        if info.is_dir():
            yield Member(info.filename, "folder")
        elif stat.S_ISLNK(mode):
            if info.file_size > 4096:
                raise SourceError(f"has a link with a target that is too long: {info.filename}")
            yield Member(info.filename, "link", target=os.fsdecode(packed.read(info)))
        elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
            bits = bool(mode & stat.S_IXUSR)
            yield Member(info.filename, "file", info.file_size, bits, open=partial(packed.open, info))
        else:
            raise SourceError(f"has a device, a pipe or another thing that no app is made of: {info.filename}")


def _write(members: list[Member], into: Path) -> None:
    """Write checked members; links last, so that nothing is written through one."""
    for member in (member for member in members if member.kind != "link"):
        place = into / member.name
        (place if member.kind == "folder" else place.parent).mkdir(parents=True, exist_ok=True)
        if member.kind == "same":
            shutil.copyfile(into / member.target, place)
            place.chmod(0o755 if os.access(into / member.target, os.X_OK) else 0o644)
        elif member.open:
            with member.open() as source, place.open("xb") as target:
                _copy(source, target, member)
            place.chmod(0o755 if member.executable else 0o644)
    links = [member for member in members if member.kind == "link"]
    for member in links:
        (into / member.name).parent.mkdir(parents=True, exist_ok=True)
        (into / member.name).symlink_to(member.target)
    inside = into.resolve()
    for member in links:  # one that stays inside by its words may leave by way of another
        if not Path(os.path.realpath(into / member.name)).is_relative_to(inside):
            raise SourceError(f"has a link that leaves its folder: {member.name} to {member.target}")


def _copy(source: IO[bytes], target: IO[bytes], member: Member) -> None:
    """Copy what the archive said that there is, and no more: a zip may hold more than it says."""
    left = member.size
    while block := source.read(min(1 << 20, left + 1)):
        left -= len(block)
        if left < 0:
            raise SourceError(f"holds more of {member.name} than it says")
        target.write(block)
    if left:
        raise SourceError(f"holds less of {member.name} than it says")
