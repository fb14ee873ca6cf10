"""Checks ``columns:``, which describes a table that may have to be made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?(?:\s*\[\])?")
FUNCTIONS = {"func.now()": "CURRENT_TIMESTAMP", "func.current_timestamp()": "CURRENT_TIMESTAMP",
             "func.current_date()": "CURRENT_DATE", "func.current_time()": "CURRENT_TIME"}  # fmt: skip
KEYS = frozenset(("type", "default", "nullable", "primary_key", "autoincrement", "unique"))


def check_columns(columns: Mapping[str, Any]) -> None:
    """Check ``columns:``.

    Raises:
        ValueError: a column cannot be meant.
    """
    for name, spec in columns.items():
        each = spec if isinstance(spec, Mapping) else {"type": spec}
        if not isinstance(each.get("type", "TEXT"), str) or not TYPE.fullmatch(str(each.get("type", "TEXT"))):
            raise ValueError(f"columns.{name}: type: must be a type of SQL such as TEXT, not {each.get('type')!r}")
        if unknown := set(map(str, each)) - KEYS:
            raise ValueError(f"columns.{name}: {', '.join(sorted(unknown))}: not known; use {', '.join(sorted(KEYS))}")
        default = each.get("default")
        if isinstance(default, Mapping) and str(default.get("function")) not in FUNCTIONS:
            raise ValueError(f"columns.{name}: default: function: must be one of {', '.join(FUNCTIONS)}")
