"""Changes the rows of a dataset. Everything here blocks: it is for threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, Integer, MetaData, Table, Text, delete, insert, update
from sqlalchemy import Float as SqlFloat
from sqlalchemy import exc as sql_errors

from gramex.data.creating import ensure_table
from gramex.data.dataset import FILE, SQL, Dataset
from gramex.data.edits import Edit, Written, parse_delete, parse_insert, parse_update
from gramex.data.engines import Database, Look, open_database
from gramex.data.infer import kind_of, typed
from gramex.data.kinds import FLOAT, INT, TEXT, WHOLE
from gramex.data.parameters import fill_name, fill_url
from gramex.data.query import CONTROL, Args, Column, given
from gramex.data.reading import conversions, refusal
from gramex.data.refused import Refused
from gramex.data.statement import conditions

TYPES: dict[str, Any] = {INT: Integer, FLOAT: SqlFloat}


def write(dataset: Dataset, method: str, args: Args, locks: Path | None) -> Written:
    """Change rows; `locks` is a folder for locks between processes.

    Raises:
        Refused: nothing was changed, and why.
    """
    if not dataset.key:
        raise Refused(400, f"{method}: need id: in the configuration, the column that is the key")
    if dataset.source == FILE:
        from gramex.data.filewriting import write_file

        return write_file(dataset, method, args, locks)
    if dataset.source != SQL or dataset.is_query or not dataset.table:
        raise Refused(400, f"{method}: only tables and files can be changed")
    database = open_database(fill_url(dataset.url, args), dataset.engine)
    name = fill_name(dataset.table, args)
    database.check_there(needed=not dataset.columns and method != "POST")
    if dataset.columns:
        ensure_table(database, name, dataset.columns)
    try:
        return write_table(dataset, database, name, method, args)
    except sql_errors.SQLAlchemyError as error:
        raise refusal(error) from error


def write_table(dataset: Dataset, database: Database, name: str, method: str, args: Args) -> Written:
    """Change rows of a table, all or none."""
    with database.engine.begin() as connection:
        if database.dialect == "sqlite":  # or two writers may both read first, and one of them fail
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        look = look_or_make(dataset, database, connection, name, method, args)
        columns = {each: Column(each, kind) for each, kind in look.place.kinds.items()}
        types = conversions(dataset)
        if method == "POST":
            edit = parse_insert(args, columns)
            return Written(edit, len(edit.rows), insert_rows(connection, look, edit, dataset.key))
        if method == "PUT":
            edit = parse_update(args, columns, dataset.key, types)
            changed = connection.execute(
                update(look.table).where(*conditions(edit.filters, look.place)).values(by_column(look, edit.values))
            )
            return Written(edit, changed.rowcount)
        edit = parse_delete(args, columns, dataset.key, types)
        changed = connection.execute(delete(look.table).where(*conditions(edit.filters, look.place)))
        return Written(edit, changed.rowcount)


def by_column(look: Look, values: dict[str, Any]) -> dict[Any, Any]:
    """Return values by the columns of a table."""
    return {look.place.columns[name]: value for name, value in values.items()}


def insert_rows(connection: Connection, look: Look, edit: Edit, key: Sequence[str]) -> list[dict[str, Any]]:
    """Add rows; returns their keys, generated ones too.

    Raises:
        Refused: 400, the key is no column.
    """
    for name in key:
        if name not in look.place.columns:
            raise Refused(400, f"id: there is no column {name!r}")
    for column in look.table.primary_key:
        generated = isinstance(column.type, Integer) or column.server_default is not None
        if not generated and not all(row.get(column.name) is not None for row in edit.rows):
            raise Refused(400, f"{column.name}: the key needs a value")
    inserted = []
    for row in edit.rows:
        statement = insert(look.table).values(by_column(look, row))
        if connection.dialect.insert_returning:
            found = connection.execute(statement.returning(*(look.place.columns[name] for name in key))).one()
            inserted.append(dict(zip(key, found, strict=True)))
            continue
        given_key = connection.execute(statement).inserted_primary_key
        made = dict(given_key._mapping) if given_key is not None else {}
        inserted.append({name: row.get(name, made.get(name)) for name in key})
    return inserted


def look_or_make(
    dataset: Dataset, database: Database, connection: Connection, name: str, method: str, args: Args
) -> Look:
    """Return the table. A POST makes it from its values where it is missing.

    Raises:
        Refused: 404, it is missing.
    """
    try:
        return database.look(connection, name)
    except Refused as missing:
        if method != "POST" or missing.status != 404 or "{" in dataset.table:
            raise
    columns = []
    for each, values in args.items():
        if each in CONTROL or each.startswith("_") or not values:
            continue
        kind = kind_of_values(values)
        columns.append(SqlColumn(each, TYPES.get(kind, Text)(), primary_key=each in dataset.key))
    if not columns or not all(each in args for each in dataset.key):
        raise Refused(404, f"there is no table {name!r}, and no values to make it from")
    Table(name, MetaData(), *columns).create(connection)
    database.forget()
    return database.look(connection, name)


def kind_of_values(values: Sequence[Any]) -> str:
    """Return the kind of a column from the first values that it gets."""
    there = given(values)
    if all(isinstance(value, str) for value in there):
        return typed("", list(there))[0].kind if there and not all(map(is_code, there)) else TEXT
    return kind_of(there)


def is_code(value: str) -> bool:
    """True if a value is text although it looks like a number, such as 007."""
    return bool(WHOLE.fullmatch(value)) and value.lstrip("+-").startswith("0") and len(value.lstrip("+-")) > 1
