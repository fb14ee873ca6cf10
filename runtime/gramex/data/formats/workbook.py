"""Excel: a workbook with one sheet for each dataset."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from gramex.data.formats.cells import text
from gramex.data.formats.jsontext import without_zone
from gramex.data.result import Result

BAD_TITLE = re.compile(r"[\\/*?:\[\]\x00-\x1f]")
BAD_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # what XML cannot hold
LONGEST = 32767  # characters that a cell of Excel may have


def encode(results: Mapping[str, Result], single: bool, options: Mapping[str, Any]) -> bytes:
    """Return the body."""
    book = Workbook(write_only=True)
    for name, result in results.items():
        sheet = book.create_sheet((BAD_TITLE.sub("_", name).strip("'") or "data")[:31])
        sheet.append([cell(each, sheet) for each in result.names])
        for row in result.rows:
            sheet.append([cell(each, sheet) for each in row])
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def cell(value: Any, sheet: Any) -> Any:
    """Return a value as Excel has it. Text stays text, also where it looks like a formula."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, datetime):
        return without_zone(value)
    if isinstance(value, (date, time)):
        return value
    shown = BAD_TEXT.sub("", text(value))[:LONGEST]
    if not shown.startswith("="):
        return shown
    made = WriteOnlyCell(sheet, shown)
    made.data_type = "s"
    return made
