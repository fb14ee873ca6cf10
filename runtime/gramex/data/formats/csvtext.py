"""CSV: UTF-8 with the mark by which Excel knows it, LF, always a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from gramex.data.formats.cells import rows_of_text
from gramex.data.result import Result


def encode(results: Mapping[str, Result], single: bool, options: Mapping[str, Any]) -> bytes:
    """Return the body: tables one after another, each below its name if there are several."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    for number, (name, result) in enumerate(results.items()):
        if not single:
            if number:
                output.write("\n")
            writer.writerow([name])
        writer.writerow(result.names)
        writer.writerows(rows_of_text(result, ""))
    return b"\xef\xbb\xbf" + output.getvalue().encode("utf-8", "replace")
