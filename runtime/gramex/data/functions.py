"""Functions that the SQLite of files has beside its own: regular expressions, and what groups are made into."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gramex.data.refused import Refused
from gramex.data.regular import Search, compile_pattern

BOUND = 5.0  # seconds that the regular expressions of one statement may take


class Matcher:
    """The regular expressions of one statement, bound in time."""

    def __init__(self) -> None:
        self.patterns: dict[tuple[str, int], Search] = {}
        self.end = 0.0
        self.late = False

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Run a statement in the block.

        Raises:
            Refused: 400, a regular expression takes too long.
        """
        self.end, self.late = time.monotonic() + BOUND, False
        self.patterns.clear()
        try:
            yield
        except sqlite3.Error as error:
            if self.late:
                raise Refused(400, "a regular expression takes too long") from error
            raise

    def match(self, pattern: str, value: Any, exact: int) -> int | None:
        """Return 1 if a value has a match, 0 if not, None for null."""
        if value is None:
            return None
        if time.monotonic() > self.end:
            self.late = True
            raise TimeoutError(pattern)
        key = (pattern, exact)
        search = self.patterns.get(key)
        if search is None:
            search = self.patterns[key] = compile_pattern(pattern, bool(exact))
        return 1 if search(value if isinstance(value, str) else str(value)) else 0


class Median:
    """The value in the middle."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: Any) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        values, count = sorted(self.values), len(self.values)
        if not count:
            return None
        return float(values[count // 2]) if count % 2 else (values[count // 2 - 1] + values[count // 2]) / 2


class Variance:
    """The variance of a sample, by Welford's method; null for fewer than two values."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def step(self, value: Any) -> None:
        if value is not None:
            self.count += 1
            difference = value - self.mean
            self.mean += difference / self.count
            self.squares += difference * (value - self.mean)

    def finalize(self) -> float | None:
        return self.squares / (self.count - 1) if self.count > 1 else None


class Deviation(Variance):
    """The standard deviation of a sample."""

    def finalize(self) -> float | None:
        found = super().finalize()
        return None if found is None else math.sqrt(found)


class Product:
    """The product of all values; 1 without any."""

    def __init__(self) -> None:
        self.product: Any = 1

    def step(self, value: Any) -> None:
        if value is not None:
            self.product *= value
            if isinstance(self.product, int) and abs(self.product) >= 2**63:
                self.product = float(self.product) if abs(self.product) < 10**300 else math.inf

    def finalize(self) -> Any:
        return self.product


class First:
    """The value of the first row that has one."""

    def __init__(self) -> None:
        self.row: int | None = None
        self.value: Any = None

    def step(self, value: Any, row: int) -> None:
        if value is not None and (self.row is None or self.is_before(row, self.row)):
            self.row, self.value = row, value

    @staticmethod
    def is_before(row: int, other: int) -> bool:
        return row < other

    def finalize(self) -> Any:
        return self.value


class Last(First):
    """The value of the last row that has one."""

    @staticmethod
    def is_before(row: int, other: int) -> bool:
        return row > other


AGGREGATES: dict[str, tuple[int, Any]] = {
    "gx_median": (1, Median), "gx_var": (1, Variance), "gx_std": (1, Deviation), "gx_prod": (1, Product),
    "gx_first": (2, First), "gx_last": (2, Last),
}  # fmt: skip


def add_functions(connection: sqlite3.Connection) -> Matcher:
    """Give a connection the functions; returns what bounds its regular expressions."""
    matcher = Matcher()
    connection.create_function("gx_match", 3, matcher.match, deterministic=True)
    for name, (count, made) in AGGREGATES.items():
        connection.create_aggregate(name, count, made)
    return matcher
