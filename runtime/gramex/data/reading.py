"""Reads the rows that a request asks a dataset for. Everything here blocks: it is for threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gramex.data import aggregates
from gramex.data.database import Database, open_database
from gramex.data.dataset import FILE, FOLDER, SQL, Dataset
from gramex.data.files import kind_of_file, open_file
from gramex.data.infer import valued
from gramex.data.kinds import LARGEST
from gramex.data.memory import Memory, shown
from gramex.data.parameters import fill_name, fill_path, fill_table, fill_url
from gramex.data.query import Args, Output, Query, Rules, parse
from gramex.data.refused import Refused
from gramex.data.result import Result
from gramex.data.statement import build

FILE_RULES = Rules(file=True, aggregates=aggregates.FILES)
# What PostgreSQL says to the sum of a text, and the like.
NO_SUCH_FUNCTION = frozenset(("42883", "42804"))

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
            return from_query(dataset, database, sql, args, counted, transform)
        return from_table(dataset, database, args, transform)
    except database.errors as error:
        raise refusal(error) from error


def from_query(
    dataset: Dataset, database: Database, sql: str, args: Args, counted: bool, transform: Transform | None = None
) -> Result:
    """Return rows of a query, by the database where it can do that by the rules of files."""
    from gramex.data.queries import query_text, read_query

    found = read_query(dataset, database, sql or query_text(dataset, args), args, counted, transform is not None)
    if isinstance(found, Result):
        return found
    names, rows = found if transform is None else transform(*found)
    return from_memory(dataset, Memory(valued(names, rows), rows, stored=False), args, counted)


def refusal(error: BaseException) -> Refused:
    """Return what an error of a database means for a request."""
    original = getattr(error, "orig", None) or error
    text = " ".join(str(original).split())
    names = {each.__name__ for each in (*type(error).__mro__, *type(original).__mro__)}  # those that all drivers have
    if "IntegrityError" in names:
        return Refused(400, f"the database refused: {text}")
    if "DataError" in names:
        return Refused(400, f"the database could not take a value: {text}")
    lower = text.lower()
    if (getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)) in NO_SUCH_FUNCTION:
        return Refused(400, f"the database has no such function for such a column: {text}")
    if "no such table" in lower or ("relation" in lower and "does not exist" in lower):
        return Refused(404, f"the database has no such table: {text}")
    if "integer overflow" in lower or "out of range" in lower:
        return Refused(400, f"the database could not compute: {text}")
    if "readonly" in lower.replace("-", "").replace(" ", ""):
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
    result = result_of(query, shown(query, memory.place, rows), file=dataset.source != SQL)
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
    name = fill_table(dataset.table, args)
    if dataset.columns:
        database.ensure(name, dataset.columns)
    rules = Rules(file=False, aggregates=database.grammar.aggregates)
    for attempt in (1, 2):
        with database.reading() as session:
            look = database.look(session, name)
            if transform is not None:
                everything = Query([Output(each.name, each.name, each.kind) for each in look.columns], limit=LARGEST)
                rows = shown(everything, look.place, session.run(build(everything, look.place)))
                break
            query = parse(args, look.columns, rules, conversions(dataset))
            try:
                rows = session.run(build(query, look.place))
            except database.errors as error:
                if attempt == 2 or refusal(error).status < 500:
                    raise
                database.forget()  # the table may have changed its look
                continue
            return result_of(query, shown(query, look.place, rows), file=False)
    names, changed = transform(list(look.place.kinds), rows)  # type: ignore[misc]
    return from_memory(dataset, Memory(valued(names, changed), changed, stored=False), args, False)
