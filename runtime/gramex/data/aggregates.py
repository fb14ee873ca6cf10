"""What groups of rows can be made into. Nothing that is not in these lists ever becomes part of a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gramex.data.kinds import FLOAT, INT, NUMBER, TEXT


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate: `function` is the database's name for it, `kind` that of its result ('': as its column's)."""

    name: str
    function: str
    kind: str = ""
    numbers: bool = False  # only of columns of numbers
    distinct: bool = False

    def kind_of(self, kind: str) -> str:
        """Return the kind of the result for a column of a kind."""
        return self.kind or kind


def table(*aggregates: Aggregate) -> dict[str, Aggregate]:
    """Return aggregates by name."""
    return {each.name: each for each in aggregates}


EVERYWHERE = table(
    Aggregate("count", "count", INT),
    Aggregate("sum", "sum", numbers=True),
    Aggregate("avg", "avg", FLOAT, numbers=True),
    Aggregate("min", "min"),
    Aggregate("max", "max"),
    Aggregate("mean", "avg", FLOAT, numbers=True),
    Aggregate("nunique", "count", INT, distinct=True),
)
FILES = EVERYWHERE | table(
    Aggregate("median", "gx_median", FLOAT, numbers=True),
    Aggregate("std", "gx_std", FLOAT, numbers=True),
    Aggregate("var", "gx_var", FLOAT, numbers=True),
    Aggregate("prod", "gx_prod", numbers=True),
    Aggregate("first", "gx_first"),
    Aggregate("last", "gx_last"),
    Aggregate("size", "gx_size", INT),
)


def same(*names: str, kind: str = NUMBER) -> dict[str, Aggregate]:
    """Return aggregates that have the name which the database gives them."""
    return table(*(Aggregate(name, name, kind) for name in names))


POSTGRESQL = EVERYWHERE | same(
    "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "bit_and", "bit_or"
) | same("bool_and", "bool_or", "every", kind="bool") | same("array_agg", "json_agg", kind="json")  # fmt: skip
MYSQL = EVERYWHERE | same(
    "std", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "bit_and", "bit_or", "bit_xor"
) | same("group_concat", kind=TEXT)  # fmt: skip
DIALECTS: Mapping[str, Mapping[str, Aggregate]] = {
    "sqlite": EVERYWHERE | same("total") | same("group_concat", kind=TEXT),
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
}
