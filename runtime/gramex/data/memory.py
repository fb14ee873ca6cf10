"""A table of this process: an in-process SQLite that holds the rows of a file, and lets the system hold them on disk.

The rows are in a temporary file that nobody else can open, of which a few pages are kept in memory; where no temporary
file can be written, they are all in memory.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gramex.data.functions import add_functions
from gramex.data.grammar import Grammar, quoted
from gramex.data.kinds import BOOL, DATE, DATETIME, FLOAT, INT, JSON, LARGEST, TEXT, UTC, moment
from gramex.data.pieces import Statement
from gramex.data.query import Column, Filter, Output, Query
from gramex.data.refused import Refused
from gramex.data.statement import Convert, Place, build, count, where

MOST_COLUMNS = 1900  # SQLite's own bound is 2000
AFFINITY = {INT: "INTEGER", FLOAT: "REAL", BOOL: "INTEGER", TEXT: "TEXT", DATE: "TEXT", DATETIME: "TEXT", UTC: "TEXT"}
INDEXED = 2  # filters on a column until it gets an index
FEW = 2000  # rows that need no index, nor a file
CACHE = 1000  # KiB of a file that are kept in memory
GRAMMAR = Grammar("sqlite", quoted)
PATTERNS = frozenset(("~", "*", "!~", "!*"))


def store(value: Any) -> Any:
    """Return a value as SQLite keeps it."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if -LARGEST - 1 <= value <= LARGEST else str(value)
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, datetime):
        return moment(value).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00.000000"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def read_moment(value: Any) -> Any:
    """Return the datetime of a text of ours."""
    return None if value is None else datetime.fromisoformat(value)


COMPARED: Mapping[str, Convert] = {DATE: store, DATETIME: store, UTC: store}
SHOWN: Mapping[str, Convert] = {
    DATE: read_moment,
    DATETIME: read_moment,
    UTC: read_moment,
    BOOL: lambda value: None if value is None else bool(value),
    JSON: lambda value: None if value is None else json.loads(value),
}


class Memory:
    """The rows of a source, ready for queries by the rules of files. Several threads may use it."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[Any]], stored: bool = True):
        """`rows` may be gone through twice; `stored`: values are as SQLite keeps them already.

        Raises:
            Refused: 400, there are more columns than it can hold.
        """
        if len(columns) > MOST_COLUMNS:
            raise Refused(400, f"{len(columns)} columns are more than the {MOST_COLUMNS} that can be held")
        self.columns = list(columns)
        self.version = object()  # no other table has it
        self.lock = threading.Lock()
        # A file costs a little to make: it is for what is kept.
        for target in ("", ":memory:") if stored else (":memory:",):
            try:
                self.fill(target, rows if stored else ([store(value) for value in row] for row in rows))
                break
            except sqlite3.OperationalError:
                self.connection.close()
                if target:
                    raise
        self.matcher = add_functions(self.connection)
        names = {each.name: f"c{number}" for number, each in enumerate(self.columns)}
        self.place = Place(GRAMMAR, ["t"], names, {each.name: each.kind for each in self.columns})
        self.place.file, self.place.row, self.place.compared, self.place.shown = True, "n", COMPARED, SHOWN
        self.place.nulls = frozenset(each.name for each in self.columns if each.nulls)
        self.asked: dict[str, int] = {}

    def fill(self, target: str, rows: Iterable[Sequence[Any]]) -> None:
        """Put the rows into a table in `target`."""
        connection = self.connection = sqlite3.connect(target, check_same_thread=False, isolation_level=None)
        connection.execute(f"PRAGMA cache_size = -{CACHE}")
        specs = ["n INTEGER PRIMARY KEY"]
        specs += [f"c{number} {AFFINITY.get(each.kind, '')}" for number, each in enumerate(self.columns)]
        connection.execute(f"CREATE TABLE t ({', '.join(specs)})")
        marks = ", ".join("?" * len(self.columns))
        names = ", ".join(f"c{number}" for number in range(len(self.columns)))
        connection.execute("BEGIN")
        if self.columns:
            connection.executemany(f"INSERT INTO t ({names}) VALUES ({marks})", rows)  # noqa: S608  own names
        connection.execute("COMMIT")
        self.size = connection.execute("SELECT count(*) FROM t").fetchone()[0]

    def select(self, query: Query, counted: bool) -> tuple[Sequence[Any], int | None]:
        """Return the rows of a query, and how many the filters leave if that is asked.

        Raises:
            Refused: 400, a regular expression is none, or takes too long.
        """
        check_patterns(query.filters)
        self.prepare(query)
        rows = self.run(build(query, self.place))
        return rows, self.run(count(query, self.place))[0][0] if counted else None

    def rows(self) -> Sequence[Sequence[Any]]:
        """Return all rows, in order, as Python has their values."""
        query = Query([Output(each.name, each.name, each.kind) for each in self.columns], limit=LARGEST)
        return shown(query, self.place, self.run(build(query, self.place)))

    def numbers_of(self, filters: Sequence[Filter]) -> list[int]:
        """Return the numbers of the rows that filters leave, from 1."""
        check_patterns(filters)
        statement = Statement(["SELECT n FROM t", *where(filters, self.place), " ORDER BY n"])
        return [row[0] for row in self.run(statement)]

    def is_empty(self, name: str) -> bool:
        """True if a column has no value."""
        return not self.run(Statement(["SELECT count(", self.place.columns[name], ") FROM t"]))[0][0]

    def run(self, statement: Statement) -> Sequence[Any]:
        """Return all rows of a statement."""
        with self.lock, self.matcher.bounded():
            return self.connection.execute(*statement.render("qmark")).fetchall()

    def prepare(self, query: Query) -> None:
        """Make an index for a column that is filtered or sorted by again and again."""
        if self.size < FEW:
            return
        used = [each.column for each in query.filters if each.values and each.operator not in ("!", *PATTERNS)]
        used += [name for name, _ in query.sort[:1]] if query.by is None else []
        for name in used:
            with self.lock:
                uses = self.asked[name] = self.asked.get(name, 0) + 1
                if uses == INDEXED:
                    column = self.place.columns[name]
                    with contextlib.suppress(sqlite3.OperationalError):  # no place for it: slower, not wrong
                        self.connection.execute(f"CREATE INDEX i{column} ON t ({column})")
                        self.connection.execute("ANALYZE")

    def __del__(self) -> None:
        """Give the memory back: whoever still reads from it holds it."""
        connection = self.__dict__.get("connection")
        if connection is not None:
            connection.close()


def check_patterns(filters: Sequence[Filter]) -> None:
    """Check regular expressions before SQLite asks for their matches.

    Raises:
        Refused: 400, one is none.
    """
    for each in filters:
        if each.operator in PATTERNS:
            from gramex.data.regular import compile_pattern

            for value in each.values:
                compile_pattern(value, "*" not in each.operator)


def shown(query: Query, place: Place, rows: Sequence[Any]) -> Sequence[Any]:
    """Return the rows of a query with values as Python has them."""
    changes = [(n, show) for n, each in enumerate(query.outputs) if (show := place.shown.get(each.kind)) is not None]
    if not changes:
        return rows
    changed = [list(row) for row in rows]
    for number, show in changes:
        for row in changed:
            row[number] = show(row[number])
    return changed
