"""Makes tables that ``columns:`` describes, and adds columns that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, MetaData, Table, inspect, text
from sqlalchemy import exc as sql_errors
from sqlalchemy.schema import CreateColumn

from gramex.data.columns import FUNCTIONS
from gramex.data.engines import Database
from gramex.data.refused import Refused


def made_column(name: str, spec: Any) -> Column[Any]:
    """Return a column for a table."""
    from sqlalchemy import types as sql
    from sqlalchemy.types import UserDefinedType

    each = spec if isinstance(spec, Mapping) else {"type": spec}
    written = str(each.get("type", "TEXT"))
    known = getattr(sql, written.upper(), None)

    class Own(UserDefinedType[Any]):
        cache_ok = False

        def get_col_spec(self, **kwargs: Any) -> str:
            return written

    type_ = known() if isinstance(known, type) and issubclass(known, sql.TypeEngine) else Own()
    options: dict[str, Any] = {}
    if each.get("primary_key"):
        options["primary_key"] = True
    if "autoincrement" in each:
        options["autoincrement"] = bool(each["autoincrement"])
    elif each.get("primary_key"):
        options["autoincrement"] = "auto"
    if "nullable" in each:
        options["nullable"] = bool(each["nullable"])
    if each.get("unique"):
        options["unique"] = True
    default = each.get("default")
    if isinstance(default, Mapping):
        options["server_default"] = text(FUNCTIONS[str(default["function"])])
    elif default is not None:
        options["server_default"] = literal_default(default)
    return Column(name, type_, **options)


def literal_default(value: Any) -> Any:
    """Return a default as the database is told it."""
    if isinstance(value, bool):
        return text("TRUE" if value else "FALSE")
    return text(str(value)) if isinstance(value, (int, float)) else str(value)


def ensure_table(database: Database, name: str, columns: Mapping[str, Any]) -> None:
    """Make a table that is missing, and add columns that are.

    Raises:
        Refused: 500, the database refuses.
    """
    known = tuple(columns)
    if database.ensured.get(name) == known:
        return
    with database.making:
        for attempt in (1, 2):
            try:
                make(database, name, columns)
                break
            except sql_errors.SQLAlchemyError as error:
                if attempt == 2:  # the first time, another process may have made it in this very moment
                    raise Refused(500, f"columns: the table {name!r} cannot be made: {error}") from error
        database.forget()
        database.ensured[name] = known


def make(database: Database, name: str, columns: Mapping[str, Any]) -> None:
    """Make a table, or the columns that it lacks."""
    with database.engine.begin() as connection:
        inspector = inspect(connection)
        if not inspector.has_table(name):
            made = Table(name, MetaData(), *(made_column(each, spec) for each, spec in columns.items()))
            made.create(connection, checkfirst=True)
            return
        there = {each["name"] for each in inspector.get_columns(name)}
        prepare = connection.dialect.identifier_preparer
        for each, spec in columns.items():
            if each not in there:
                column = made_column(each, spec)
                Table(name, MetaData(), column)
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {prepare.quote(name)} ADD COLUMN {definition}")
