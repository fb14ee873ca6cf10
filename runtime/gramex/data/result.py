"""The rows that answer a request for one dataset, and what was made of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Result:
    """Rows of Python values in the order of `names`; `kinds` are those of the columns, `meta` what headers tell."""

    names: list[str]
    kinds: list[str]
    rows: Sequence[Sequence[Any]]
    meta: dict[str, Any] = field(default_factory=dict)
    file: bool = False

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as mappings."""
        names = self.names
        return [dict(zip(names, row, strict=True)) for row in self.rows]
