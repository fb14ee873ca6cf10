"""Files as tables: read once, kept in memory until they change."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gramex import cache
from gramex.data.csvfile import read_csv
from gramex.data.memory import Memory
from gramex.data.query import Column
from gramex.data.refused import Refused

Table = tuple[list[Column], Iterable[Sequence[Any]]]


def read_tsv(data: bytes, options: Mapping[str, Any]) -> Table:
    """Return the columns and rows of a file with tabs between cells."""
    return read_csv(data, {"sep": "\t", **options})


def read_json(data: bytes, options: Mapping[str, Any]) -> Table:
    """Return the columns and rows of a JSON list of records."""
    from gramex.data.jsonfile import read_json as read

    return read(data, options)


def read_xlsx(data: bytes, options: Mapping[str, Any]) -> Table:
    """Return the columns and rows of a sheet."""
    from gramex.data.xlsxfile import read_xlsx as read

    return read(data, options)


READERS: dict[str, Callable[[bytes, Mapping[str, Any]], Table]] = {
    "csv": read_csv, "tsv": read_tsv, "json": read_json, "jsondata": read_json, "xlsx": read_xlsx, "xlsm": read_xlsx,
}  # fmt: skip
LARGE = 1_000_000  # bytes of a file that leaves much behind when it is read
WORKBOOKS = frozenset(("xlsx", "xlsm"))


def kind_of_file(path: str, ext: str) -> str:
    """Return the kind of file that a name, or `ext:`, means.

    Raises:
        Refused: 501, one that cannot be read.
    """
    kind = (ext or Path(path).suffix).lower().lstrip(".")
    if kind not in READERS:
        raise Refused(501, f"{Path(path).name}: files of kind {kind!r} are not read; use {', '.join(READERS)}")
    if kind in WORKBOOKS and importlib.util.find_spec("openpyxl") is None:
        raise Refused(501, f"{Path(path).name}: install openpyxl for Excel files: pip install openpyxl")
    return kind


def load(path: str, kind: str, options: Mapping[str, Any]) -> Memory:
    """Return the table in a file."""
    data = Path(path).read_bytes()
    made = Memory(*READERS[kind](data, options))
    if len(data) > LARGE:
        del data
        give_back()
    return made


def give_back() -> None:
    """Give memory that reading took, and nobody needs any more, back to the system, where its C library can."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)


def open_file(path: Path, kind: str, options: Mapping[str, Any]) -> Memory:
    """Return the table in a file, read again if it changed.

    Raises:
        Refused: 404, there is no such file; 400, it is not what it should be.
    """
    try:
        return cache.open(path, load, kind=kind, options=dict(options))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise Refused(404, f"{path}: there is no such file") from None
    except PermissionError:
        raise Refused(403, f"{path}: this file cannot be read") from None
    except Refused as error:
        raise Refused(error.status, f"{path.name}: {error}") from None
