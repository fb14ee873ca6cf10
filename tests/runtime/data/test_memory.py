"""The table of a file in this process: small, whatever the file."""

from __future__ import annotations

import sqlite3
import tracemalloc

import pytest

from gramex.data import memory
from gramex.data.csvfile import read_csv
from gramex.data.memory import Memory
from gramex.data.query import Output, Query

ROWS = 30_000
TEXT = "id,name,part,on\n" + "".join(f"{n},name {n % 100},{n / 8},{n % 2 == 0}\n" for n in range(ROWS))


def first_row(table):
    return table.select(Query([Output(each.name, each.name, each.kind) for each in table.columns], limit=1), False)[0]


def test_a_file_is_read_some_lines_at_a_time():
    data = TEXT.encode()
    tracemalloc.start()
    try:
        table = Memory(*read_csv(data, {}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (table.size, first_row(table)) == (ROWS, [(0, "name 0", 0.0, 1)])
    assert peak < 3 * len(data)  # a list of its cells takes twenty times as much


def test_the_rows_are_in_a_file_that_has_no_name():
    table = Memory(*read_csv(TEXT.encode(), {}))
    files = [row[2] for row in table.connection.execute("PRAGMA database_list")]
    pages, size = (table.connection.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
    assert files == [""]
    assert pages * size > 0.5 * len(TEXT)
    assert table.connection.execute("PRAGMA cache_size").fetchone()[0] == -memory.CACHE


def test_without_a_place_for_that_file_they_are_in_memory(monkeypatch):
    opened = []

    def connect(target, **options):
        opened.append(target)
        connection = sqlite3.connect(target, **options)
        if not target:
            connection.execute("PRAGMA max_page_count = 20")  # a full disk
        return connection

    class Library:
        OperationalError = sqlite3.OperationalError

    Library.connect = staticmethod(connect)
    monkeypatch.setattr(memory, "sqlite3", Library)
    table = Memory(*read_csv(TEXT.encode(), {}))
    assert opened == ["", ":memory:"]
    assert (table.size, first_row(table)) == (ROWS, [(0, "name 0", 0.0, 1)])


@pytest.mark.parametrize(
    ("late", "kind"),
    [("x", "text"), ("1.5", "float"), ("", "int"), ("NaN", "int"), ("true", "text"), ("9" * 30, "text")],
)
def test_the_last_line_may_change_the_kind_of_a_column(late, kind):
    columns, rows = read_csv(("a,b\n" + "1,x\n" * 2500 + f"{late},y\n").encode(), {})
    assert (columns[0].kind, columns[0].nulls) == (kind, late in ("", "NaN"))
    values = [row[0] for row in rows]
    assert values[-1] == {"x": "x", "1.5": 1.5, "": None, "NaN": None, "true": "true"}.get(late, late)
    assert values[0] == ("1" if kind == "text" else 1)
