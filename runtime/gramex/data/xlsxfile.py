"""Reads Excel files with openpyxl: a sheet, a range of cells, a table or a name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from gramex.data.csvfile import Shape, kinds_by_column, null_texts
from gramex.data.infer import kind_of, typed
from gramex.data.kinds import ANY, DATETIME, moment
from gramex.data.memory import store
from gramex.data.query import Column
from gramex.data.refused import Refused

Rows = list[list[Any]]


def read_xlsx(data: bytes, options: Mapping[str, Any]) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return the columns and rows, values as SQLite keeps them.

    Raises:
        Refused: 400, it is no such file, or has no such sheet, table or name.
    """
    lines = cells(data, options)
    skipped = options.get("skiprows")
    if skipped:
        gone = set(range(skipped)) if isinstance(skipped, int) else set(skipped)
        lines = [line for number, line in enumerate(lines) if number not in gone]
    lines = trimmed(lines)
    shape = Shape(lambda: iter(lines), options)
    return typed_values(shape.names, shape.rows(), options)


def trimmed(lines: Rows) -> Rows:
    """Return lines without the empty ones, and without empty cells at their ends beyond the header."""
    lines = [line for line in lines if any(cell is not None for cell in line)]
    width = max((number + 1 for line in lines for number, cell in enumerate(line) if cell is not None), default=0)
    return [line[:width] + [None] * (width - len(line)) for line in lines]


def cells(data: bytes, options: Mapping[str, Any]) -> Rows:
    """Return the cells that the options choose."""
    part = options.get("table") or options.get("range") or options.get("name")
    try:
        # Only what is read in full knows its tables.
        book = load_workbook(io.BytesIO(data), read_only=not part, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        raise Refused(400, f"the file is no Excel workbook: {error}") from None
    try:
        if options.get("name") and not options.get("table") and not options.get("range"):
            return named_cells(book, str(options["name"]))
        sheet = sheet_of(book, options.get("sheet_name"))
        if options.get("table"):
            area = table_area(book, sheet, str(options["table"]), "sheet_name" in options)
            return [[cell.value for cell in row] for row in area]
        if options.get("range"):
            return [[cell.value for cell in row] for row in area_of(sheet, str(options["range"]))]
        return [list(row) for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()


def sheet_of(book: Any, wanted: Any) -> Any:
    """Return a sheet by its name or number, by default the first.

    Raises:
        Refused: 400, there is none.
    """
    sheets = book.worksheets
    if wanted is None:
        wanted = 0
    if isinstance(wanted, int):
        if not -len(sheets) <= wanted < len(sheets):
            raise Refused(400, f"there is no sheet {wanted}")
        return sheets[wanted]
    for sheet in sheets:
        if sheet.title == str(wanted):
            return sheet
    raise Refused(400, f"there is no sheet {wanted!r}")


def area_of(sheet: Any, text: str) -> Any:
    """Return the cells of a range such as A1:C10.

    Raises:
        Refused: 400, it is none.
    """
    try:
        left, top, right, bottom = range_boundaries(text.rpartition("!")[2].replace("$", "").upper())
    except (ValueError, TypeError) as error:
        raise Refused(400, f"range: {text!r} is none: {error}") from None
    return sheet.iter_rows(top or 1, bottom or sheet.max_row, left or 1, right or sheet.max_column)


def table_area(book: Any, sheet: Any, name: str, only: bool) -> Any:
    """Return the cells of a table, of any sheet unless one is named.

    Raises:
        Refused: 400, there is none.
    """
    for each in [sheet] if only else book.worksheets:
        if name in each.tables:
            return area_of(each, each.tables[name].ref)
    raise Refused(400, f"there is no table {name!r}")


def named_cells(book: Any, name: str) -> Rows:
    """Return the cells that have a name in the workbook.

    Raises:
        Refused: 400, none have.
    """
    found = book.defined_names.get(name)
    for title, text in found.destinations if found is not None else ():
        return [[cell.value for cell in row] for row in area_of(sheet_of(book, title), text)]
    raise Refused(400, f"there is no name {name!r}")


def typed_values(
    names: Sequence[str], rows: Rows, options: Mapping[str, Any]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return the columns and values for cells as Excel has them."""
    kinds, dates = kinds_by_column(list(names), options)
    nulls = null_texts(options)
    columns, values = [], []
    for number, name in enumerate(names):
        found = [plain(row[number], nulls) for row in rows]
        kind = DATETIME if name in dates else kinds.get(name)
        if kind is not None:
            column, cells = typed(name, [text_of(value) for value in found], kind, nulls)
            found = list(cells)
        else:
            kind = kind_of(found)
            column = Column(name, kind, None in found)
            if kind == ANY:
                found = [text_of(value) if isinstance(value, (bool, date, time)) else value for value in found]
            found = [store(value) for value in found]
        columns.append(column)
        values.append(found)
    return columns, list(zip(*values, strict=True))


def plain(value: Any, nulls: frozenset[str]) -> Any:
    """Return the value of a cell: a whole number where Excel shows one, null where pandas sees none."""
    if isinstance(value, str):
        return None if value in nulls else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return moment(value)
    return text_of(value) if isinstance(value, time) else value


def text_of(value: Any) -> Any:
    """Return a value as the text that a CSV file would have for it."""
    return value if value is None or isinstance(value, str) else str(value)
