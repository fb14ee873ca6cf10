"""Finds the kind of a whole column, from the text of its cells or from the values that a format has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gramex.data.kinds import ANY, BLOB, BOOL, DATETIME, FLOAT, INT, JSON, TEXT, moment
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


class Guess:
    """The kind of a column, found in the text of its cells, some at a time, and then the values that these mean."""

    def __init__(self, name: str, kind: str | None = None, nulls: frozenset[str] = NULLS, lenient: bool = False):
        """`kind` is what the configuration says that it is; `lenient`: it is text if it is not of that kind."""
        self.name, self.kind, self.nulls, self.lenient = name, kind, nulls, lenient
        self.has_nulls = self.has_values = False
        self.digits = True  # whether all numbers are whole, however large
        self.possible = {kind} if kind else {INT, FLOAT, BOOL}
        self.forms = list(MOMENTS)

    def see(self, cells: Sequence[Any]) -> None:
        """Look at some cells; None stands for null."""
        there = [cell for cell in cells if cell is not None and cell not in self.nulls]
        self.has_nulls |= len(there) < len(cells)
        if not there or not self.possible:
            return
        self.has_values = True
        for kind, parse in PARSERS:
            # All that is whole is a number: these are looked at once they are needed.
            if kind in self.possible and not (kind == FLOAT and INT in self.possible) and parse(there) is None:
                self.possible.discard(kind)
        if FLOAT in self.possible and INT not in self.possible:
            self.digits = self.digits and all(cell.strip().lstrip("+-").isdigit() for cell in there)
            self.has_nulls = self.has_nulls or any(value != value for value in map(float, there))
        if DATETIME in self.possible:
            self.forms = [form for form in self.forms if fits(form, there)]
            if not self.forms:
                self.possible.discard(DATETIME)

    def column(self) -> Column:
        """Return the column.

        Raises:
            Refused: 400, it is not what the configuration says.
        """
        if self.kind == TEXT or (self.kind and self.kind not in self.possible and self.lenient):
            found = TEXT
        elif self.kind:
            if self.kind not in self.possible or (self.kind in (INT, BOOL) and not self.has_values):
                raise Refused(400, f"column {self.name!r} is not of kind {self.kind}")
            found = self.kind
        elif not self.has_values:
            found = FLOAT
        elif INT in self.possible:
            found = INT
        elif FLOAT in self.possible and not self.digits:  # numbers that are too large: their digits count
            found = FLOAT
        else:
            found = BOOL if BOOL in self.possible else TEXT
        self.found = found
        return Column(self.name, found, self.has_nulls)

    def read(self, cells: Sequence[Any]) -> Sequence[Any]:
        """Return the values of some cells, as SQLite keeps them, once the kind is known."""
        value_of = VALUES.get(self.found) or (self.forms[0] if self.found == DATETIME else None)
        if not self.has_nulls:
            return cells if value_of is None else list(map(value_of, cells))
        nulls = self.nulls
        if value_of is None:
            return [None if cell is None or cell in nulls else cell for cell in cells]
        values = [None if cell is None or cell in nulls else value_of(cell) for cell in cells]
        return [None if value != value else value for value in values] if self.found == FLOAT else values


def typed(
    name: str, cells: Sequence[Any], kind: str | None = None, nulls: frozenset[str] = NULLS
) -> tuple[Column, Sequence[Any]]:
    """Return a column and its values, as SQLite keeps them, from the text of its cells; None stands for null.

    `kind` is what the configuration says that it is.

    Raises:
        Refused: 400, a cell is not of that kind.
    """
    guess = Guess(name, kind, nulls)
    guess.see(cells)
    return guess.column(), guess.read(cells)


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


def from_iso(cell: str) -> Any:
    """Return a datetime as SQLite keeps it."""
    return moment(cell).isoformat(" ", "microseconds")


def from_form(form: str) -> Callable[[str], Any]:
    """Return what reads datetimes of a form of strptime."""
    return lambda cell: datetime.strptime(cell.strip(), form).isoformat(" ", "microseconds")


def fits(form: Callable[[str], Any], cells: Sequence[str]) -> bool:
    """True if all cells are of a form."""
    try:
        for cell in cells:
            form(cell)
    except ValueError:
        return False
    return True


MOMENTS = (from_iso, *(from_form(day + time) for day in FORMS for time in TIMES))
PARSERS: tuple[tuple[str, Callable[[list[str]], Any]], ...] = ((INT, as_ints), (FLOAT, as_floats), (BOOL, as_bools))
VALUES: dict[str, Callable[[str], Any]] = {INT: int, FLOAT: float, BOOL: lambda cell: int(cell.lower() == "true")}


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
