"""Kinds of the columns of tables in databases that SQLAlchemy reaches."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types as sql

from gramex.data import kinds

PLAIN = (
    (sql.Boolean, kinds.BOOL), (sql.Integer, kinds.INT), (sql.Float, kinds.FLOAT), (sql.Numeric, kinds.NUMBER),
    (sql.Date, kinds.DATE), (sql.LargeBinary, kinds.BLOB), (sql.JSON, kinds.JSON), (sql.ARRAY, kinds.JSON),
    (sql.Uuid, kinds.UUID),
)  # fmt: skip


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
