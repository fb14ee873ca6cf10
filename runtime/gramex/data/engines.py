"""Databases that SQLAlchemy reaches: PostgreSQL, MySQL and others, by whatever driver is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Integer, MetaData, Table, create_engine, inspect
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL, make_url

from gramex.data.database import Answer, Database, Look, Rows, Session
from gramex.data.grammar import MYSQL, Grammar
from gramex.data.kinds import JSON
from gramex.data.pieces import Statement
from gramex.data.refused import Refused
from gramex.data.sqltypes import kind_of
from gramex.data.statement import Place

DRIVERS = {"postgresql": ("psycopg2", "psycopg", "pg8000"), "mysql": ("MySQLdb", "pymysql", "mariadb")}
DRIVERS["mariadb"] = DRIVERS["mysql"]
DRIVER_NAMES = {"MySQLdb": "mysqldb", "mariadb": "mariadbconnector"}
INSTALL = {"postgresql": "psycopg[binary]", "mysql": "pymysql", "mariadb": "pymysql"}


class EngineSession(Session):
    """A connection of an engine."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self.key: Any = None

    def execute(self, statement: Statement) -> CursorResult[Any]:
        """Run a statement."""
        sql, values = statement.render(self.connection.dialect.paramstyle)
        if not values:  # or a driver would look for marks behind each %
            return self.connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return self.connection.exec_driver_sql(sql, values)

    def run(self, statement: Statement) -> Rows:
        return self.execute(statement).fetchall()

    def change(self, statement: Statement) -> int:
        result = self.execute(statement)
        with contextlib.suppress(AttributeError):  # not every driver has it
            self.key = result.lastrowid
        return result.rowcount

    def last_key(self) -> Any:
        return self.key

    def undo(self) -> None:
        self.connection.rollback()

    def ask(self, statement: Statement, stream: bool = True) -> Answer:
        if stream and self.connection.dialect.name == "postgresql":
            self.connection.execution_options(stream_results=True)
        result = self.execute(statement)
        if not result.returns_rows:
            raise Refused(400, "a query must return rows")
        types = [each[1] for each in result.cursor.description] if result.cursor is not None else ()
        return Answer(result, list(result.keys()), types)


class EngineDatabase(Database):
    """A database with an engine of SQLAlchemy."""

    errors = (sql_errors.SQLAlchemyError,)

    def __init__(self, url: str, options: Mapping[str, Any]):
        """Connects when it is first asked for something.

        Raises:
            Refused: 500, the URL is none; 501, no driver for it is installed.
        """
        super().__init__()
        try:
            target = with_driver(make_url(url))
        except (sql_errors.ArgumentError, ValueError, TypeError) as error:
            raise Refused(500, f"url: cannot be used: {error}") from None
        name = target.get_backend_name()
        try:
            self.engine = create_engine(target, **options)
        except (ImportError, sql_errors.NoSuchModuleError) as error:
            driver = INSTALL.get(name)
            hint = f": pip install {driver!r}" if driver else ""
            raise Refused(501, f"{name}: no driver for it is installed{hint} ({error})") from None
        except (sql_errors.ArgumentError, ValueError, TypeError) as error:
            raise Refused(500, f"url: cannot be used: {error}") from None
        dialect = self.engine.dialect
        self.grammar = Grammar(name, quoting(dialect), dialect.paramstyle, name == "postgresql")

    @contextmanager
    def reading(self, own: bool = True) -> Iterator[Session]:
        with self.engine.connect() as connection:
            if own:
                pass
            elif self.grammar.name == "postgresql":
                connection.execution_options(postgresql_readonly=True)
            elif self.grammar.name in MYSQL:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield EngineSession(connection)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.engine.begin() as connection:
            yield EngineSession(connection)

    def reflect(self, session: Session, name: str) -> Look:
        table = reflect(connection_of(session), name)
        dialect, quote = self.engine.dialect, self.grammar.quote
        kinds = {column.name: kind_of(column.type) for column in table.columns}
        place = Place(
            self.grammar,
            [dialect.identifier_preparer.format_table(table)],
            {each: quote(each) for each in kinds},
            kinds,
        )
        if self.grammar.name in MYSQL:  # a driver gives their text
            place.shown = {JSON: lambda value: json.loads(value) if isinstance(value, (str, bytes)) else value}
        place.bound = {
            column.name: bind
            for column in table.columns
            if (bind := column.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        key = [column.name for column in table.primary_key]
        made = {
            column.name
            for column in table.primary_key
            if isinstance(column.type, Integer) or column.server_default is not None
        }
        return Look(place, key, frozenset(made))

    def make(self, session: Session, name: str, columns: Mapping[str, Any]) -> None:
        from gramex.data.creating import make_table

        make_table(connection_of(session), name, columns)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def quoting(dialect: Dialect) -> Callable[[str], str]:
    """Return what quotes names as a database wants them."""
    quote = dialect.identifier_preparer.quote
    if dialect.paramstyle in ("format", "pyformat"):  # what it does to % is done to the whole statement here
        return lambda name: quote(name).replace("%%", "%")
    return quote


def connection_of(session: Session) -> Connection:
    """Return the connection of a session."""
    assert isinstance(session, EngineSession)  # noqa: S101  for mypy
    return session.connection


def reflect(connection: Connection, name: str) -> Table:
    """Return a table, or a view, as the database describes it; ``schema.name`` is one of a schema."""
    tries: list[tuple[str, str | None]] = [(name, None)]
    if "." in name:
        first, _, last = name.rpartition(".")
        tries.append((last, first))
    inspector = inspect(connection)
    for short, schema in tries:
        if not inspector.has_table(short, schema=schema):
            continue
        try:
            return Table(short, MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
        except sql_errors.NoSuchTableError:
            continue
    raise Refused(404, f"there is no table {name!r}")


def with_driver(url: URL) -> URL:
    """Return a URL with a driver that is installed, where it names none and its usual one is not."""
    name = url.get_backend_name()
    if "+" in url.drivername or name not in DRIVERS:
        return url
    for module in DRIVERS[name]:
        if importlib.util.find_spec(module):
            return url.set(drivername=f"{name}+{DRIVER_NAMES.get(module, module)}")
    return url
