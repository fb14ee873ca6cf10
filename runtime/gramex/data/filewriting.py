"""Changes rows of files: written to a temporary file that then takes the place of the old one, under a lock."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gramex.data.dataset import Dataset
from gramex.data.edits import Edit, Written, parse_delete, parse_insert, parse_update
from gramex.data.files import WORKBOOKS, kind_of_file
from gramex.data.kinds import ANY, FLOAT
from gramex.data.memory import Memory
from gramex.data.parameters import fill_name, fill_path
from gramex.data.query import Args, Column
from gramex.data.reading import conversions
from gramex.data.refused import Refused
from gramex.services.lock import FileLock

# Options by which a reader leaves out what is in the file: writing would lose it.
PARTIAL = ("skiprows", "usecols", "nrows", "names", "range", "name")
KINDS = frozenset(("csv", "tsv", *WORKBOOKS))

locks: dict[str, threading.Lock] = {}
guard = threading.Lock()


def write_file(dataset: Dataset, method: str, args: Args, folder: Path | None) -> Written:
    """Change rows of a file, all or none; `folder` is for locks between processes.

    Raises:
        Refused: nothing was changed, and why.
    """
    options = {
        name: fill_name(value, args) if isinstance(value, str) else value for name, value in dataset.options.items()
    }
    path = dataset.folder / fill_path(dataset.url, args)
    kind = kind_of_file(str(path), fill_name(dataset.ext, args))
    partial = [name for name in PARTIAL if name in options] + (["table"] if dataset.table else [])
    if partial or kind not in KINDS:
        reason = f"read with {', '.join(partial)}" if partial else f"of kind {kind}"
        raise Refused(400, f"{path.name}: files {reason} are not changed")
    path = Path(os.path.realpath(path))
    with held(path, folder):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Refused(404, f"{path}: {error.strerror}") from None
        if kind in WORKBOOKS:
            from gramex.data.xlsxwriting import Workbook as Target
        else:
            from gramex.data.csvwriting import Text as Target  # type: ignore[assignment]
        target = Target(data, options if kind != "tsv" else {"sep": "\t", **options})
        memory = Memory(*target.table())
        columns = {each.name: writable(each, memory) for each in memory.columns}
        written = change(dataset, method, args, columns, memory, target)
        if written.count:
            replace(path, target.encode())
    return written


def writable(column: Column, memory: Memory) -> Column:
    """Return a column as values are checked for it: one without any takes all."""
    if column.kind == FLOAT and memory.is_empty(column.name):
        return Column(column.name, ANY)
    return column


def change(
    dataset: Dataset, method: str, args: Args, columns: dict[str, Column], memory: Memory, target: Any
) -> Written:
    """Change the rows in `target`."""
    types = conversions(dataset)
    if method == "POST":
        for name in dataset.key:
            if name not in columns:
                raise Refused(400, f"id: there is no column {name!r}")
        edit = parse_insert(args, columns)
        texts = original(args, edit)
        for number, values_of_row in enumerate(edit.rows):
            target.append(values_of_row, {name: values[min(number, len(values) - 1)] for name, values in texts.items()})
        return Written(edit, len(edit.rows), inserted=[])
    if method == "PUT":
        edit = parse_update(args, columns, dataset.key, types)
        rows = memory.numbers_of(edit.filters)
        texts = original(args, edit)
        for row in rows:
            target.set(row - 1, edit.values, {name: values[0] for name, values in texts.items()})
    else:
        edit = parse_delete(args, columns, dataset.key, types)
        rows = memory.numbers_of(edit.filters)
        target.delete([row - 1 for row in rows])
    return Written(edit, len(rows), told=True)


def original(args: Args, edit: Edit) -> dict[str, Any]:
    """Return the values of columns as they were sent."""
    names = edit.values or (edit.rows[0] if edit.rows else {})
    return {name: args[name] for name in names}


@contextlib.contextmanager
def held(path: Path, folder: Path | None) -> Iterator[None]:
    """Hold the right to change a file, among threads and processes."""
    with guard:
        lock = locks.setdefault(str(path), threading.Lock())
    with lock, contextlib.ExitStack() as stack:
        if folder is not None:
            name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
            with contextlib.suppress(OSError):  # a folder that cannot be written: one process must do
                stack.enter_context(FileLock(folder / f"form-{name}.lock"))
        yield


def replace(path: Path, data: bytes) -> None:
    """Put new content in the place of a file.

    Raises:
        Refused: 500, it cannot be written.
    """
    name = ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise Refused(500, f"{path}: cannot be written: {error.strerror}") from error
