"""Finds the kind of a whole column, from the text of its cells or from the values that a format has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gramex.data.kinds import ANY, BLOB, BOOL, DATETIME, FLOAT, INT, JSON, TEXT, parse_iso
from gramex.data.query import Column
from gramex.data.refused import Refused

NULLS = frozenset(("", "NA", "N/A", "null", "NULL", "NaN", "nan", "None", "#N/A", "n/a", "#NA", "<NA>"))
LARGEST = 2**63
FORMS = (
    "%m/%d/%Y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y/%m/%d", "%d.%m.%Y",
)  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S")
NAMES = {
    "str": TEXT, "string": TEXT, "object": TEXT, "text": TEXT, "category": TEXT, "int": INT, "integer": INT,
    "float": FLOAT, "number": FLOAT, "bool": BOOL, "boolean": BOOL, "date": DATETIME, "datetime": DATETIME,
}  # fmt: skip


def named_kind(name: Any) -> str | None:
    """Return the kind that a name of a type means, as Python and pandas write them, None if it means none."""
    text = getattr(name, "__name__", None) or str(name)
    return NAMES.get(text.lower().split("[")[0].rstrip("0123456789"))


def typed(
    name: str, cells: list[Any], kind: str | None = None, nulls: frozenset[str] = NULLS
) -> tuple[Column, list[Any]]:
    """Return a column and its values, as SQLite keeps them, from the text of its cells; None stands for null.

    `kind` is what the configuration says that it is.

    Raises:
        Refused: 400, a cell is not of that kind.
    """
    cells = [None if cell is None or cell in nulls else cell for cell in cells]
    if kind == TEXT:
        return Column(name, TEXT, None in cells), cells
    there = [cell for cell in cells if cell is not None]
    has_nulls = len(there) < len(cells)
    for wanted, parse in PARSERS if kind else GUESSED:
        if kind not in (None, wanted):
            continue
        values = parse(there)
        if values is not None:
            if has_nulls:
                found = iter(values)
                values = [None if cell is None else next(found) for cell in cells]
            if wanted == FLOAT:
                values, has_nulls = without_nan(values)
            return Column(name, wanted, has_nulls), values
        if kind is not None:
            raise Refused(400, f"column {name!r} is not of kind {kind}")
    return Column(name, TEXT, has_nulls), cells


def without_nan(values: list[Any]) -> tuple[list[Any], bool]:
    """Return floats with null for what is no number, and whether there are nulls."""
    values = [value if value == value else None for value in values]
    return values, None in values


def as_ints(cells: list[str]) -> list[int] | None:
    """Return whole numbers, None if a cell is none."""
    if not cells:
        return None
    try:
        values = list(map(int, cells))
    except ValueError:
        return None
    if not is_plain(cells) or max(values) >= LARGEST or min(values) < -LARGEST:
        return None
    return values


def as_floats(cells: list[str]) -> list[float] | None:
    """Return numbers, None if a cell is none."""
    try:
        values = list(map(float, cells))
    except ValueError:
        return None
    return values if is_plain(cells) else None


def as_fractions(cells: list[str]) -> list[float] | None:
    """Return numbers, None if a cell is none, or if all are whole: such are too large, and their digits count."""
    if cells and all(cell.strip().lstrip("+-").isdigit() for cell in cells):
        return None
    return as_floats(cells)


def is_plain(cells: list[str]) -> bool:
    """True if cells have nothing that is a number for Python alone: underscores, digits of other scripts."""
    joined = "".join(cells)
    return "_" not in joined and joined.isascii()


def as_bools(cells: list[str]) -> list[int] | None:
    """Return true and false as SQLite keeps them, None if a cell is neither."""
    values = []
    for cell in cells:
        lower = cell.lower()
        if lower not in ("true", "false"):
            return None
        values.append(int(lower == "true"))
    return values


def as_moments(cells: list[str]) -> list[str] | None:
    """Return datetimes as SQLite keeps them, None if a cell is none. All cells are of one form."""
    from gramex.data.memory import store

    if not cells:
        return []
    try:
        return [store(parse_iso(cell)) for cell in cells]
    except ValueError:
        pass
    for form in (day + time for day in FORMS for time in TIMES):
        try:
            return [store(datetime.strptime(cell.strip(), form)) for cell in cells]
        except ValueError:
            continue
    return None


PARSERS: tuple[tuple[str, Any], ...] = ((INT, as_ints), (FLOAT, as_floats), (BOOL, as_bools), (DATETIME, as_moments))
GUESSED: tuple[tuple[str, Any], ...] = ((INT, as_ints), (FLOAT, as_fractions), (BOOL, as_bools))


def kind_of(values: Sequence[Any]) -> str:
    """Return the kind of a column from values as Python has them."""
    kinds = {type(value) for value in values if value is not None and value == value}
    if not kinds:
        return FLOAT
    for kind, classes in CLASSES:
        if all(issubclass(each, classes) for each in kinds):
            if kind == INT and any(value is not None and not -LARGEST <= value < LARGEST for value in values):
                return ANY
            return kind
    return ANY


# bool is an int and datetime a date: the narrower ones come first.
CLASSES: tuple[tuple[str, tuple[type, ...]], ...] = (
    (BOOL, (bool,)), (INT, (int,)), (FLOAT, (int, float, Decimal)), (TEXT, (str,)), (DATETIME, (date,)),
    (BLOB, (bytes, bytearray, memoryview)), (JSON, (dict, list, tuple)),
)  # fmt: skip


def valued(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """Return the columns of rows of Python values."""
    columns = []
    for number, name in enumerate(names):
        values = [row[number] for row in rows]
        columns.append(Column(name, kind_of(values), any(value is None or value != value for value in values)))
    return columns


def unique(names: Sequence[Any]) -> list[str]:
    """Return names of columns, each once: a second ``a`` is ``a.1``, an empty one ``Unnamed: `` and its place."""
    found: list[str] = []
    taken: set[str] = set()
    for number, each in enumerate(names):
        name = f"Unnamed: {number}" if each is None or each == "" else str(each)
        again, repeated = 0, name
        while repeated in taken:
            again += 1
            repeated = f"{name}.{again}"
        taken.add(repeated)
        found.append(repeated)
    return found
