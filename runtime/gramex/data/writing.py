"""Changes the rows of a dataset. Everything here blocks: it is for threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gramex.data.database import Database, Look, Session, open_database
from gramex.data.dataset import FILE, SQL, Dataset
from gramex.data.edits import Edit, Written, parse_delete, parse_insert, parse_update
from gramex.data.infer import kind_of, typed
from gramex.data.kinds import FLOAT, INT, TEXT, WHOLE
from gramex.data.parameters import fill_table, fill_url
from gramex.data.query import CONTROL, Args, given
from gramex.data.reading import conversions, refusal
from gramex.data.refused import Refused
from gramex.data.statement import delete, insert, update

TYPES = {INT: "INTEGER", FLOAT: "FLOAT"}


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
    name = fill_table(dataset.table, args)
    database.check_there(needed=not dataset.columns and method != "POST")
    if dataset.columns:
        database.ensure(name, dataset.columns)
    try:
        return write_table(dataset, database, name, method, args)
    except database.errors as error:
        raise refusal(error) from error


def write_table(dataset: Dataset, database: Database, name: str, method: str, args: Args) -> Written:
    """Change rows of a table, all or none."""
    with database.writing() as session:
        look = look_or_make(dataset, database, session, name, method, args)
        columns = {each.name: each for each in look.columns}
        types = conversions(dataset)
        if method == "POST":
            edit = parse_insert(args, columns)
            return Written(edit, len(edit.rows), insert_rows(session, look, edit, dataset.key))
        if method == "PUT":
            edit = parse_update(args, columns, dataset.key, types)
            return Written(edit, session.change(update(look.place, edit.values, edit.filters)))
        edit = parse_delete(args, columns, dataset.key, types)
        return Written(edit, session.change(delete(look.place, edit.filters)))


def insert_rows(session: Session, look: Look, edit: Edit, key: Sequence[str]) -> list[dict[str, Any]]:
    """Add rows; returns their keys, generated ones too.

    Raises:
        Refused: 400, the key is no column.
    """
    for name in key:
        if name not in look.place.columns:
            raise Refused(400, f"id: there is no column {name!r}")
    for name in look.key:
        if name not in look.generated and not all(row.get(name) is not None for row in edit.rows):
            raise Refused(400, f"{name}: the key needs a value")
    inserted = []
    for row in edit.rows:
        statement = insert(look.place, row, key)
        if look.place.grammar.returning:
            inserted.append(dict(zip(key, session.run(statement)[0], strict=True)))
            continue
        session.change(statement)
        made = {name: session.last_key() for name in look.key if name in look.generated and row.get(name) is None}
        inserted.append({name: made.get(name, row.get(name)) for name in key})
    return inserted


def look_or_make(dataset: Dataset, database: Database, session: Session, name: str, method: str, args: Args) -> Look:
    """Return the table. A POST makes it from its values where it is missing.

    Raises:
        Refused: 404, it is missing.
    """
    try:
        return database.look(session, name)
    except Refused as missing:
        if method != "POST" or missing.status != 404 or "{" in dataset.table:
            raise
    columns = {
        each: {"type": TYPES.get(kind_of_values(values), "TEXT"), "primary_key": each in dataset.key}
        for each, values in args.items()
        if each not in CONTROL and not each.startswith("_") and values
    }
    if not columns or not all(each in args for each in dataset.key):
        raise Refused(404, f"there is no table {name!r}, and no values to make it from")
    database.make(session, name, columns)
    database.forget()
    return database.look(session, name)


def kind_of_values(values: Sequence[Any]) -> str:
    """Return the kind of a column from the first values that it gets."""
    there = given(values)
    if all(isinstance(value, str) for value in there):
        return typed("", list(there))[0].kind if there and not all(map(is_code, there)) else TEXT
    return kind_of(there)


def is_code(value: str) -> bool:
    """True if a value is text although it looks like a number, such as 007."""
    return bool(WHOLE.fullmatch(value)) and value.lstrip("+-").startswith("0") and len(value.lstrip("+-")) > 1
