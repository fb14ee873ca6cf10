"""Reads the rows that a request asks a dataset for. Everything here blocks: it is for threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import exc as sql_errors

from gramex import cache
from gramex.data import aggregates
from gramex.data.dataset import FILE, FOLDER, SQL, Dataset
from gramex.data.engines import Database, open_database
from gramex.data.files import kind_of_file, open_file
from gramex.data.infer import kind_of, unique, valued
from gramex.data.memory import Memory
from gramex.data.parameters import fill_name, fill_path, fill_url, parse_query
from gramex.data.plans import plan_of
from gramex.data.query import CONTROL, Args, Column, Query, Rules, count_of, parse, split_key
from gramex.data.refused import Refused
from gramex.data.result import Result
from gramex.data.statement import build

FILE_RULES = Rules(file=True, aggregates=aggregates.FILES)
SQL_RULES = {name: Rules(file=False, aggregates=each) for name, each in aggregates.DIALECTS.items()}
# What PostgreSQL says to the sum of a text, and the like.
NO_SUCH_FUNCTION = frozenset(("42883", "42804"))
OTHER_RULES = Rules(file=False, aggregates=aggregates.EVERYWHERE)

# Given a whole source as (names, rows), returns another one: the key `function`.
Transform = Callable[[list[str], Sequence[Sequence[Any]]], tuple[list[str], Sequence[Sequence[Any]]]]


def read(dataset: Dataset, args: Args, counted: bool, sql: str = "", transform: Transform | None = None) -> Result:
    """Return the rows for arguments; `sql` is what `queryfunction` returned, `counted` asks for the number of rows.

    Raises:
        Refused: the request cannot be answered.
    """
    if dataset.source != SQL:
        return from_memory(dataset, memory_of(dataset, args), args, counted, transform)
    database = database_of(dataset, args)
    try:
        if sql or dataset.is_query:
            return from_query(dataset, database, sql or query_text(dataset, args), args, counted, transform)
        return from_table(dataset, database, args, transform)
    except sql_errors.SQLAlchemyError as error:
        raise refusal(error) from error


def refusal(error: Exception) -> Refused:
    """Return what an error of a database means for a request."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, sql_errors.IntegrityError):
        return Refused(400, f"the database refused: {text}")
    if isinstance(error, sql_errors.DataError):
        return Refused(400, f"the database could not take a value: {text}")
    lower = text.lower()
    original = getattr(error, "orig", None)
    if (getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)) in NO_SUCH_FUNCTION:
        return Refused(400, f"the database has no such function for such a column: {text}")
    if "no such table" in lower or ("relation" in lower and "does not exist" in lower):
        return Refused(404, f"the database has no such table: {text}")
    if "integer overflow" in lower or "out of range" in lower:
        return Refused(400, f"the database could not compute: {text}")
    if "readonly" in lower.replace("-", "").replace(" ", "") or isinstance(error, sql_errors.ResourceClosedError):
        return Refused(400, f"a query may only read: {text}")
    return Refused(500, f"the database failed: {text}")


def database_of(dataset: Dataset, args: Args) -> Database:
    """Return the database of a dataset, which is there."""
    database = open_database(fill_url(dataset.url, args), dataset.engine)
    database.check_there(needed=not dataset.columns)
    return database


def memory_of(dataset: Dataset, args: Args) -> Memory:
    """Return the table of a file, a folder or a web address."""
    options = {
        name: fill_name(value, args) if isinstance(value, str) else value for name, value in dataset.options.items()
    }
    if dataset.source == FILE:
        path = fill_path(dataset.url, args)
        kind = kind_of_file(path, fill_name(dataset.ext, args))
        if dataset.table:
            options["table"] = fill_name(dataset.table, args)
        return open_file(dataset.folder / path, kind, options)
    if dataset.source == FOLDER:
        from gramex.data.folder import read_folder

        return Memory(*read_folder(dataset.folder, fill_path(dataset.url, args)), stored=False)
    from gramex.data.web import open_web

    return open_web(dataset, args, options)


def from_memory(
    dataset: Dataset, memory: Memory, args: Args, counted: bool, transform: Transform | None = None
) -> Result:
    """Return the rows of a table in memory, by the rules of files."""
    if transform is not None:
        names, rows = transform([each.name for each in memory.columns], memory.rows())
        memory = Memory(valued(names, rows), rows, stored=False)
    query = parse(args, memory.columns, FILE_RULES, conversions(dataset))
    rows, found = memory.select(query, counted)
    result = result_of(query, rows, file=True)
    if found is not None:
        result.meta["count"] = found
    return result


def conversions(dataset: Dataset) -> Mapping[str, Callable[[Any], Any]]:
    """Return what `argstype` says about filters."""
    return {name: each.convert for name, each in dataset.types.items() if each.convert is not None}


def result_of(query: Query, rows: Sequence[Any], file: bool) -> Result:
    """Return the result for the rows of a query."""
    names, kinds = [each.name for each in query.outputs], [each.kind for each in query.outputs]
    return Result(names, kinds, rows if names else [() for _ in rows], query.meta(), file)


def from_table(dataset: Dataset, database: Database, args: Args, transform: Transform | None = None) -> Result:
    """Return rows of a table of a database, which does the work."""
    if dataset.columns:
        from gramex.data.creating import ensure_table

        ensure_table(database, fill_name(dataset.table, args), dataset.columns)
    name = fill_name(dataset.table, args)
    if database.dialect == "sqlite" and transform is None:
        found = from_sqlite(dataset, database, name, args)
        if found is not None:
            return found
    for attempt in (1, 2):
        with database.reader.connect() as connection:
            look = database.look(connection, name)
            if transform is not None:
                everything: Sequence[Any] = connection.execute(look.table.select()).fetchall()
                break
            query = parse(args, look.columns, SQL_RULES.get(database.dialect, OTHER_RULES), conversions(dataset))
            try:
                rows = connection.execute(build(query, look.place)).fetchall()
            except sql_errors.DBAPIError as error:
                if attempt == 2 or isinstance(error, sql_errors.DataError) or database.dialect == "sqlite":
                    raise
                database.forget()  # the table may have changed its look
                continue
            return result_of(query, rows, file=False)
    names, changed = transform(list(look.place.kinds), everything)  # type: ignore[misc]
    return from_memory(dataset, Memory(valued(names, changed), changed, stored=False), args, False)


def from_sqlite(dataset: Dataset, database: Database, name: str, args: Args) -> Result | None:
    """Return rows by a statement that is known already; None if the table, or such a statement, is not."""
    raw = database.reader.raw_connection()
    try:
        connection: Any = raw.driver_connection
        connection.execute("BEGIN")  # one lock on the file for both; giving the connection back ends it
        look = database.known(name, connection.execute("PRAGMA schema_version").fetchone()[0])
        if look is None:
            return None
        query = parse(args, look.columns, SQL_RULES["sqlite"], conversions(dataset))
        plan = plan_of(query, look.place, database.engine.dialect)
        return result_of(query, plan.run(connection, query), file=False) if plan is not None else None
    except sqlite3.Error as error:
        raise refusal(error) from error
    finally:
        raw.close()


def query_text(dataset: Dataset, args: Args) -> str:
    """Return the SQL that the configuration has, from its file first."""
    if not dataset.queryfile:
        return dataset.query
    path = dataset.folder / fill_path(dataset.queryfile, args)
    try:
        return cache.open(path, "text")
    except OSError:
        raise Refused(404, f"queryfile: {path} cannot be read") from None


def from_query(
    dataset: Dataset,
    database: Database,
    sql: str,
    args: Args,
    counted: bool,
    transform: Transform | None = None,
) -> Result:
    """Return rows of a query. Only those of the page are fetched, unless something has to be done with all of them."""
    statement, parameters = parse_query(sql, args, dataset.types).render(database.engine.dialect.paramstyle)
    limit, offset = count_of(args, "_limit", Query([]).limit), count_of(args, "_offset", 0)
    with database.reader.connect() as connection:
        read_only(connection, database)
        result = connection.exec_driver_sql(statement, parameters)
        if not result.returns_rows:
            raise Refused(400, "a query must return rows")
        names = unique(list(result.keys()))
        if transform is None and not counted and is_page(args, names):
            for _ in islice(result, offset):
                pass
            rows = [] if not limit else result.fetchmany(limit) if limit < 2**31 else result.fetchall()
            connection.rollback()
            columns = [Column(name, kind_of([row[n] for row in rows])) for n, name in enumerate(names)]
            query = parse(args, columns, FILE_RULES)
            places = [names.index(each.column) for each in query.outputs]
            if places != list(range(len(names))):
                rows = [tuple([row[place] for place in places]) for row in rows]  # type: ignore[misc]
            return result_of(query, rows, file=True)
        rows = result.fetchall()
        connection.rollback()
    if transform is not None:
        names, rows = transform(names, rows)  # type: ignore[assignment]
    return from_memory(dataset, Memory(valued(names, rows), rows, stored=False), args, counted)


def is_page(args: Args, names: Sequence[str]) -> bool:
    """True if arguments ask for nothing but a page and columns: no filter, order or group."""
    known: dict[str, Any] = dict.fromkeys(names)
    for key in args:
        if key in ("_sort", "_by") or (key not in CONTROL and split_key(key, known)[0] in known):
            return False
    return True


def read_only(connection: Any, database: Database) -> None:
    """Make the transaction that begins one that cannot write, where the database has such a thing."""
    if database.dialect == "postgresql":
        connection.execution_options(postgresql_readonly=True, stream_results=True)
    elif database.dialect in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
