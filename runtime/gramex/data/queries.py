"""Rows of the queries of a configuration: the database filters, sorts and groups them, by the rules of files.

What it cannot do by these rules is done with all rows, which are fetched for that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gramex import cache
from gramex.data import aggregates
from gramex.data.database import Database, Rows, Session, keep
from gramex.data.dataset import Dataset
from gramex.data.infer import kind_of, unique
from gramex.data.kinds import ANY, BLOB, BOOL, DATETIME, FLOAT, INT, MOMENTS, NUMBER, NUMBERS, TEXT, UTC, UUID
from gramex.data.memory import PATTERNS, check_patterns, shown
from gramex.data.parameters import BEGIN, fill_path, parse_query
from gramex.data.pieces import Statement
from gramex.data.query import CONTROL, Args, Column, Query, count_of, parse, split_key
from gramex.data.reading import FILE_RULES, conversions, result_of
from gramex.data.refused import Refused
from gramex.data.result import Result
from gramex.data.statement import build, count, wrapped

KEPT = 200  # shapes of queries of one database
SECONDS = 30.0  # for which they are taken for granted where the database does not tell of changes
SELECT = re.compile(r"(?:select|with)\b", re.IGNORECASE)
# How SQLite calls a second column of one name, and one that is called TRUE or FALSE.
RENAMED = re.compile(r".*:\d+|column\d+")
# What SQLite calls the types of values, and the numbers that PostgreSQL has for the types of columns.
TYPEOF: Mapping[frozenset[str], str] = {
    frozenset(): FLOAT, frozenset({"integer"}): INT, frozenset({"real"}): FLOAT,
    frozenset({"integer", "real"}): FLOAT, frozenset({"text"}): TEXT, frozenset({"blob"}): BLOB,
}  # fmt: skip
CODES: Mapping[int, str] = {
    16: BOOL, 20: INT, 21: INT, 23: INT, 700: FLOAT, 701: FLOAT, 1700: NUMBER, 25: TEXT, 1042: TEXT, 1043: TEXT,
    1082: DATETIME, 1114: DATETIME, 1184: UTC, 2950: UUID,
}  # fmt: skip
# How text is compared by its bytes, as in files, whatever the database was told.
COLLATIONS = {"sqlite": " COLLATE BINARY", "postgresql": ' COLLATE "C"'}


def query_text(dataset: Dataset, args: Args) -> str:
    """Return the SQL that the configuration has, from its file first.

    Raises:
        Refused: 404, the file cannot be read.
    """
    if not dataset.queryfile:
        return dataset.query
    path = dataset.folder / fill_path(dataset.queryfile, args)
    try:
        return cache.open(path, "text")
    except OSError:
        raise Refused(404, f"queryfile: {path} cannot be read") from None


def read_query(
    dataset: Dataset, database: Database, sql: str, args: Args, counted: bool, whole: bool
) -> Result | tuple[list[str], Rows]:
    """Return what is asked of a query, or, if that cannot be had from the database or `whole` is set, all of its rows.

    Raises:
        Refused: 400, it cannot be answered.
    """
    statement = parse_query(sql, args, dataset.types)
    limit, offset = count_of(args, "_limit", Query([]).limit), count_of(args, "_offset", 0)
    with database.reading(own=False) as session:
        if not whole and (counted or not is_page(args, None)):
            found = from_wrapped(dataset, database, session, sql, statement, args, counted)
            if found is not None:
                return found
        answer = session.ask(statement)
        names = unique(answer.names)
        if whole or counted or not is_page(args, names):
            return names, answer.rows()
        rows = answer.rows(offset, limit)
    columns = [Column(name, kind_of([row[n] for row in rows])) for n, name in enumerate(names)]
    query = parse(args, columns, FILE_RULES)
    places = [names.index(each.column) for each in query.outputs]
    if places != list(range(len(names))):
        rows = [tuple([row[place] for place in places]) for row in rows]
    return result_of(query, rows, file=False)


def is_page(args: Args, names: Sequence[str] | None) -> bool:
    """True if arguments ask for nothing but a page and columns: no filter, order or group.

    `names` are those of the columns; None if they are not known: then any name may be one.
    """
    known: dict[str, Any] = dict.fromkeys(names or ())
    for key in args:
        if key in ("_sort", "_by"):
            return False
        if key not in CONTROL and (names is None or split_key(key, known)[0] in known):
            return False
    return True


def from_wrapped(
    dataset: Dataset, database: Database, session: Session, sql: str, statement: Statement, args: Args, counted: bool
) -> Result | None:
    """Return what is asked of a query as the database finds it among its rows; None if it cannot."""
    begin = BEGIN.match(sql)
    if database.grammar.name not in COLLATIONS or not SELECT.match(sql, begin.end() if begin else 0):
        return None
    try:
        columns = columns_of(database, session, statement, args, counted)
        if columns is None:
            return None
        query = parse(args, columns, FILE_RULES, conversions(dataset))
        if not is_possible(query, {each.name: each.kind for each in columns}, database):
            return None
        check_patterns(query.filters)
        place = wrapped(database.grammar, statement, columns)
        place.collation = COLLATIONS[database.grammar.name]
        result = result_of(query, shown(query, place, session.run(build(query, place))), file=False)
        if counted:
            result.meta["count"] = session.run(count(query, place))[0][0]
    except database.errors:
        session.undo()  # all rows, then: whatever is wrong is found there too
        return None
    return result


def is_possible(query: Query, kinds: Mapping[str, str], database: Database) -> bool:
    """True if the database can do what is asked by the rules of files."""
    needs_row = any(each.aggregate and each.aggregate.function in ("gx_first", "gx_last") for each in query.outputs)
    if database.grammar.name == "sqlite" or needs_row:
        return not needs_row
    comparable = NUMBERS | MOMENTS | {TEXT}
    return not any(each.operator in PATTERNS for each in (*query.filters, *query.having)) and all(
        each.aggregate is None or (each.aggregate.name in aggregates.EVERYWHERE and kinds[each.column] in comparable)
        for each in query.outputs
    )


def columns_of(
    database: Database, session: Session, statement: Statement, args: Args, counted: bool
) -> list[Column] | None:
    """Return the columns of a query; None where they are not known, or where all that is asked for is a page."""
    key, lite = statement.render("qmark"), database.grammar.name == "sqlite"
    version = database.version() if lite else None
    with database.lock:
        kept = database.shapes.get(key)
    if kept is not None and (kept[0] == version if version is not None else time.monotonic() < kept[1]):
        found: list[Column] = kept[2]
        return found if counted or not is_page(args, [each.name for each in found]) else None
    probe = session.ask(Statement(["SELECT * FROM (", *statement.pieces, "\n) gx_query LIMIT 0"]), stream=False)
    names = unique(probe.names)
    if any(map(RENAMED.fullmatch, names)) or not (counted or not is_page(args, names)):
        return None
    if lite:
        place = wrapped(database.grammar, statement, [Column(name, ANY) for name in names])
        asked = ", ".join(f"group_concat(DISTINCT typeof({column}))" for column in place.columns.values())
        row = session.run(Statement([*place.before, "SELECT ", asked, " FROM ", *place.table]))[0]
        types = [frozenset((each or "").split(",")) - {""} for each in row]
        found = [
            Column(name, TYPEOF.get(each - {"null"}, ANY), "null" in each)
            for name, each in zip(names, types, strict=True)
        ]
    else:
        found = [Column(name, CODES.get(code, ANY)) for name, code in zip(names, probe.types, strict=True)]
    if version is not None or not lite:
        with database.lock:
            keep(database.shapes, key, (version, time.monotonic() + SECONDS, found), KEPT)
    return found
