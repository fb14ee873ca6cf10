"""Reads CSV files with the standard library, some lines at a time: a list of all cells takes many times their size.

A file is gone through for the kinds of its columns, and once more for its rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gramex.data.infer import NULLS, Guess, named_kind, unique
from gramex.data.kinds import DATETIME
from gramex.data.query import Column
from gramex.data.refused import Refused

LONGEST_CELL = 2**30
CHUNK = 1000  # rows that are looked at together

Options = Mapping[str, Any]
Cells = list[list[Any]]


def read_csv(data: bytes, options: Options) -> tuple[list[Column], Iterable[Sequence[Any]]]:
    """Return the columns and rows of a CSV file, values as SQLite keeps them.

    Raises:
        Refused: 400, it is no such file.
    """
    shape = shape_of(data, options)
    return typed_table(shape.names, shape.chunks, options)


def shape_of(data: bytes, options: Options) -> Shape:
    """Return the rows of a CSV file as text."""
    return Shape(lambda: parsed(data, options), options)


def parsed(data: bytes, options: Options) -> Iterator[list[Any]]:
    """Return the cells of all lines but blank ones.

    Raises:
        Refused: 400, the file is no CSV, or not in its encoding.
    """
    csv.field_size_limit(LONGEST_CELL)
    encoding = str(options.get("encoding") or "utf-8")
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    try:
        lines: Iterable[str] = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
        skipped = options.get("skiprows")
        if skipped:
            gone = set(range(skipped)) if isinstance(skipped, int) else {int(each) for each in skipped}
            lines = (line for number, line in enumerate(lines) if number not in gone)
        for line in csv.reader(lines, delimiter=str(options.get("sep") or ",")):
            if line:
                yield line
    except (UnicodeDecodeError, LookupError) as error:
        raise Refused(400, f"the file is not in {encoding}: {error}") from None
    except (csv.Error, TypeError) as error:
        raise Refused(400, f"the file is no CSV: {error}") from None


def header_row(options: Options) -> int | None:
    """Return the number of the row that holds the names, None if none does."""
    header = options.get("header", None if options.get("names") else 0)
    if header is None or header is False or str(header).lower() == "none":
        return None
    return int(header)


class Shape:
    """The names of the columns of a file, and its rows, after the options that choose among them."""

    def __init__(self, lines: Callable[[], Iterator[list[Any]]], options: Options):
        """`lines` returns the cells of all lines, from the first, each time that it is called.

        Raises:
            Refused: 400, there are no such columns.
        """
        self.lines, self.options = lines, options
        self.header = header_row(options)
        names = self.all_names()
        self.width, self.places = len(names), None
        chosen = options.get("usecols")
        if chosen is not None:
            places = {int(each) if isinstance(each, int) else place_of(each, names) for each in chosen}
            if places and not 0 <= min(places) <= max(places) < len(names):
                raise Refused(400, f"usecols: there are {len(names)} columns")
            self.places = sorted(places)
        self.names = names if self.places is None else [names[place] for place in self.places]

    def all_names(self) -> list[str]:
        """Return the names of all columns."""
        if self.header is None:
            names = [str(number) for number in range(max(map(len, self.lines()), default=0))]
            if not names:
                raise Refused(400, "the file is empty")
        else:
            lines = list(islice(self.lines(), self.header + 1))
            if not lines:
                raise Refused(400, "the file is empty")
            if len(lines) <= self.header:
                raise Refused(400, f"the file has no row {self.header} for the header")
            names = unique(lines[self.header])
        own = self.options.get("names")
        return unique(own) + names[len(own) :] if own else names

    def chunks(self) -> Iterator[Cells]:
        """Return the rows, some at a time; short ones are filled with None.

        Raises:
            Refused: 400, one is longer than the header.
        """
        lines = islice(self.lines(), 0 if self.header is None else self.header + 1, None)
        if self.options.get("nrows") is not None:
            lines = islice(lines, int(self.options["nrows"]))
        before = 0
        while chunk := list(islice(lines, CHUNK)):
            for number, row in enumerate(chunk):
                if len(row) > self.width:
                    raise Refused(400, f"row {before + number + 1} has {len(row)} cells, the header {self.width}")
                row += [None] * (self.width - len(row))
            before += len(chunk)
            yield chunk if self.places is None else [[row[place] for place in self.places] for row in chunk]

    def rows(self) -> Cells:
        """Return all rows."""
        return [row for chunk in self.chunks() for row in chunk]


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


class Rows:
    """The values of rows, as SQLite keeps them; they can be gone through again."""

    def __init__(self, chunks: Callable[[], Iterator[Cells]], guesses: Sequence[Guess]):
        self.chunks, self.guesses = chunks, guesses

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for chunk in self.chunks():
            columns = [guess.read(cells) for guess, cells in zip(self.guesses, zip(*chunk, strict=True), strict=True)]
            yield from zip(*columns, strict=True)


def typed_table(
    names: Sequence[str], chunks: Callable[[], Iterator[Cells]], options: Options
) -> tuple[list[Column], Rows]:
    """Return the columns and values for text cells.

    Raises:
        Refused: 400, a column is not what `dtype` says.
    """
    kinds, dates = kinds_by_column(list(names), options)
    nulls = null_texts(options)
    guesses = [Guess(name, DATETIME if name in dates else kinds.get(name), nulls, name in dates) for name in names]
    for chunk in chunks():
        for guess, cells in zip(guesses, zip(*chunk, strict=True), strict=True):
            guess.see(cells)
    return [guess.column() for guess in guesses], Rows(chunks, guesses)
