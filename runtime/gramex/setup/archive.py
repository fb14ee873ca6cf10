"""Unpacks the ZIP file of an app into a folder, and nothing outside of it."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

from gramex.handlers.paths import DEVICES

MOST_FILES = 100_000
MOST_BYTES = 2 * 1024**3  # unpacked


class SourceError(Exception):
    """A source that an app cannot be installed from; the message is for whoever gave it."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP file into `folder`, which is empty. A single folder around everything is dropped.

    Raises:
        SourceError: it is no ZIP file, is damaged or too large, or has a file that would be put elsewhere.
        OSError: it cannot be read, or nothing can be written.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = [entry for entry in file.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise SourceError(f"has more than {MOST_FILES} files")
            if not entries:
                raise SourceError("has no files")
            names = [parts_of(entry) for entry in entries]
            tops = {parts[0] for parts in names}
            skip = 1 if len(tops) == 1 and all(len(parts) > 1 for parts in names) else 0
            left = MOST_BYTES
            for entry, parts in zip(entries, names, strict=True):
                left -= extract(file, entry, folder.joinpath(*parts[skip:]), left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, UnicodeError) as error:
        raise SourceError(f"is no ZIP file that can be read: {error}") from None
    except Exception as error:
        if type(error).__module__ in ("zlib", "_lzma", "lzma"):
            raise SourceError(f"is damaged: {error}") from None
        raise


def parts_of(entry: zipfile.ZipInfo) -> list[str]:
    """Return the parts of an entry's path.

    Raises:
        SourceError: it leads out of the folder, is a link, or cannot be a file's name everywhere.
    """
    name = entry.filename
    parts = name.split("/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise SourceError(f"has {name!r}, which is no plain file")
    for part in parts:
        if part in ("", ".", "..") or not part.isprintable() or set(part) & set('\\:*?"<>|'):
            raise SourceError(f"has {name!r}, which cannot be the path of a file in an app")
        if part != part.rstrip(". ") or part.partition(".")[0].rstrip().lower() in DEVICES or len(part.encode()) > 255:
            raise SourceError(f"has {name!r}, which cannot be the path of a file in an app")
    return parts


def extract(file: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Unpack one entry of at most `left` bytes, and return how many it has.

    Raises:
        SourceError: it has more, or its name is taken.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(entry) as packed, target.open("xb") as unpacked:
            # The size that the archive tells may be a lie: zipfile reads no more than it, and says so.
            if entry.file_size > left:
                raise SourceError(f"is larger than {MOST_BYTES // 1024**2} MiB when it is unpacked")
            shutil.copyfileobj(packed, unpacked)
    except (FileExistsError, NotADirectoryError):
        raise SourceError(f"has {entry.filename!r} twice, or as file and folder") from None
    if entry.external_attr >> 16 & stat.S_IXUSR:
        target.chmod(target.stat().st_mode | 0o111)
    return entry.file_size
