"""Databases, one for each URL: what all of them have in common, and which one a URL means."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from gramex.data.dataset import is_sqlite
from gramex.data.grammar import Grammar
from gramex.data.pieces import Statement
from gramex.data.query import Column
from gramex.data.refused import Refused
from gramex.data.statement import Place

KEPT = 50  # databases; a URL with an argument in it must not fill the memory
LOOKS = 200  # tables of one
SECONDS = 30.0  # for which the look of a table is taken for granted where the database does not tell of changes

Rows = Sequence[Sequence[Any]]


@dataclass(slots=True)
class Look:
    """What a table looked like when it was last looked at; `generated` are those of its key that it can make."""

    place: Place
    key: list[str]
    generated: frozenset[str]
    version: Any = None
    until: float = 0.0

    @property
    def columns(self) -> list[Column]:
        """The columns by the names that requests use."""
        return [Column(name, kind) for name, kind in self.place.kinds.items()]


class Answer:
    """What a statement gives: `names` and, where the driver tells them, `types` of its columns, and its rows."""

    def __init__(self, source: Any, names: list[str], types: Sequence[Any] = ()):
        """`source` fetches rows as they are asked for."""
        self.source, self.names, self.types = source, names, types

    def rows(self, offset: int = 0, limit: int | None = None) -> Rows:
        """Return the rows, or those of a page."""
        if limit is None:
            return self.source.fetchall()
        while offset > 0 and (gone := self.source.fetchmany(min(offset, 1000))):
            offset -= len(gone)
        return [] if not limit else self.source.fetchmany(limit) if limit < 2**31 else self.source.fetchall()


class Session(ABC):
    """A connection in use, in a transaction."""

    @abstractmethod
    def run(self, statement: Statement) -> Rows:
        """Return all rows of a statement."""

    @abstractmethod
    def change(self, statement: Statement) -> int:
        """Return how many rows a statement changed."""

    @abstractmethod
    def last_key(self) -> Any:
        """Return the number that the row got which was added last."""

    def undo(self) -> None:  # noqa: B027  not every database ends a transaction at a mistake
        """Go on after a statement that failed."""

    @abstractmethod
    def ask(self, statement: Statement, stream: bool = True) -> Answer:
        """Return what a query of the configuration gives; `stream`: do not fetch all rows to give some.

        Raises:
            Refused: 400, it returns no rows.
        """


class Database(ABC):
    """A database. Those that say so in the name of their module do the work."""

    grammar: Grammar
    errors: tuple[type[BaseException], ...]

    def __init__(self) -> None:
        self.looks: OrderedDict[str, Look] = OrderedDict()
        self.ensured: dict[str, tuple[str, ...]] = {}  # tables that have the columns of the configuration
        self.shapes: OrderedDict[Any, Any] = OrderedDict()  # columns of queries
        self.lock = threading.Lock()
        self.making = threading.Lock()  # held while a table is made

    @abstractmethod
    def reading(self, own: bool = True) -> AbstractContextManager[Session]:
        """Return a connection to read by. What it does is undone.

        `own`: its statements are made here; if not, it cannot write, where the database knows such a thing.
        """

    @abstractmethod
    def writing(self) -> AbstractContextManager[Session]:
        """Return a connection whose changes hold if the block ends well, all or none."""

    @abstractmethod
    def reflect(self, session: Session, name: str) -> Look:
        """Return a table, or a view, as the database describes it; ``schema.name`` is one of a schema.

        Raises:
            Refused: 404, there is none of that name.
        """

    @abstractmethod
    def make(self, session: Session, name: str, columns: Mapping[str, Any]) -> None:
        """Make a table, or the columns that it lacks, as ``columns:`` describes them."""

    def ensure(self, name: str, columns: Mapping[str, Any]) -> None:
        """Make a table that is missing, and add columns that are.

        Raises:
            Refused: 500, the database refuses.
        """
        known = tuple(columns)
        if self.ensured.get(name) == known:
            return
        with self.making:
            for attempt in (1, 2):
                try:
                    with self.writing() as session:
                        self.make(session, name, columns)
                    break
                except self.errors as error:
                    if attempt == 2:  # the first time, another process may have made it in this very moment
                        raise Refused(500, f"columns: the table {name!r} cannot be made: {error}") from error
            self.forget()
            self.ensured[name] = known

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    def check_there(self, needed: bool = True) -> None:  # noqa: B027  only files can be looked for
        """Check that there is a database, if it is needed.

        Raises:
            Refused: 404, there is none.
        """

    def version(self) -> Any:
        """Return what is equal as long as nobody changes the data; None where nobody knows."""
        return None

    def schema(self, session: Session) -> Any:
        """Return what is equal as long as no table changes its look; None where nobody knows."""
        return None

    def known(self, name: str, version: Any = None) -> Look | None:
        """Return what a table looked like, if it still does."""
        with self.lock:
            found = self.looks.get(name)
        if found is None or not (found.version == version if version is not None else time.monotonic() < found.until):
            return None
        return found

    def look(self, session: Session, name: str) -> Look:
        """Return a table of the database.

        Raises:
            Refused: 404, there is none of that name.
        """
        version = self.schema(session)
        found = self.known(name, version)
        if found is not None:
            return found
        look = self.reflect(session, name)
        look.version, look.until = version, time.monotonic() + SECONDS
        with self.lock:
            keep(self.looks, name, look, LOOKS)
        return look

    def forget(self) -> None:
        """Look at tables again when they are next asked for."""
        with self.lock:
            self.looks.clear()


def keep(kept: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    """Keep a value, and at most so many, those that were put last."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


databases: OrderedDict[tuple[str, str], Database] = OrderedDict()
guard = threading.Lock()


def open_database(url: str, options: Mapping[str, Any]) -> Database:
    """Return the database of a URL, the same for all who ask.

    Raises:
        Refused: 500, the URL is none; 501, no driver is installed.
    """
    key = (url, repr(sorted(options.items())) if options else "")
    with guard:
        found = databases.get(key)
        if found is not None:
            databases.move_to_end(key)
            return found
    made = make_database(url, options)
    with guard:
        found = databases.setdefault(key, made)
        gone = databases.popitem(last=False)[1] if len(databases) > KEPT else None
    if gone is not None:
        gone.close()
    return found


def make_database(url: str, options: Mapping[str, Any]) -> Database:
    """Return a database, not yet connected. Only that of another kind than SQLite needs SQLAlchemy."""
    if is_sqlite(url):
        from gramex.data.sqlitedatabase import SqliteDatabase

        return SqliteDatabase(url, options)
    try:
        from gramex.data.engines import EngineDatabase
    except ImportError:
        name = url.partition(":")[0]
        raise Refused(501, f"{name}: needs SQLAlchemy: pip install 'gramex-runtime[data]'") from None
    return EngineDatabase(url, options)
