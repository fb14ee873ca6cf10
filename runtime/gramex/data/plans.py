"""Statements for SQLite that were made before: the same question with other values goes straight to the database.

Most of the time of a small query is the making of its statement. Queries that differ in values alone share one.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect

from gramex.data.kinds import MOMENTS
from gramex.data.query import Filter, Query
from gramex.data.statement import Place, build

KEPT = 200  # plans of one table
PATTERNS = frozenset(("~", "*", "!~", "!*"))

Processor = Callable[[Any], Any]


class Plan:
    """A statement, and where the values of a query go in it."""

    def __init__(self, query: Query, place: Place, dialect: Dialect):
        """Make the statement of a query."""
        own = copy.copy(place)
        own.collected = []
        statement = build(query, own)
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        names = [compiled.bind_names[each] for each in own.collected]
        order = {name: number for number, name in enumerate(names)}
        # For each mark of the statement: the place of its value in the query, or the value itself.
        self.marks = [(order.get(name), compiled.params[name]) for name in compiled.positiontup or ()]
        self.bind: list[Processor | None] = [each.type.bind_processor(dialect) for each in own.collected]
        self.show = [
            (number, process)
            for number, each in enumerate(statement.selected_columns)
            if (process := each.type.result_processor(dialect, None)) is not None
        ]

    def values(self, query: Query) -> list[Any]:
        """Return the values of a query as the driver gets them."""
        given = [value for each in (*query.filters, *query.having) for value in each.values]
        given.append(query.limit)
        if query.offset:
            given.append(query.offset)
        bound = [value if bind is None else bind(value) for bind, value in zip(self.bind, given, strict=True)]
        return [constant if number is None else bound[number] for number, constant in self.marks]

    def run(self, connection: sqlite3.Connection, query: Query) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        rows: Sequence[Sequence[Any]] = connection.execute(self.sql, self.values(query)).fetchall()
        if not self.show:
            return rows
        changed = [list(row) for row in rows]
        for number, process in self.show:
            for row in changed:
                row[number] = process(row[number])
        return changed


def shape(query: Query) -> Any:
    """Return what makes two queries share a statement."""
    return (
        tuple([(each.name, each.column, each.aggregate and each.aggregate.function) for each in query.outputs]),
        tuple(map(outline, query.filters)),
        tuple(map(outline, query.having)),
        tuple(query.sort),
        None if query.by is None else tuple(query.by),
        bool(query.offset),
    )


def outline(each: Filter) -> Any:
    """Return what makes two filters alike."""
    return each.column, each.operator, tuple(map(type, each.values))


def plan_of(query: Query, place: Place, dialect: Dialect) -> Plan | None:
    """Return the plan for a query; None for those with patterns or moments, whose values do not go in as they are."""
    if not query.outputs:
        return None
    for each in (*query.filters, *query.having):
        if each.operator in PATTERNS or (place.kinds.get(each.column) in MOMENTS and not place.file):
            return None
    key = shape(query)
    found = place.plans.get(key)
    if found is None:
        if len(place.plans) >= KEPT:
            place.plans.clear()
        found = place.plans[key] = Plan(query, place, dialect)
    return found
