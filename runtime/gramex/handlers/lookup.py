"""Adds to a user who logs in what a table says: ``lookup:``."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, time
from pathlib import Path
from typing import Any

SUFFIXES = (".csv", ".json", ".yaml", ".yml", ".xlsx")


class Lookup:
    """A table of users: a CSV or Excel file, a list of rows in JSON or YAML, or SQLite. Read at each log in."""

    def __init__(self, spec: Any, folder: Path):
        """Take ``{url: FILE or sqlite:///FILE, table: NAME, sheet_name: NAME, id: COLUMN}``; `folder` is the app's.

        Raises:
            ValueError: it cannot be meant, or is a kind of table that cannot be read.
        """
        if isinstance(spec, str):
            spec = {"url": spec}
        if not isinstance(spec, Mapping) or not isinstance(spec.get("url"), str):
            raise ValueError(f"lookup: must be a mapping such as {{url: users.csv, id: user}}, not {spec!r}")
        url = spec["url"]
        self.column = str(spec.get("id", "user"))
        self.table = ""
        self.sheet = spec.get("sheet_name")
        if url.startswith("sqlite:///"):
            self.table = str(spec.get("table", ""))
            if not re.fullmatch(r"[^\W\d]\w*", self.table):
                raise ValueError(f"lookup.table: must be the name of a table, not {self.table!r}")
            url = url.removeprefix("sqlite:///")
        elif Path(url).suffix.lower() not in SUFFIXES:
            raise ValueError(f"lookup.url: must be a {', '.join(SUFFIXES)} file or sqlite:///FILE, not {url!r}")
        self.path = folder / url
        if self.path.suffix.lower() == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
            raise ValueError(f"lookup.url: {url} needs openpyxl: pip install openpyxl")

    def find(self, id: Any) -> dict[str, Any]:
        """Return the columns of the user's row but empty ones, nothing if there is no row.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no rows.
        """
        for row in self._rows():
            if str(row.get(self.column)) == str(id):
                return {str(name): value for name, value in row.items() if value not in (None, "") and name is not None}
        return {}

    def _rows(self) -> Iterable[Mapping[str, Any]]:
        if self.table:
            return self._select()
        if self.path.suffix.lower() == ".xlsx":
            return self._cells()
        with self.path.open(encoding="utf-8-sig", newline="") as stream:
            if self.path.suffix.lower() == ".csv":
                return list(csv.DictReader(stream))
            text = stream.read()
        if self.path.suffix.lower() == ".json":
            rows = json.loads(text)
        else:
            import yaml

            rows = yaml.safe_load(text)
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise ValueError(f"{self.path}: must hold a list of mappings")
        return rows

    def _cells(self) -> list[dict[str, Any]]:
        from openpyxl import load_workbook

        # read in full and closed: the file may be replaced while the server runs
        with self.path.open("rb") as stream, closing(load_workbook(stream, read_only=True, data_only=True)) as book:
            if self.sheet is not None and self.sheet not in book.sheetnames:
                raise ValueError(f"{self.path}: has no sheet {self.sheet!r}")
            sheet = book.worksheets[0] if self.sheet is None else book[self.sheet]
            names, *rows = [list(row) for row in sheet.values] or [[]]
        return [
            {str(name): as_stored(value) for name, value in zip(names, row, strict=False) if name is not None}
            for row in rows
        ]

    def _select(self) -> list[dict[str, Any]]:
        import sqlite3

        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                # Table and column come from the configuration; the id is compared by the caller.
                return [dict(row) for row in connection.execute(f'SELECT * FROM "{self.table}"')]  # noqa: S608
        except sqlite3.Error as error:
            raise ValueError(f"{self.path}: {error}") from None


def as_stored(value: Any) -> Any:
    """Return a cell's value as a session can keep it."""
    return value.isoformat() if isinstance(value, (date, time)) else value
