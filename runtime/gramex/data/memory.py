"""A table in the memory of this process: an in-process SQLite that holds the rows of a file or of a query."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, MetaData, Select, Table, create_engine
from sqlalchemy import Column as SqlColumn
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine, UserDefinedType

from gramex.data.functions import add_functions
from gramex.data.kinds import BOOL, DATE, DATETIME, FLOAT, INT, JSON, TEXT, UTC
from gramex.data.plans import plan_of
from gramex.data.query import Column, Filter, Query
from gramex.data.refused import Refused
from gramex.data.statement import Place, build, conditions, count

MOST_COLUMNS = 1900  # SQLite's own bound is 2000
LARGEST = 2**63
AFFINITY = {INT: "INTEGER", FLOAT: "REAL", BOOL: "INTEGER", TEXT: "TEXT", DATE: "TEXT", DATETIME: "TEXT", UTC: "TEXT"}
INDEXED = 2  # filters on a column until it gets an index
FEW = 2000  # rows that need no index


class Moment(UserDefinedType[Any]):
    """A datetime as text of one form, so that the order of texts is that of time."""

    cache_ok = True

    def get_col_spec(self, **kwargs: Any) -> str:
        return "TEXT"

    def bind_processor(self, dialect: Any) -> Any:
        return store

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return lambda value: None if value is None else datetime.fromisoformat(value)


class Decoded(UserDefinedType[Any]):
    """A list or mapping as JSON text."""

    cache_ok = True

    def get_col_spec(self, **kwargs: Any) -> str:
        return "TEXT"

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        import json

        return lambda value: None if value is None else json.loads(value)


TYPES: dict[str, type[TypeEngine[Any]] | type[TypeDecorator[Any]]] = {
    BOOL: Boolean, DATE: Moment, DATETIME: Moment, UTC: Moment, JSON: Decoded,
}  # fmt: skip


def store(value: Any) -> Any:
    """Return a value as SQLite keeps it."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if -LARGEST <= value < LARGEST else str(value)
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, datetime):
        from gramex.data.kinds import moment

        return moment(value).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00.000000"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (dict, list, tuple)):
        import json

        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


class Memory:
    """The rows of a source, ready for queries by the rules of files. Several threads may use it."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[Any]], stored: bool = True):
        """`stored`: values are as SQLite keeps them already.

        Raises:
            Refused: 400, there are more columns than it can hold.
        """
        if len(columns) > MOST_COLUMNS:
            raise Refused(400, f"{len(columns)} columns are more than the {MOST_COLUMNS} that can be held")
        self.columns = list(columns)
        self.version = object()  # no other table has it
        self.kept = stored  # asked again and again, unlike the rows of a query
        self.lock = threading.Lock()
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.engine = create_engine(
            "sqlite://", creator=lambda: connection, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
        )
        self.connection = connection
        self.matcher = add_functions(connection)
        specs = ["n INTEGER PRIMARY KEY"]
        specs += [f"c{number} {AFFINITY.get(each.kind, '')}" for number, each in enumerate(self.columns)]
        connection.execute(f"CREATE TABLE t ({', '.join(specs)})")
        marks = ", ".join("?" * len(self.columns))
        names = ", ".join(f"c{number}" for number in range(len(self.columns)))
        values = rows if stored else ([store(value) for value in row] for row in rows)
        connection.execute("BEGIN")
        if self.columns:
            connection.executemany(f"INSERT INTO t ({names}) VALUES ({marks})", values)  # noqa: S608  own names
        connection.execute("COMMIT")
        self.size = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        self.table = Table(
            "t",
            MetaData(),
            SqlColumn("n", NullType(), primary_key=True),
            *(SqlColumn(f"c{number}", TYPES.get(each.kind, NullType)()) for number, each in enumerate(self.columns)),
        )
        own = list(self.table.columns)[1:]
        self.place = Place(
            self.table,
            {each.name: column for each, column in zip(self.columns, own, strict=True)},
            {each.name: each.kind for each in self.columns},
            "sqlite",
        )
        self.place.file, self.place.row = True, self.table.columns.n
        self.place.nulls = frozenset(each.name for each in self.columns if each.nulls)
        self.numbers = {each.name: number for number, each in enumerate(self.columns)}
        self.asked: dict[str, int] = {}

    def select(self, query: Query, counted: bool) -> tuple[Sequence[Any], int | None]:
        """Return the rows of a query, and how many the filters leave if that is asked.

        Raises:
            Refused: 400, a regular expression is none, or takes too long.
        """
        rows = self.planned(query)
        return rows, self.run(count(query, self.place), query)[0][0] if counted else None

    def rows(self) -> Sequence[Sequence[Any]]:
        """Return all rows, in order."""
        from gramex.data.query import LARGEST as ALL
        from gramex.data.query import Output

        return self.run(
            build(Query([Output(each.name, each.name, each.kind) for each in self.columns], limit=ALL), self.place),
            Query([]),
        )

    def numbers_of(self, filters: Sequence[Filter]) -> list[int]:
        """Return the numbers of the rows that filters leave, from 1."""
        from sqlalchemy import select

        statement = select(self.table.columns.n).where(*conditions(filters, self.place)).order_by(self.table.columns.n)
        return [row[0] for row in self.run(statement, Query([], filters=list(filters)))]

    def is_empty(self, name: str) -> bool:
        """True if a column has no value."""
        from sqlalchemy import func, select

        return not self.run(select(func.count(self.place.columns[name])), Query([]))[0][0]

    def planned(self, query: Query) -> Sequence[Any]:
        """Return the rows of a query, by a statement that was made before where there is one."""
        with self.lock:
            plan = plan_of(query, self.place, self.engine.dialect) if self.kept else None
            if plan is not None:
                self.prepare(query)
                return plan.run(self.connection, query)
        return self.run(build(query, self.place), query)

    def run(self, statement: Select[Any], query: Query) -> Sequence[Any]:
        """Return all rows of a statement."""
        with self.lock:
            self.prepare(query)
            self.matcher.begin()
            try:
                with self.engine.connect() as connection:
                    return connection.execute(statement).fetchall()
            except Exception as error:
                if self.matcher.late:
                    raise Refused(400, "a regular expression takes too long") from error
                raise

    def prepare(self, query: Query) -> None:
        """Make an index for a column that is filtered or sorted by again and again. Check regular expressions."""
        from gramex.data.regular import compile_pattern

        for each in query.filters:
            if each.operator in ("~", "!~", "*", "!*"):
                for value in each.values:
                    compile_pattern(value, "*" not in each.operator)
            elif each.values and each.operator != "!":
                self.count_use(each.column)
        for name, _ in query.sort[:1]:
            if query.by is None:
                self.count_use(name)

    def count_use(self, name: str) -> None:
        """Count a use of a column that an index would help."""
        if self.size < FEW:
            return
        uses = self.asked[name] = self.asked.get(name, 0) + 1
        if uses == INDEXED:
            number = self.numbers[name]
            self.connection.execute(f"CREATE INDEX i{number} ON t (c{number})")
            self.connection.execute("ANALYZE")

    def __del__(self) -> None:
        """Give the memory back: whoever still reads from it holds it."""
        connection = self.__dict__.get("connection")
        if connection is not None:
            connection.close()
