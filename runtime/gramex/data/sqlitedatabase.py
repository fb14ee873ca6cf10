"""SQLite by the standard library: small, quick to start, and nothing to install."""

from __future__ import annotations

import itertools
import math
import re
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gramex.data.database import Answer, Database, Look, Rows, Session
from gramex.data.functions import Matcher, add_functions
from gramex.data.grammar import Grammar, quoted
from gramex.data.pieces import Statement
from gramex.data.refused import Refused
from gramex.data.sqlitetypes import BOUND, COMPARED, SHOWN, kind_of_type
from gramex.data.statement import Place

IDLE = 5  # connections that are kept: cheap to keep, and dear to open
WAIT = 10.0  # seconds for others that write
GRAMMAR = Grammar("sqlite", quoted, returning=sqlite3.sqlite_version_info >= (3, 35))
ARGUMENTS = {"timeout": float, "cached_statements": int}  # of a URL, for the connection
OWN = frozenset(("check_same_thread", "isolation_level", "uri", "factory", "autocommit"))


class SqliteSession(Session):
    """A connection to SQLite."""

    def __init__(self, connection: sqlite3.Connection, matcher: Matcher | None = None):
        self.connection, self.matcher = connection, matcher

    def execute(self, statement: Statement) -> sqlite3.Cursor:
        """Run a statement.

        Raises:
            Refused: 400, a regular expression takes too long.
        """
        if self.matcher is None:
            return self.connection.execute(*statement.render("qmark"))
        with self.matcher.bounded():
            return self.connection.execute(*statement.render("qmark"))

    def run(self, statement: Statement) -> Rows:
        if self.matcher is None:
            return self.execute(statement).fetchall()
        with self.matcher.bounded():
            return self.connection.execute(*statement.render("qmark")).fetchall()

    def change(self, statement: Statement) -> int:
        return self.execute(statement).rowcount

    def last_key(self) -> Any:
        return self.connection.execute("SELECT last_insert_rowid()").fetchone()[0]

    def ask(self, statement: Statement, stream: bool = True) -> Answer:
        cursor = self.execute(statement)
        if cursor.description is None:
            raise Refused(400, "a query must return rows")
        return Answer(cursor, [each[0] for each in cursor.description])


class SqliteDatabase(Database):
    """A database in a file, or one in memory that lasts as long as the process."""

    grammar = GRAMMAR
    errors = (sqlite3.Error, sqlite3.Warning)

    def __init__(self, url: str, options: Mapping[str, Any]):
        """Connects when it is first asked for something.

        Raises:
            Refused: 500, the URL names no file.
        """
        super().__init__()
        self.target, self.arguments = parse_url(url)
        given = options.get("connect_args")
        if isinstance(given, Mapping):
            self.arguments.update({str(name): value for name, value in given.items() if name not in OWN})
        self.file = None if self.target.startswith("file:") else Path(self.target).absolute()
        self.idle: dict[bool, list[SqliteSession]] = {False: [], True: []}  # by whether they may write
        self.opened: tuple[int, int] | None = None  # which file it was
        self.watch: sqlite3.Connection | None = None  # sees the changes of all others
        self.generation = 0  # of that connection, and of the others
        self.alone: AbstractContextManager[Any] = nullcontext()
        if "mode=memory" in self.target:
            self.alone = threading.Lock()  # in memory, who finds a table in use does not wait but fails
            self.watch = self.connect(True).connection  # the tables are there as long as it is

    def connect(self, writes: bool) -> SqliteSession:
        """Return a new connection."""
        target = self.target if self.file is None else str(self.file)
        connection = sqlite3.connect(
            target, check_same_thread=False, isolation_level=None, uri=self.file is None,
            **{"timeout": WAIT, **self.arguments},
        )  # fmt: skip
        connection.create_function("regexp", 2, regexp, deterministic=True)
        connection.create_function("floor", 1, floor, deterministic=True)
        if writes:
            return SqliteSession(connection)
        matcher = add_functions(connection)
        connection.execute("PRAGMA query_only = ON")
        return SqliteSession(connection, matcher)

    @contextmanager
    def session(self, writes: bool) -> Iterator[SqliteSession]:
        """Lend a connection, the one that was used last: it knows the pages. What it did not keep is undone."""
        with self.alone, self.lent(writes) as used:
            yield used

    @contextmanager
    def lent(self, writes: bool) -> Iterator[SqliteSession]:
        """Lend a connection."""
        generation, idle = self.generation, self.idle[writes]
        try:
            used = idle.pop()
        except IndexError:
            used = self.connect(writes)
        try:
            # Writing begins at once, or two writers may both read first, and one of them fail.
            used.connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            yield used
            if writes:
                used.connection.execute("COMMIT")
        finally:
            if used.connection.in_transaction:
                used.connection.rollback()
            if generation == self.generation and len(idle) < IDLE:
                idle.append(used)
            else:
                used.connection.close()

    def reading(self, own: bool = True) -> Any:
        return self.session(False)

    def writing(self) -> Any:
        return self.session(True)

    def check_there(self, needed: bool = True) -> None:
        """Check that the file is there: connecting would make one. One that was replaced is opened anew."""
        if self.file is None:
            return
        try:
            info = self.file.stat()
            state = (info.st_dev, info.st_ino) if stat.S_ISREG(info.st_mode) else None
        except OSError:
            state = None
        if state != self.opened:
            with self.lock:
                if self.opened is not None:
                    self.close()
                self.looks.clear()
                self.ensured.clear()
                self.opened = state
        if state is None and needed:
            raise Refused(404, f"{self.file}: there is no such database")

    def version(self) -> Any:
        if self.file is None:
            return None
        with self.lock:
            try:
                if self.watch is None:
                    self.watch = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None, timeout=WAIT)
                return self.opened, self.generation, self.watch.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error:  # whoever reads it next will say what is wrong
                return None

    def schema(self, session: Session) -> Any:
        return session.run(SCHEMA_VERSION)[0][0]

    def reflect(self, session: Session, name: str) -> Look:
        found = session.run(Statement([COLUMNS, (name,), ")"]))
        table = quoted(name)
        if not found and "." in name:
            schema, _, short = name.rpartition(".")
            if session.run(Statement(["SELECT 1 FROM pragma_database_list WHERE name = ", (schema,)])):
                found = session.run(Statement([COLUMNS, (short,), ", ", (schema,), ")"]))
            table = f"{quoted(schema)}.{quoted(short)}"
        found = [each for each in found if each[3] != 1]  # hidden columns of virtual tables
        if not found:
            raise Refused(404, f"there is no table {name!r}")
        kinds = {column: kind_of_type(declared or "") for column, declared, *_ in found}
        place = Place(self.grammar, [table], {column: quoted(column) for column in kinds}, kinds)
        place.compared, place.shown = COMPARED, SHOWN
        place.bound = {column: BOUND[kind] for column, kind in kinds.items() if kind in BOUND}
        key = [column for column, _, number, *_ in found if number]
        whole = {column for column, declared, *_ in found if "INT" in (declared or "").upper()}
        made = {column for column, _, _, _, default in found if default is not None}
        return Look(place, key, frozenset(made | (whole if len(key) == 1 else set())))

    def make(self, session: Session, name: str, columns: Mapping[str, Any]) -> None:
        from gramex.data.sqlitetables import make_table

        make_table(session, name, columns)

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.generation += 1
        for idle in self.idle.values():
            while idle:
                idle.pop().connection.close()
        if self.watch is not None and self.file is not None:
            self.watch.close()
            self.watch = None


SCHEMA_VERSION = Statement(["PRAGMA schema_version"])
COLUMNS = "SELECT name, type, pk, hidden, dflt_value FROM pragma_table_xinfo("


def regexp(pattern: str, value: Any) -> bool | None:
    """Return whether a text has a match: the operator REGEXP of an app's own queries."""
    return None if value is None else re.search(pattern, value) is not None


def floor(value: Any) -> Any:
    """Return the whole number below one, which older libraries of SQLite cannot."""
    return None if value is None else math.floor(value)


def parse_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return what to connect to, and arguments for the connection.

    Raises:
        Refused: 500, the URL names no file.
    """
    rest, _, query = url.partition(":")[2].partition("?")
    if rest not in ("", "//") and not rest.startswith("///"):
        raise Refused(500, f"url: {url!r} cannot be used: it must be such as sqlite:///data.db")
    target = rest[3:]
    given = dict(parse_qsl(query))
    try:
        arguments = {name: convert(given.pop(name)) for name, convert in ARGUMENTS.items() if name in given}
    except ValueError as error:
        raise Refused(500, f"url: cannot be used: {error}") from None
    if target.startswith("file:"):
        given.pop("uri", None)
        return target + (f"?{urlencode(given)}" if given else ""), arguments
    if target in ("", ":memory:"):
        return f"file:gramex-{next(counted)}?mode=memory&cache=shared", arguments
    return target, arguments


counted = itertools.count()
