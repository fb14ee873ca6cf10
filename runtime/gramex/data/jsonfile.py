"""Reads JSON files: a list of records, or a mapping of columns to lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gramex.data.infer import valued
from gramex.data.memory import store
from gramex.data.query import Column
from gramex.data.refused import Refused


def read_json(data: bytes, options: Mapping[str, Any]) -> tuple[list[Column], list[list[Any]]]:
    """Return the columns and rows, values as SQLite keeps them.

    Raises:
        Refused: 400, it is no such file.
    """
    try:
        found = json.loads(data.decode(str(options.get("encoding") or "utf-8-sig")))
    except (ValueError, LookupError, RecursionError) as error:
        raise Refused(400, f"the file is no JSON: {error}") from None
    if isinstance(found, dict) and all(isinstance(each, list) for each in found.values()):
        count = max(map(len, found.values()), default=0)
        found = [{name: each[row] for name, each in found.items() if row < len(each)} for row in range(count)]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Refused(400, "the file is no list of records such as [{...}, {...}]")
    names = list(dict.fromkeys(name for each in found for name in each))
    rows = [[each.get(name) for name in names] for each in found]
    return valued(names, rows), [[store(value) for value in row] for row in rows]
