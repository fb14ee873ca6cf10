"""Makes tables that ``columns:`` describes, and adds columns that are missing, in databases that SQLAlchemy reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, text
from sqlalchemy.schema import CreateColumn

from gramex.data.columns import FUNCTIONS


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


def make_table(connection: Connection, name: str, columns: Mapping[str, Any]) -> None:
    """Make a table, or the columns that it lacks."""
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
