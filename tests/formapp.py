"""The data of FormHandler's tests: the same rows as a CSV file, an Excel file and a SQLite table."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

SALES = '''id,region,city name,sales,growth,active,note
1,North,Aarhus,10,0.5,true,a%b
2,North,Bergen,20,1.5,false,a_b
3,South,Cádiz,30,,TRUE,"two
lines"
4,South,delhi,40,2.0,False,"q ""x"""
5,East,Essen,5,-1,,<b>&
6,,Faro,15,3,true,
'''
ROWS = [
    (1, "North", "Aarhus", 10, 0.5, True, "a%b"),
    (2, "North", "Bergen", 20, 1.5, False, "a_b"),
    (3, "South", "Cádiz", 30, None, True, "two\nlines"),
    (4, "South", "delhi", 40, 2.0, False, 'q "x"'),
    (5, "East", "Essen", 5, -1.0, None, "<b>&"),
    (6, None, "Faro", 15, 3.0, True, None),
]
NAMES = ["id", "region", "city name", "sales", "growth", "active", "note"]
AJAX = {"X-Requested-With": "XMLHttpRequest"}


def make_database(path: Path) -> None:
    """Make a SQLite file with the table `sales`, and one that nobody may see."""
    connection = sqlite3.connect(path)
    connection.execute(
        "create table sales (id integer primary key, region text, [city name] text, sales integer, growth real,"
        " active boolean, note text)"
    )
    connection.executemany("insert into sales values (?, ?, ?, ?, ?, ?, ?)", ROWS)
    connection.execute("create table secret (word text)")
    connection.execute("insert into secret values ('xyzzy')")
    connection.commit()
    connection.close()


def make_workbook(path: Path) -> None:
    """Make an Excel file with the sheet `sales`, and one more."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "sales"
    for row in [NAMES, *ROWS]:
        sheet.append(list(row))
    other = book.create_sheet("other")
    for line in (["a", "b"], [1, "x"], [2, "y"]):
        other.append(line)
    book.save(path)


def entry(pattern: str, handler: str = "FormHandler", **kwargs: Any) -> dict[str, Any]:
    """One entry of ``url:``."""
    return {"pattern": pattern, "handler": handler, "kwargs": kwargs}


def path_of(path: str, *pairs: tuple[str, Any], **more: Any) -> str:
    """A path with a query of pairs, encoded."""
    query = "&".join(f"{quote(str(k), safe='')}={quote(str(v), safe='')}" for k, v in (*pairs, *more.items()))
    return f"{path}?{query}" if query else path
