"""Turns a checked query into a SQL statement: names quoted, values bound, no text of a URL in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, case, cast, func, literal, null, or_, select
from sqlalchemy import types as sql_types
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause

from gramex.data.kinds import ANY, BLOB, BOOL, DATE, INT, JSON, MOMENTS, NUMBERS, TEXT
from gramex.data.query import Filter, Output, Query
from gramex.data.sqltypes import comparable

# Kinds whose values are compared as text.
AS_TEXT = frozenset((ANY, BLOB, JSON))


class Place:
    """Where a statement is for: the table, its columns by name, and the rules of its source."""

    def __init__(
        self, table: FromClause, columns: Mapping[str, ColumnElement[Any]], kinds: Mapping[str, str], dialect: str
    ):
        """`columns` and `kinds` are by the names that requests use."""
        self.table, self.columns, self.kinds, self.dialect = table, columns, kinds, dialect
        self.file = False
        self.nulls: frozenset[str] = frozenset(columns)  # those that may have nulls
        self.row: ColumnElement[Any] | None = None  # the number of the row, in files
        self.plans: dict[Any, Any] = {}  # statements that were made before
        self.collected: list[ColumnElement[Any]] | None = None  # the parameters of one that is being made

    def operand(self, name: str) -> ColumnElement[Any]:
        """Return a column as it is compared with values."""
        kind = self.kinds[name]
        if kind in MOMENTS and self.dialect == "sqlite" and not self.file:
            return comparable(self.columns[name], kind)
        return self.columns[name]

    def bound(self, value: Any, column: ColumnElement[Any], kind: str) -> ColumnElement[Any]:
        """Return a value that a column is compared with, as a parameter."""
        if kind in NUMBERS:  # a fraction compared with whole numbers must not be rounded
            return self.parameter(value, sql_types.Float() if isinstance(value, float) else None)
        if kind in MOMENTS and self.dialect == "sqlite" and not self.file:
            text = value.isoformat() if kind == DATE else value.isoformat(" ", "milliseconds")
            return self.parameter(text, sql_types.Text())
        return self.parameter(value, column.type)

    def parameter(self, value: Any, type_: Any = None) -> ColumnElement[Any]:
        """Return a value as a parameter."""
        made = literal(value, type_)
        if self.collected is not None:
            self.collected.append(made)
        return made

    def text(self, expression: ColumnElement[Any], kind: str) -> ColumnElement[Any]:
        """Return an expression as text."""
        if kind == TEXT:
            return expression
        if kind == BOOL and self.file:
            return case((expression.is_(None), null()), (expression == literal(True), "True"), else_="False")
        return cast(expression, sql_types.Text())


def build(query: Query, place: Place) -> Select[Any]:
    """Return the statement that gives the rows of a query, in the order of its outputs."""
    if query.by is not None:
        return grouped(query, place)
    chosen = [place.columns[each.column] for each in query.outputs] or [literal(1)]
    statement = select(*chosen).select_from(place.table).where(*conditions(query.filters, place))
    for name, up in query.sort:
        statement = statement.order_by(*order(place.columns[name], up, place.file and name in place.nulls))
    if place.row is not None:
        statement = statement.order_by(place.row)
    return paged(statement, query, place)


def count(query: Query, place: Place) -> Select[Any]:
    """Return the statement that counts the rows that the filters leave."""
    return select(func.count()).select_from(place.table).where(*conditions(query.filters, place))


def paged(statement: Select[Any], query: Query, place: Place) -> Select[Any]:
    """Return a statement with limit and offset."""
    statement = statement.limit(place.parameter(query.limit, sql_types.BigInteger()))
    return statement.offset(place.parameter(query.offset, sql_types.BigInteger())) if query.offset else statement


def order(expression: ColumnElement[Any], up: bool, nulls: bool) -> list[ColumnElement[Any]]:
    """Return what sorts by an expression; `nulls` puts nulls last, else the database decides."""
    by = expression.asc() if up else expression.desc()
    return [expression.is_(None), by] if nulls else [by]


def grouped(query: Query, place: Place) -> Select[Any]:
    """Return the statement for groups."""
    by = [place.columns[name] for name in query.by or ()]
    if not query.outputs:  # one group, of which nothing is asked
        return select(literal(1)).where(literal(1) == literal(0))
    columns = [
        (aggregated(each, place) if each.aggregate else place.columns[each.column]).label(f"o{number}")
        for number, each in enumerate(query.outputs)
    ]
    statement = select(*columns).select_from(place.table).where(*conditions(query.filters, place))
    if place.file:  # nulls are no group
        statement = statement.where(*(column.is_not(None) for column in by))
    statement = statement.group_by(*by)
    inner = statement.subquery("g")
    outputs = dict(zip((each.name for each in query.outputs), inner.columns, strict=True))
    kinds = {each.name: each.kind for each in query.outputs}
    outer = Place(inner, outputs, kinds, place.dialect)
    outer.file, outer.collected = place.file, place.collected
    statement = select(*inner.columns).where(*conditions(query.having, outer))
    for name, up in query.sort:
        statement = statement.order_by(*order(outputs[name], up, place.file))
    if not query.sort:
        statement = statement.order_by(*(outputs[name] for name in query.by or ()))
    return paged(statement, query, place)


def aggregated(output: Output, place: Place) -> ColumnElement[Any]:
    """Return the aggregate that is an output."""
    aggregate, column = output.aggregate, place.columns[output.column]
    assert aggregate is not None  # noqa: S101  for mypy
    if aggregate.function == "gx_size":
        return func.count()
    if aggregate.distinct:
        return getattr(func, aggregate.function)(column.distinct())
    if aggregate.function in ("gx_first", "gx_last"):
        return getattr(func, aggregate.function)(column, place.row, type_=column.type)
    made = getattr(func, aggregate.function)(column)
    if place.file and aggregate.function == "sum":
        return func.coalesce(made, 0 if output.kind == INT else 0.0)
    return made


def conditions(filters: Sequence[Filter], place: Place) -> list[ColumnElement[bool]]:
    """Return the conditions of filters: all of them must hold."""
    return [condition(each, place) for each in filters]


def condition(each: Filter, place: Place) -> ColumnElement[bool]:
    """Return the condition of one filter."""
    kind, operator, values = place.kinds[each.column], each.operator, each.values
    column = place.columns[each.column]
    if not values:
        return column.is_(None) if operator.startswith("!") else column.is_not(None)
    if operator in ("~", "*", "!~", "!*"):
        return matching(place.text(column, kind), operator, values, place)
    column = place.text(column, kind) if kind in AS_TEXT else place.operand(each.column)
    bound = [place.bound(value, column, kind) for value in values]
    if operator == "":
        return column == bound[0] if len(bound) == 1 else or_(*(column == value for value in bound))
    if operator == "!":
        none = and_(*(column != value for value in bound))
        return or_(column.is_(None), none) if place.file else none
    compare = {
        ">": lambda value: column > value,
        "<": lambda value: column < value,
        ">~": lambda value: column >= value,
        "<~": lambda value: column <= value,
    }[operator]
    return or_(*map(compare, bound))


def matching(expression: ColumnElement[Any], operator: str, values: Sequence[str], place: Place) -> ColumnElement[bool]:
    """Return the condition of a match: regular expressions in files, parts of the text in databases."""
    exact = "*" not in operator
    if place.file:
        found = or_(*(func.gx_match(value, expression, int(exact)) == 1 for value in values))
        # no match: nulls have none
        return or_(expression.is_(None), ~found) if operator.startswith("!") else found
    parts = [contains(expression, value, exact, place.dialect) for value in values]
    return and_(*(~part for part in parts)) if operator.startswith("!") else and_(*parts)


def contains(expression: ColumnElement[Any], value: str, exact: bool, dialect: str) -> ColumnElement[bool]:
    """Return the condition that a text has a part; SQLite and MySQL never look at the case of letters."""
    for special in "\\%_":
        value = value.replace(special, "\\" + special)
    pattern = literal(f"%{value}%", sql_types.Text())
    if exact or dialect in ("sqlite", "mysql", "mariadb"):
        return expression.like(pattern, escape="\\")
    return expression.ilike(pattern, escape="\\")
