"""What a POST, PUT or DELETE asks for, checked against the columns: which rows, and which values."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gramex.data.kinds import BLOB, JSON, TEXT, convert
from gramex.data.query import CONTROL, Args, Column, Filter, given, make_filter, split_key
from gramex.data.refused import Refused

GROUP = re.compile(r"_[0-9]+")  # a group of the path
Types = Mapping[str, Callable[[Any], Any]]


@dataclass(slots=True)
class Edit:
    """A checked edit: `rows` for POST, `filters` and `values` for PUT, `filters` for DELETE."""

    filters: list[Filter] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[list[Any]] = field(default_factory=list)

    def meta(self) -> dict[str, Any]:
        """Return what was made of the arguments."""
        return {
            "filters": [[each.column, each.operator, each.values] for each in self.filters],
            "ignored": self.ignored,
        }


@dataclass(slots=True)
class Written:
    """What an edit did: `count` rows, `inserted` their keys, or None where that is not told."""

    edit: Edit
    count: int
    inserted: list[dict[str, Any]] | None = None
    told: bool = False  # whether the answer tells `count`

    def answer(self) -> dict[str, Any]:
        """Return what the answer says of it."""
        found = self.edit.meta()
        if self.inserted is not None:
            found["inserted"] = self.inserted
        if self.told:
            found["count"] = self.count
        return found


def has_arguments(args: Args) -> bool:
    """True if there is anything that could name a column."""
    return any(name not in CONTROL and values and not GROUP.fullmatch(name) for name, values in args.items())


def stored_value(name: str, value: Any, kind: str) -> Any:
    """Return a value as a column gets it: empty text is null but where the column is text.

    Raises:
        Refused: 400, it does not fit.
    """
    if value is None or (value == "" and kind != TEXT):
        return None
    if kind == JSON and not isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise Refused(400, f"{name}: a list or an object is no value of a column of kind {kind}")
    try:
        if kind == BLOB:
            return base64.b64decode(value, validate=True)  # as it is shown
        return convert(kind, value)
    except (ValueError, TypeError):
        raise Refused(400, f"{name}={str(value)[:100]!r} does not fit a column of kind {kind}") from None


def parse_insert(args: Args, columns: Mapping[str, Column]) -> Edit:
    """Return the rows of a POST: as many as the longest list of values; a shorter one repeats its last value.

    Raises:
        Refused: 400, there is no value for any column, or one does not fit.
    """
    edit = Edit()
    lists: dict[str, Sequence[Any]] = {}
    for name, values in args.items():
        if name in CONTROL or not values:
            continue
        if name in columns:
            lists[name] = [stored_value(name, value, columns[name].kind) for value in values]
        else:
            edit.ignored.append([name, list(values)])
    if not lists:
        raise Refused(400, "POST: there is no value for any column")
    count = max(map(len, lists.values()))
    for number in range(count):
        edit.rows.append({name: values[min(number, len(values) - 1)] for name, values in lists.items()})
    return edit


def key_filters(args: Args, columns: Mapping[str, Column], key: Sequence[str], types: Types) -> list[Filter]:
    """Return the filters for the key columns.

    Raises:
        Refused: 400, one has no value: an empty one must never mean all rows.
    """
    filters = []
    for name in key:
        if name not in columns:
            raise Refused(400, f"id: there is no column {name!r}")
        values = args.get(name, ())
        if not given(values) or len(given(values)) != len(values):
            raise Refused(400, f"{name}: the key needs a value")
        filters.append(make_filter(name, "", values, columns[name].kind, types))
    return filters


def parse_update(args: Args, columns: Mapping[str, Column], key: Sequence[str], types: Types) -> Edit:
    """Return the rows of a PUT, and their new values: the first of each column.

    Raises:
        Refused: 400, a key column has no value, no other column has one, or a value does not fit.
    """
    edit = Edit(filters=key_filters(args, columns, key, types))
    for name, values in args.items():
        if name in CONTROL or name in key or not values:
            continue
        if name not in columns:
            edit.ignored.append([name, list(values)])
            continue
        edit.values[name] = stored_value(name, values[0], columns[name].kind)
        if len(values) > 1:
            edit.ignored.append([name, list(values[1:])])
    if not edit.values:
        raise Refused(400, "PUT: there is no value to set")
    return edit


def parse_delete(args: Args, columns: Mapping[str, Column], key: Sequence[str], types: Types) -> Edit:
    """Return the rows of a DELETE: those of the key that further filters leave.

    Raises:
        Refused: 400, a key column has no value, or a value does not fit.
    """
    edit = Edit(filters=key_filters(args, columns, key, types))
    for argument, values in args.items():
        if argument in CONTROL or argument in key:
            continue
        name, operator = split_key(argument, columns)
        if name in columns:
            edit.filters.append(make_filter(name, operator, values, columns[name].kind, types))
        else:
            edit.ignored.append([argument, list(values)])
    return edit
