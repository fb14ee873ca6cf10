"""Changes rows of a CSV file: cells that nobody touches keep their text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gramex.data.csvfile import header_row, shape_of, typed_table
from gramex.data.query import Column

MARK = b"\xef\xbb\xbf"


class Text:
    """The cells of a CSV file."""

    def __init__(self, data: bytes, options: Mapping[str, Any]):
        """Take the content of the file.

        Raises:
            Refused: 400, it is no such file.
        """
        self.marked = data.startswith(MARK)
        self.options = options
        shape = shape_of(data, options)
        self.names, self.rows = shape.names, shape.rows()

    def table(self) -> tuple[list[Column], Iterable[Sequence[Any]]]:
        """Return the columns and values."""
        return typed_table(self.names, lambda: iter([self.rows] if self.rows else []), self.options)

    def append(self, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Add a row; `sent` are the values as they came."""
        self.rows.append([cell(sent.get(name), values.get(name)) for name in self.names])

    def set(self, number: int, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Change cells of a row."""
        for name, value in values.items():
            self.rows[number][self.names.index(name)] = cell(sent[name], value)

    def delete(self, numbers: Sequence[int]) -> None:
        """Take rows away."""
        gone = set(numbers)
        self.rows = [row for number, row in enumerate(self.rows) if number not in gone]

    def encode(self) -> bytes:
        """Return the file."""
        output = io.StringIO()
        writer = csv.writer(output, delimiter=str(self.options.get("sep") or ","), lineterminator="\n")
        if header_row(self.options) is not None:
            writer.writerow(self.names)
        for row in self.rows:
            # A line without anything would be taken for a blank one.
            writer.writerow(["" if each is None else each for each in row])
        encoding = str(self.options.get("encoding") or "utf-8")
        data = output.getvalue().encode(encoding, "strict")
        return MARK + data if self.marked and not data.startswith(MARK) else data


def cell(sent: Any, value: Any) -> str | None:
    """Return the text of a cell: as it was sent, once it is known to fit."""
    if value is None:
        return None
    return sent if isinstance(sent, str) else str(sent)
