"""Turns a checked query or edit into SQL: names quoted, values bound, no text of a URL in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gramex.data.grammar import FETCHING, Grammar
from gramex.data.kinds import ANY, BLOB, BOOL, DATE, INT, JSON, MOMENTS, TEXT
from gramex.data.pieces import Statement
from gramex.data.query import Column, Filter, Output, Query

# Kinds whose values are compared as text.
AS_TEXT = frozenset((ANY, BLOB, JSON))
COMPARE = {">": " > ", "<": " < ", ">~": " >= ", "<~": " <= "}

Pieces = list[str | tuple[Any]]
Convert = Callable[[Any], Any]


class Place:
    """Where a statement is for: the table, its columns by name, and the rules of its source."""

    def __init__(self, grammar: Grammar, table: Pieces, columns: Mapping[str, str], kinds: Mapping[str, str]):
        """`table` is what stands behind FROM; `columns`, in SQL, and `kinds` are by the names that requests use."""
        self.grammar, self.table, self.columns, self.kinds = grammar, table, columns, kinds
        self.before: Pieces = []  # what a statement begins with
        self.file = False  # whether the rules of files hold
        self.nulls = frozenset(columns)  # columns that may have nulls
        self.collation = ""  # by which text is compared, if not by the column's own
        self.row = ""  # the column with the number of the row, in files
        self.compared: Mapping[str, Convert] = {}  # kind -> how values are compared with
        self.bound: Mapping[str, Convert] = {}  # column -> how values are written
        self.shown: Mapping[str, Convert] = {}  # column -> what its values are for the answer

    def column(self, name: str) -> str:
        """Return a column as it is compared with values."""
        kind, column = self.kinds[name], self.columns[name]
        if kind in AS_TEXT:
            return self.text(name)
        if kind in MOMENTS and self.grammar.name == "sqlite" and not self.file:  # in whatever form of ISO they are
            return f"date({column})" if kind == DATE else f"strftime('%Y-%m-%d %H:%M:%f', {column})"
        return self.collated(name)

    def collated(self, name: str) -> str:
        """Return a column with the collation that it is sorted by."""
        return self.columns[name] + self.collation if self.kinds[name] == TEXT else self.columns[name]

    def value(self, name: str, value: Any) -> tuple[Any]:
        """Return a value that a column is compared with, as a parameter."""
        convert = self.compared.get(self.kinds[name])
        return (value if convert is None else convert(value),)

    def text(self, name: str) -> str:
        """Return a column as text."""
        kind, column = self.kinds[name], self.columns[name]
        if kind == TEXT:
            return column
        if kind == BOOL and self.file:
            return f"CASE WHEN {column} IS NULL THEN NULL WHEN {column} THEN 'True' ELSE 'False' END"
        return f"CAST({column} AS {self.grammar.text_type})"


def build(query: Query, place: Place) -> Statement:
    """Return the statement that gives the rows of a query, in the order of its outputs."""
    if query.by is not None:
        return grouped(query, place)
    chosen = ", ".join([place.columns[each.column] for each in query.outputs]) or "1"
    pieces = [*place.before, "SELECT ", chosen, " FROM ", *place.table]
    pieces += where(query.filters, place)
    orders = [order(place.collated(name), up, place.file and name in place.nulls) for name, up in query.sort]
    if place.row:
        orders.append(place.row)
    return paged(pieces, orders, query, place)


def count(query: Query, place: Place) -> Statement:
    """Return the statement that counts the rows that the filters leave."""
    return Statement([*place.before, "SELECT count(*) FROM ", *place.table, *where(query.filters, place)])


def paged(pieces: Pieces, orders: Sequence[str], query: Query, place: Place) -> Statement:
    """Return a statement with its order, limit and offset."""
    if place.grammar.name in FETCHING:
        pieces.append(f" ORDER BY {', '.join(orders) or '(SELECT NULL)'} OFFSET ")
        return Statement([*pieces, (query.offset,), " ROWS FETCH NEXT ", (query.limit,), " ROWS ONLY"])
    pieces.append(f" ORDER BY {', '.join(orders)} LIMIT " if orders else " LIMIT ")
    pieces.append((query.limit,))
    if query.offset:
        pieces += [" OFFSET ", (query.offset,)]
    return Statement(pieces)


def order(column: str, up: bool, nulls: bool) -> str:
    """Return what sorts by a column; `nulls` puts nulls last, else the database decides."""
    by = column if up else f"{column} DESC"
    return f"{column} IS NULL, {by}" if nulls else by


def grouped(query: Query, place: Place) -> Statement:
    """Return the statement for groups."""
    if not query.outputs:  # one group, of which nothing is asked
        return Statement([*place.before, "SELECT 1 FROM ", *place.table, " WHERE 1 = 0"])
    quote, by = place.grammar.quote, [place.collated(name) for name in query.by or ()]
    names = {each.name: quote(f"o{number}") for number, each in enumerate(query.outputs)}
    chosen = [
        f"{aggregated(each, place) if each.aggregate else place.collated(each.column)} AS {names[each.name]}"
        for each in query.outputs
    ]
    pieces = [*place.before, "SELECT ", ", ".join(names.values()), " FROM (SELECT ", ", ".join(chosen), " FROM "]
    pieces += place.table
    there = [f"{column} IS NOT NULL" for column in by] if place.file else []  # nulls are no group
    pieces += where(query.filters, place, there)
    if by:
        pieces.append(f" GROUP BY {', '.join(by)}")
    outer = Place(place.grammar, [], names, {each.name: each.kind for each in query.outputs})
    outer.file, outer.compared, outer.collation = place.file, place.compared, place.collation
    pieces += [") g", *where(query.having, outer)]
    orders = [order(outer.collated(name), up, place.file) for name, up in query.sort]
    return paged(pieces, orders or [outer.collated(name) for name in query.by or ()], query, place)


def aggregated(output: Output, place: Place) -> str:
    """Return the aggregate that is an output. Its name is from a list of our own."""
    aggregate, column = output.aggregate, place.collated(output.column)
    assert aggregate is not None  # noqa: S101  for mypy
    if aggregate.function == "gx_size":
        return "count(*)"
    if aggregate.distinct:
        return f"{aggregate.function}(DISTINCT {column})"
    if aggregate.function in ("gx_first", "gx_last"):
        return f"{aggregate.function}({column}, {place.row})"
    made = f"{aggregate.function}({column})"
    if place.file and aggregate.function == "sum":
        return f"coalesce({made}, {'0' if output.kind == INT else '0.0'})"
    return made


def where(filters: Sequence[Filter], place: Place, others: Sequence[str] = ()) -> Pieces:
    """Return WHERE and the conditions of filters, all of which must hold; `others` are such in SQL."""
    pieces: Pieces = []
    for each in filters:
        pieces += [" AND " if pieces else " WHERE ", *condition(each, place)]
    for other in others:
        pieces += [" AND " if pieces else " WHERE ", other]
    return pieces


def condition(each: Filter, place: Place) -> Pieces:
    """Return the condition of one filter."""
    operator, values = each.operator, each.values
    if not values:
        return [f"{place.columns[each.column]} IS {'NULL' if operator.startswith('!') else 'NOT NULL'}"]
    if operator in ("~", "*", "!~", "!*"):
        return matching(place.text(each.column), operator, values, place)
    column = place.column(each.column)
    if operator in ("", "!") and place.grammar.name != "sqlite":
        column = column.removesuffix(place.collation)  # an index has the column's own, and equal is equal
    bound = [place.value(each.column, value) for value in values]
    if operator == "":
        return joined(" OR ", [[f"{column} = ", value] for value in bound])
    if operator == "!":
        none = joined(" AND ", [[f"{column} <> ", value] for value in bound])
        return joined(" OR ", [[f"{column} IS NULL"], none]) if place.file else none
    return joined(" OR ", [[column + COMPARE[operator], value] for value in bound])


def joined(word: str, conditions: Sequence[Pieces]) -> Pieces:
    """Return conditions with a word between them, as one."""
    if len(conditions) == 1:
        return list(conditions[0])
    pieces: Pieces = ["("]
    for number, each in enumerate(conditions):
        pieces += [word, *each] if number else each
    return [*pieces, ")"]


def matching(expression: str, operator: str, values: Sequence[str], place: Place) -> Pieces:
    """Return the condition of a match: regular expressions in files, parts of the text in databases."""
    exact = "*" not in operator
    if place.file:
        found = joined(" OR ", [["gx_match(", (value,), f", {expression}, {int(exact)}) = 1"] for value in values])
        # no match: nulls have none
        return ["(", expression, " IS NULL OR NOT (", *found, "))"] if operator.startswith("!") else found
    parts = [contains(expression, value, exact, operator.startswith("!"), place.grammar) for value in values]
    return joined(" AND ", parts)


def contains(expression: str, value: str, exact: bool, negated: bool, grammar: Grammar) -> Pieces:
    """Return the condition that a text has a part; SQLite and MySQL never look at the case of letters."""
    for special in "!%_":
        value = value.replace(special, "!" + special)
    word = "LIKE"
    if not exact and grammar.minds_case:
        if grammar.name == "postgresql":
            word = "ILIKE"
        else:
            expression, value = f"lower({expression})", value.lower()
    return [f"{expression} {'NOT ' if negated else ''}{word} ", (f"%{value}%",), " ESCAPE '!'"]


def insert(place: Place, row: Mapping[str, Any], key: Sequence[str]) -> Statement:
    """Return the statement that adds a row, and returns its key where the database can."""
    names = ", ".join(place.grammar.quote(name) for name in row)
    pieces = ["INSERT INTO ", *place.table, f" ({names}) VALUES ("]
    for number, (name, value) in enumerate(row.items()):
        pieces += [", ", written(place, name, value)] if number else [written(place, name, value)]
    pieces.append(")")
    if place.grammar.returning:
        pieces.append(f" RETURNING {', '.join(place.columns[name] for name in key)}")
    return Statement(pieces)


def update(place: Place, values: Mapping[str, Any], filters: Sequence[Filter]) -> Statement:
    """Return the statement that changes rows."""
    pieces = ["UPDATE ", *place.table, " SET "]
    for number, (name, value) in enumerate(values.items()):
        pieces += [f"{', ' if number else ''}{place.grammar.quote(name)} = ", written(place, name, value)]
    return Statement([*pieces, *where(filters, place)])


def delete(place: Place, filters: Sequence[Filter]) -> Statement:
    """Return the statement that takes rows away."""
    return Statement(["DELETE FROM ", *place.table, *where(filters, place)])


def written(place: Place, name: str, value: Any) -> tuple[Any]:
    """Return a value that is written to a column, as a parameter."""
    bind = place.bound.get(name)
    return (value if bind is None else bind(value),)


def wrapped(grammar: Grammar, query: Statement, columns: Sequence[Column]) -> Place:
    """Return the rows of a query as a place: its columns get names of our own, whatever it calls them."""
    names = {each.name: grammar.quote(f"c{number}") for number, each in enumerate(columns)}
    table = grammar.quote("gx_query")
    place = Place(grammar, [table], names, {each.name: each.kind for each in columns})
    # A comment at the end of the query must not swallow what follows.
    place.before = [f"WITH {table} ({', '.join(names.values())}) AS (", *query.pieces, "\n) "]
    place.file, place.nulls = True, frozenset(each.name for each in columns if each.nulls)
    return place
