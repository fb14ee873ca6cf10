"""HTML: a bare table for pages that put it where they want."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gramex.data.formats.cells import rows_of_text
from gramex.data.result import Result


def encode(results: Mapping[str, Result], single: bool, options: Mapping[str, Any]) -> bytes:
    """Return the body: tables one after another, each below its name if there are several."""
    parts = []
    for name, result in results.items():
        if not single:
            parts.append(f"<h1>{escape(name)}</h1>")
        parts.append(table(result))
    return "\n".join(parts).encode("utf-8", "replace")


def table(result: Result) -> str:
    """Return a table with everything escaped."""
    head = "".join(f"\n      <th>{escape(name)}</th>" for name in result.names)
    body = "".join(
        "\n    <tr>" + "".join(f"\n      <td>{escape(cell)}</td>" for cell in row) + "\n    </tr>"
        for row in rows_of_text(result, "NaN" if result.file else "None")
    )
    return (
        '<table border="1" class="dataframe">\n  <thead>\n    <tr style="text-align: right;">'
        f"{head}\n    </tr>\n  </thead>\n  <tbody>{body}\n  </tbody>\n</table>"
    )
