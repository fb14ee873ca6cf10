"""Makes tables of SQLite that ``columns:`` describes, and adds columns that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramex.data.columns import FUNCTIONS
from gramex.data.database import Session
from gramex.data.grammar import quoted
from gramex.data.pieces import Statement


def make_table(session: Session, name: str, columns: Mapping[str, Any]) -> None:
    """Make a table, or the columns that it lacks. SQL is made of names, quoted, and of types, which were checked."""
    found = session.run(Statement(["SELECT name FROM pragma_table_xinfo(", (name,), ")"]))
    there = {str(row[0]).lower() for row in found}
    keys = [each for each, spec in columns.items() if isinstance(spec, Mapping) and spec.get("primary_key")]
    if not there:
        parts = [definition(each, spec, keys == [each]) for each, spec in columns.items()]
        parts += [f"PRIMARY KEY ({', '.join(map(quoted, keys))})"] if len(keys) > 1 else []
        session.change(Statement([f"CREATE TABLE {quoted(name)} ({', '.join(parts)})"]))
        return
    for each, spec in columns.items():
        if each.lower() not in there:
            session.change(Statement([f"ALTER TABLE {quoted(name)} ADD COLUMN {definition(each, spec, False)}"]))


def definition(name: str, spec: Any, is_key: bool) -> str:
    """Return a column as CREATE TABLE has it."""
    each = spec if isinstance(spec, Mapping) else {"type": spec}
    type_ = str(each.get("type", "TEXT"))
    if is_key and type_.upper() in ("INT", "BIGINT", "SMALLINT"):
        type_ = "INTEGER"  # by this name alone SQLite counts
    parts = [quoted(name), type_]
    if each.get("nullable") is False or (each.get("primary_key") and each.get("nullable") is None):
        parts.append("NOT NULL")
    default = each.get("default")
    if isinstance(default, Mapping):
        parts.append(f"DEFAULT {FUNCTIONS[str(default['function'])]}")
    elif default is not None:
        parts.append(f"DEFAULT {literal(default)}")
    if is_key:
        parts.append("PRIMARY KEY")
        if each.get("autoincrement") is True and type_.upper() == "INTEGER":
            parts.append("AUTOINCREMENT")
    if each.get("unique"):
        parts.append("UNIQUE")
    return " ".join(parts)


def literal(value: Any) -> str:
    """Return a default of the configuration as SQL has it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
