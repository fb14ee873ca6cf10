"""Kinds of the columns of databases, and types of our own where a database does not mind what it was told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, func
from sqlalchemy import types as sql
from sqlalchemy.sql.elements import ColumnElement

from gramex.data import kinds

PLAIN = (
    (sql.Boolean, kinds.BOOL), (sql.Integer, kinds.INT), (sql.Float, kinds.FLOAT), (sql.Numeric, kinds.NUMBER),
    (sql.Date, kinds.DATE), (sql.LargeBinary, kinds.BLOB), (sql.JSON, kinds.JSON), (sql.ARRAY, kinds.JSON),
    (sql.Uuid, kinds.UUID),
)  # fmt: skip


class Stored(sql.UserDefinedType[Any]):
    """What SQLite has in a column of dates: text in a form of ISO, mostly. What is none is shown as it is."""

    cache_ok = True

    def __init__(self, kind: str = kinds.DATETIME):
        """`kind` is DATE or DATETIME."""
        self.kind = kind

    def get_col_spec(self, **kwargs: Any) -> str:
        return self.kind.upper()

    def bind_processor(self, dialect: Any) -> Any:
        def process(value: Any) -> Any:
            if isinstance(value, datetime) and self.kind == kinds.DATETIME:
                return value.isoformat(" ", "microseconds" if value.microsecond else "seconds")
            return value.isoformat() if isinstance(value, date) else value

        return process

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        def process(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            try:
                found = kinds.moment(value)
            except ValueError:
                return value
            return found.date() if self.kind == kinds.DATE else found

        return process


class Truth(sql.UserDefinedType[Any]):
    """What SQLite has in a column of booleans: 0 and 1, mostly."""

    cache_ok = True

    def get_col_spec(self, **kwargs: Any) -> str:
        return "BOOLEAN"

    def bind_processor(self, dialect: Any) -> Any:
        return lambda value: int(value) if isinstance(value, bool) else value

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return lambda value: bool(value) if isinstance(value, (int, float)) else value


class Bare(sql.UserDefinedType[Any]):
    """What SQLite has in any other column: numbers and texts as they are."""

    cache_ok = True

    def __init__(self, name: str = "TEXT"):
        """`name` is the type that the column was made with."""
        self.name = name

    def get_col_spec(self, **kwargs: Any) -> str:
        return self.name


def column_of(column: Column[Any], dialect: str) -> str:
    """Return the kind of a column of a database; on SQLite, give it a type that takes what it finds there."""
    kind = kind_of(column.type)
    if dialect == "sqlite":
        if kind in (kinds.DATE, kinds.DATETIME):
            column.type = Stored(kind)
        elif kind == kinds.BOOL:
            column.type = Truth()
        elif kind not in (kinds.INT, kinds.JSON, kinds.UUID):  # it is by its type that a key is known to be generated
            column.type = Bare()
    return kind


def kind_of(type_: sql.TypeEngine[Any]) -> str:
    """Return the kind of a type of SQL."""
    if isinstance(type_, sql.DateTime):
        return kinds.UTC if getattr(type_, "timezone", False) else kinds.DATETIME
    if isinstance(type_, sql.Enum):
        return kinds.ANY
    for cls, kind in PLAIN:
        if isinstance(type_, cls):
            return kind
    if isinstance(type_, sql.String):
        return kinds.TEXT
    return kinds.ANY


def comparable(column: ColumnElement[Any], kind: str) -> ColumnElement[Any]:
    """Return a date of SQLite in the form that values are bound in, whatever form of ISO it has."""
    if kind == kinds.DATE:
        return func.date(column)
    return func.strftime("%Y-%m-%d %H:%M:%f", column)
