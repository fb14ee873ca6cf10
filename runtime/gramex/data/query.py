"""The query that the arguments of a URL ask for: filters, order, page, columns, groups, all checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gramex.data.aggregates import Aggregate
from gramex.data.kinds import BOOL, INT, LARGEST, NUMBERS, WHOLE, convert
from gramex.data.refused import Refused

LIMIT = 10_000
# Arguments that are no filters. The last two are there for the handler.
CONTROL = frozenset((
    "_limit", "_offset", "_sort", "_c", "_by", "_format", "_meta", "_download", "_xsrf", "x-http-method-override",
))  # fmt: skip
OPERATORS = ("!~", "!*", ">~", "<~", "~", "*", ">", "<", "!")  # the longest first

Args = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source; `nulls` is false where it is known to have none."""

    name: str
    kind: str
    nulls: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column, or on an output if it is for groups. No values: null, or not null."""

    column: str
    operator: str
    values: list[Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the answer: one of the source, or an aggregate of it."""

    name: str
    column: str
    kind: str
    aggregate: Aggregate | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs between sources: files have rules of their own, and databases functions of their own."""

    file: bool
    aggregates: Mapping[str, Aggregate]


@dataclass(slots=True)
class Query:
    """What is asked for. Every name in it is one of the source's, every value has its column's type."""

    outputs: list[Output]
    filters: list[Filter] = field(default_factory=list)
    having: list[Filter] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)  # (name, up)
    by: list[str] | None = None
    limit: int = LIMIT
    offset: int = 0
    excluded: list[str] | None = None
    ignored: list[list[Any]] = field(default_factory=list)

    def meta(self) -> dict[str, Any]:
        """Return what was made of the arguments."""
        found: dict[str, Any] = {
            "filters": [[each.column, each.operator, each.values] for each in (*self.filters, *self.having)],
            "ignored": self.ignored,
            "sort": [list(each) for each in self.sort],
            "offset": self.offset,
            "limit": self.limit,
            "by": self.by or [],
        }
        if self.by is None and self.excluded is not None:
            found["excluded"] = self.excluded
        return found


def split_key(key: str, names: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name and the operator of an argument. A column that ends like an operator is found too."""
    for operator in OPERATORS:
        if key.endswith(operator):
            name = key[: -len(operator)]
            return (key, "") if name not in names and key in names else (name, operator)
    return key, ""


def given(values: Sequence[Any]) -> list[Any]:
    """Return the values that are not empty."""
    return [value for value in values if value is not None and value != ""]


def count_of(args: Args, name: str, default: int) -> int:
    """Return `_limit` or `_offset`: the first value counts.

    Raises:
        Refused: 400, it is no whole number from 0.
    """
    values = args.get(name)
    if not values:
        return default
    text = str(values[0])
    if not WHOLE.fullmatch(text) or isinstance(values[0], bool) or (number := int(text)) < 0:
        raise Refused(400, f"{name}={text[:40]!r} is no whole number from 0")
    return min(number, LARGEST)


def parse(
    args: Args, columns: Sequence[Column], rules: Rules, types: Mapping[str, Callable[[Any], Any]] | None = None
) -> Query:
    """Return the query for `args`; `types` replaces the conversion of values for columns.

    Raises:
        Refused: 400, a value does not fit its column, or an aggregate is none.
    """
    known = {column.name: column for column in columns}
    if "_by" in args:
        query = parse_groups(args, known, rules)
    elif "_c" in args:
        query = parse_columns(args, known)
    else:
        query = Query([Output(column.name, column.name, column.kind) for column in columns])
    outputs = {output.name: output for output in query.outputs} if query.by is not None else {}
    query.limit, query.offset = count_of(args, "_limit", LIMIT), count_of(args, "_offset", 0)
    for key, values in args.items():
        if key in CONTROL:
            continue
        name, operator = split_key(key, known if key in known else {**known, **outputs} if outputs else known)
        if name in known:
            query.filters.append(make_filter(name, operator, values, known[name].kind, types))
        elif name in outputs:
            query.having.append(make_filter(name, operator, values, outputs[name].kind, types))
        else:
            query.ignored.append([key, list(values)])
    parse_sort(args, query, outputs if query.by is not None else known)
    return query


def make_filter(
    name: str, operator: str, values: Sequence[Any], kind: str, types: Mapping[str, Callable[[Any], Any]] | None
) -> Filter:
    """Return a filter with its values as the column has them."""
    wanted = given(values)
    if operator in ("~", "!~", "*", "!*"):
        return Filter(name, operator, [str(value) for value in wanted])
    try:
        if types and name in types:
            return Filter(name, operator, [types[name](value) for value in wanted])
        return Filter(name, operator, [convert(kind, value) for value in wanted])
    except ValueError:
        raise Refused(400, f"{name}{operator}={str(wanted)[:100]} does not fit a column of kind {kind}") from None


def parse_sort(args: Args, query: Query, known: Mapping[str, Any]) -> None:
    """Take `_sort`."""
    ignored = []
    for value in given(args.get("_sort", ())):
        name = str(value)
        if name in known:
            query.sort.append((name, True))
        elif name.startswith("-") and name[1:] in known:
            query.sort.append((name[1:], False))
        else:
            ignored.append(value)
    if ignored:
        query.ignored.append(["_sort", ignored])


def parse_columns(args: Args, known: Mapping[str, Column]) -> Query:
    """Return the query for `_c` without `_by`."""
    named: list[str] = []
    excluded: list[str] = []
    ignored: list[Any] = []
    wanted = given(args["_c"])
    for value in wanted:
        name = str(value)
        if name in known:
            named.append(name)
        elif name.startswith("-") and name[1:] in known:
            excluded.append(name[1:])
        else:
            ignored.append(value)
    if not named and (excluded or (wanted and all(str(value).startswith("-") for value in wanted))):
        named = list(known)
    names = [name for name in dict.fromkeys(named) if name not in excluded]
    query = Query([Output(name, name, known[name].kind) for name in names], excluded=excluded)
    if ignored:
        query.ignored.append(["_c", ignored])
    return query


def parse_groups(args: Args, known: Mapping[str, Column], rules: Rules) -> Query:
    """Return the query for `_by`."""
    by: list[str] = []
    query = Query([], by=by)
    for value in given(args["_by"]):
        if str(value) in known:
            if str(value) not in by:
                by.append(str(value))
        else:
            query.ignored.append(["_by", value])
    query.outputs = [Output(name, name, known[name].kind) for name in by]
    wanted = given(args.get("_c", ()))
    if not wanted:
        summed = NUMBERS | {BOOL} if rules.file else NUMBERS
        wanted = [f"{each.name}|sum" for each in known.values() if each.kind in summed and each.name not in by]
    ignored = []
    for value in dict.fromkeys(map(str, wanted)):
        name, bar, word = value.rpartition("|")
        if not bar or name not in known:
            if value not in known:  # a column alone is no mistake: groups show what they are made by
                ignored.append(value)
            continue
        aggregate = rules.aggregates.get(word.lower())
        if aggregate is None:
            raise Refused(400, f"_c={value[:100]}: there is no aggregate {word[:40]!r}")
        kind = known[name].kind
        counted = INT if kind == BOOL and aggregate.numbers else kind  # a sum of true and false
        if rules.file and aggregate.numbers and kind not in NUMBERS | {BOOL}:
            raise Refused(400, f"_c={value[:100]}: a column of kind {kind} has no {word}")
        query.outputs.append(Output(value, name, aggregate.kind_of(counted), aggregate))
    if ignored:
        query.ignored.append(["_c", ignored])
    return query
