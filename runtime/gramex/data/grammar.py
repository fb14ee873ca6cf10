"""What differs between databases in how they write SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gramex.data import aggregates
from gramex.data.aggregates import Aggregate

MYSQL = frozenset(("mysql", "mariadb"))
# Databases that know no LIMIT, but what the standard has.
FETCHING = frozenset(("mssql", "oracle", "ibm_db_sa", "db2", "firebird"))
TEXT_TYPES = {"mysql": "CHAR", "mariadb": "CHAR", "mssql": "NVARCHAR(MAX)", "oracle": "VARCHAR2(4000)"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """A database's way of writing: `quote` makes a name of it, which is one of a real table or column."""

    name: str
    quote: Callable[[str], str]
    paramstyle: str = "qmark"
    returning: bool = False  # whether INSERT can return keys

    @property
    def text_type(self) -> str:
        """The type that values are cast to, to compare them as text."""
        return TEXT_TYPES.get(self.name, "TEXT")

    @property
    def minds_case(self) -> bool:
        """True if LIKE does, so that there is something else for whoever does not."""
        return self.name not in MYSQL and self.name != "sqlite"

    @property
    def aggregates(self) -> Mapping[str, Aggregate]:
        """The aggregates of tables of it."""
        return aggregates.DIALECTS.get(self.name, aggregates.EVERYWHERE)


def quoted(name: str) -> str:
    """Return a name as SQLite, and the standard, write it."""
    return '"' + name.replace('"', '""') + '"'
