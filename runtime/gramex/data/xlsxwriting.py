"""Changes rows of a sheet in an Excel file; other sheets stay."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from openpyxl import load_workbook

from gramex.data.csvfile import header_row
from gramex.data.query import Column
from gramex.data.refused import Refused
from gramex.data.xlsxfile import read_xlsx, sheet_of


class Workbook:
    """A workbook, and the place of each row of data in its sheet."""

    def __init__(self, data: bytes, options: Mapping[str, Any]):
        """Take the content of the file.

        Raises:
            Refused: 400, it is no such file.
        """
        self.columns, self.rows = read_xlsx(data, options)
        shown = load_workbook(io.BytesIO(data), data_only=True)
        lines = [
            number
            for number, row in enumerate(sheet_of(shown, options.get("sheet_name")).iter_rows(values_only=True), 1)
            if any(value is not None for value in row)
        ]
        header = header_row(options)
        if header is None:
            raise Refused(400, "a sheet without a header is not changed")
        self.places = lines[header + 1 :]
        self.next = (lines[-1] if lines else 0) + 1
        self.book = load_workbook(io.BytesIO(data), keep_vba=b"vbaProject.bin" in data)
        self.sheet = sheet_of(self.book, options.get("sheet_name"))
        self.names = [each.name for each in self.columns]

    def table(self) -> tuple[list[Column], list[tuple[Any, ...]]]:
        """Return the columns and values."""
        return self.columns, self.rows

    def put(self, row: int, values: Mapping[str, Any]) -> None:
        """Write values into the cells of a row of the sheet."""
        for name, value in values.items():
            cell = self.sheet.cell(row, self.names.index(name) + 1)
            cell.value = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            if isinstance(value, str):
                cell.data_type = "s"  # text that looks like a formula is none

    def append(self, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Add a row."""
        self.put(self.next, values)
        self.next += 1

    def set(self, number: int, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Change cells of a row."""
        self.put(self.places[number], values)

    def delete(self, numbers: Sequence[int]) -> None:
        """Take rows away."""
        for number in sorted(numbers, reverse=True):
            self.sheet.delete_rows(self.places[number])

    def encode(self) -> bytes:
        """Return the file.

        Raises:
            Refused: 400, a value cannot be in such a file.
        """
        output = io.BytesIO()
        self.book.save(output)
        return output.getvalue()
