"""Databases: one engine per URL, and what their tables look like, looked up again when that changes."""

from __future__ import annotations

import importlib.util
import sqlite3
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, create_engine, event, inspect
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL, make_url

from gramex.data.query import Column
from gramex.data.refused import Refused
from gramex.data.sqltypes import column_of
from gramex.data.statement import Place

KEPT = 50  # engines; a URL with an argument in it must not fill the memory
SECONDS = 30.0  # for which the look of a table is taken for granted where the database does not tell of changes
# Connections to files are cheap to keep, and dear to open; the one that was used last knows the pages.
SQLITE = {"pool_size": 5, "max_overflow": 100, "pool_use_lifo": True}
DRIVERS = {"postgresql": ("psycopg2", "psycopg", "pg8000"), "mysql": ("MySQLdb", "pymysql", "mariadb")}
DRIVER_NAMES = {"MySQLdb": "mysqldb"}
INSTALL = {"postgresql": "psycopg[binary]", "mysql": "pymysql"}


@dataclass(slots=True)
class Look:
    """What a table looked like when it was last looked at."""

    place: Place
    table: Table
    version: Any
    until: float

    @property
    def columns(self) -> list[Column]:
        """The columns by the names that requests use."""
        return [Column(name, kind) for name, kind in self.place.kinds.items()]


class Database:
    """A database: `engine` for writing, `reader` that cannot write where the database knows such a thing."""

    def __init__(self, url: URL, options: Mapping[str, Any]):
        """Connects when it is first asked for something.

        Raises:
            Refused: 501, no driver for it is installed.
        """
        self.url = url
        self.dialect = url.get_backend_name()
        self.file = sqlite_file(url)
        try:
            if self.file is not None:
                options = {**SQLITE, **options}
            self.engine = create_engine(url, **options)
        except (ImportError, sql_errors.NoSuchModuleError) as error:
            name = INSTALL.get(self.dialect)
            hint = f": pip install {name!r}" if name else ""
            raise Refused(501, f"{self.dialect}: no driver for it is installed{hint} ({error})") from None
        self.reader = self.engine
        if self.dialect == "sqlite":
            event.listen(self.engine, "connect", set_up_sqlite)
            if self.file is not None:
                self.reader = create_engine(url, **options)
                event.listen(self.reader, "connect", set_up_sqlite)
                event.listen(self.reader, "connect", forbid_writing)
        self.looks: OrderedDict[str, Look] = OrderedDict()
        self.ensured: dict[str, tuple[str, ...]] = {}  # tables that have the columns of the configuration
        self.opened: tuple[int, int] | None = None  # which file it was
        self.watch: sqlite3.Connection | None = None  # sees the changes of all others
        self.generation = 0  # of that connection
        self.lock = threading.Lock()
        self.making = threading.Lock()  # held while a table is made

    def check_there(self, needed: bool = True) -> None:
        """Check that a file with a database is there: connecting would make one. One that was replaced is opened anew.

        Raises:
            Refused: 404, there is none, and it is needed.
        """
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
        """Return what is equal as long as nobody changes a SQLite file; None for other databases."""
        if self.file is None:
            return None
        with self.lock:
            try:
                if self.watch is None:
                    self.watch = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None, timeout=10)
                return self.opened, self.generation, self.watch.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error:  # whoever reads it next will say what is wrong
                return None

    def known(self, name: str, version: Any = None) -> Look | None:
        """Return what a table looked like, if it still does; SQLite tells by the version of its schema."""
        with self.lock:
            found = self.looks.get(name)
        if found is None or not (found.version == version if version is not None else time.monotonic() < found.until):
            return None
        return found

    def look(self, connection: Connection, name: str) -> Look:
        """Return a table of the database.

        Raises:
            Refused: 404, there is none of that name.
        """
        version = None
        if self.dialect == "sqlite":
            version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
        found = self.known(name, version)
        if found is not None:
            return found
        table = reflect(connection, name)
        kinds = {column.name: column_of(column, self.dialect) for column in table.columns}
        place = Place(table, {each.name: each for each in table.columns}, kinds, self.dialect)
        look = Look(place, table, version, time.monotonic() + SECONDS)
        with self.lock:
            self.looks[name] = look
            self.looks.move_to_end(name)
            while len(self.looks) > 200:
                self.looks.popitem(last=False)
        return look

    def forget(self) -> None:
        """Look at tables again when they are next asked for."""
        with self.lock:
            self.looks.clear()

    def close(self) -> None:
        """Close all connections."""
        for each in {self.engine, self.reader}:
            each.dispose()
        if self.watch is not None:
            self.watch.close()
            self.watch = None
            self.generation += 1


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


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database, None if it has none."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name).absolute()


def set_up_sqlite(connection: Any, _: Any) -> None:
    """Wait for others that write, rather than fail."""
    connection.execute("PRAGMA busy_timeout = 10000")


def forbid_writing(connection: Any, _: Any) -> None:
    """Let a connection only read."""
    connection.execute("PRAGMA query_only = ON")


def with_driver(url: URL) -> URL:
    """Return a URL with a driver that is installed, where it names none and its usual one is not."""
    name = url.get_backend_name()
    if "+" in url.drivername or name not in DRIVERS:
        return url
    for module in DRIVERS[name]:
        if importlib.util.find_spec(module):
            return url.set(drivername=f"{name}+{DRIVER_NAMES.get(module, module)}")
    return url


databases: OrderedDict[tuple[str, str], Database] = OrderedDict()
guard = threading.Lock()


def open_database(url: str, options: Mapping[str, Any]) -> Database:
    """Return the database of a URL, the same for all who ask.

    Raises:
        Refused: 400, the URL is none; 501, no driver is installed.
    """
    key = (url, repr(sorted(options.items())) if options else "")
    with guard:
        found = databases.get(key)
        if found is not None:
            databases.move_to_end(key)
            return found
    try:
        made = Database(with_driver(make_url(url)), options)
    except (sql_errors.ArgumentError, ValueError, TypeError) as error:
        raise Refused(500, f"url: cannot be used: {error}") from None
    with guard:
        found = databases.setdefault(key, made)
        gone = databases.popitem(last=False)[1] if len(databases) > KEPT else None
    if gone is not None:
        gone.close()
    return found
