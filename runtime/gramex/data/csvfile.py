"""Reads CSV files with the standard library: text cells first, then the kind of each column."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from gramex.data.infer import NULLS, named_kind, typed, unique
from gramex.data.kinds import DATETIME, TEXT
from gramex.data.query import Column
from gramex.data.refused import Refused

LONGEST_CELL = 2**30

Options = Mapping[str, Any]
Cells = list[list[Any]]


def read_csv(data: bytes, options: Options) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return the columns and rows of a CSV file, values as SQLite keeps them.

    Raises:
        Refused: 400, it is no such file.
    """
    names, rows = cells_of(data, options)
    return typed_table(names, rows, options)


def decode(data: bytes, options: Options) -> str:
    """Return the text of a file."""
    encoding = str(options.get("encoding") or "utf-8")
    try:
        return data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise Refused(400, f"the file is not in {encoding}: {error}") from None


def parse_lines(data: bytes, options: Options) -> Cells:
    """Return the cells of all lines but blank ones."""
    csv.field_size_limit(LONGEST_CELL)
    text = decode(data, options)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=str(options.get("sep") or ","))
        return [line for line in reader if line]
    except (csv.Error, TypeError) as error:
        raise Refused(400, f"the file is no CSV: {error}") from None


def cells_of(data: bytes, options: Options) -> tuple[list[str], Cells]:
    """Return the names of the columns and the text of the cells; short rows are filled with None."""
    skipped = options.get("skiprows")
    if skipped:
        data = skip_lines(data, skipped, options)
    return shaped(parse_lines(data, options), options)


def skip_lines(data: bytes, skipped: Any, options: Options) -> bytes:
    """Return a file without its first lines, or without those of a list of numbers from 0."""
    lines = io.StringIO(decode(data, options), newline=None).readlines()
    gone = set(range(skipped)) if isinstance(skipped, int) else {int(each) for each in skipped}
    encoding = str(options.get("encoding") or "utf-8")
    return "".join(line for number, line in enumerate(lines) if number not in gone).encode(encoding)


def header_row(options: Options) -> int | None:
    """Return the number of the row that holds the names, None if none does."""
    header = options.get("header", None if options.get("names") else 0)
    if header is None or header is False or str(header).lower() == "none":
        return None
    return int(header)


def shaped(lines: Cells, options: Options) -> tuple[list[str], Cells]:
    """Return names and rows, after the options that choose among them."""
    if not lines:
        raise Refused(400, "the file is empty")
    header = header_row(options)
    if header is None:
        width = max(map(len, lines))
        names, rows = [str(number) for number in range(width)], lines
    else:
        if header >= len(lines):
            raise Refused(400, f"the file has no row {header} for the header")
        names, rows = unique(lines[header]), lines[header + 1 :]
    if options.get("names"):
        own = unique(options["names"])
        names = own + names[len(own) :]
    width = len(names)
    for number, row in enumerate(rows):
        if len(row) != width:
            if len(row) > width:
                raise Refused(400, f"row {number + 1} has {len(row)} cells, the header {width}")
            row += [None] * (width - len(row))
    if options.get("nrows") is not None:
        rows = rows[: int(options["nrows"])]
    chosen = options.get("usecols")
    if chosen is not None:
        places = [int(each) if isinstance(each, int) else place_of(each, names) for each in chosen]
        places = sorted(set(places))
        if places and not 0 <= places[0] <= places[-1] < width:
            raise Refused(400, f"usecols: there are {width} columns")
        names, rows = [names[place] for place in places], [[row[place] for place in places] for row in rows]
    return names, rows


def place_of(name: Any, names: list[str]) -> int:
    """Return the place of a column."""
    if str(name) not in names:
        raise Refused(400, f"usecols: there is no column {name!r}")
    return names.index(str(name))


def kinds_by_column(names: list[str], options: Options) -> tuple[dict[str, str], set[str]]:
    """Return what `dtype` says of columns, and the columns that `parse_dates` names."""
    dtype = options.get("dtype")
    kinds: dict[str, str] = {}
    for name, wanted in dtype.items() if isinstance(dtype, Mapping) else dict.fromkeys(names, dtype).items():
        kind = named_kind(wanted) if wanted is not None else None
        if kind:
            kinds[str(name)] = kind
    dates = options.get("parse_dates")
    listed = [dates] if isinstance(dates, str) else dates if isinstance(dates, (list, tuple)) else []
    return kinds, {names[each] if isinstance(each, int) and each < len(names) else str(each) for each in listed}


def null_texts(options: Options) -> frozenset[str]:
    """Return the texts that stand for null."""
    more = options.get("na_values")
    return NULLS | {str(each) for each in (more if isinstance(more, (list, tuple)) else [more] if more else [])}


def typed_table(names: list[str], rows: Cells, options: Options) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return the columns and values for text cells."""
    kinds, dates = kinds_by_column(names, options)
    nulls = null_texts(options)
    columns, values = [], []
    for name, cells in zip(names, map(list, zip(*rows, strict=True)) if rows else ([] for _ in names), strict=True):
        kind = DATETIME if name in dates else kinds.get(name)
        try:
            column, found = typed(name, cells, kind, nulls)
        except Refused:
            if name not in dates:
                raise
            column, found = typed(name, cells, TEXT, nulls)  # a cell is no date: it stays text
        columns.append(column)
        values.append(found)
    return columns, list(zip(*values, strict=True))
