"""HTML: a bare table for pages that put it where they want."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from gramex.data.formats.cells import rows_of_text, text
from gramex.data.kinds import FLOAT, NUMBER
from gramex.data.result import Result

DECIMALS = 6
WIDEST = 12  # characters of a number above a million; wider ones have an exponent


def encode(results: Mapping[str, Result], single: bool, options: Mapping[str, Any]) -> bytes:
    """Return the body: tables one after another, each below its name if there are several."""
    parts = []
    for name, result in results.items():
        if not single:
            parts.append(f"<h1>{escape(name)}</h1>")
        parts.append(table(result))
    return "".join(parts).encode("utf-8", "replace")


def table(result: Result) -> str:
    """Return a table with everything escaped, and the numbers of a column with the same decimals."""
    fractions = {
        number: aligned([row[number] for row in result.rows])
        for number, kind in enumerate(result.kinds)
        if kind in (FLOAT, NUMBER)
    }
    head = "".join(f"\n      <th>{escape(name, quote=False)}</th>" for name in result.names)
    body = "".join(
        "\n    <tr>" + "".join(f"\n      <td>{escape(cell, quote=False)}</td>" for cell in row) + "\n    </tr>"
        for row in rows_of_text(result, "NaN" if result.file else "None", fractions)
    )
    return (
        '<table border="1" class="dataframe">\n  <thead>\n    <tr style="text-align: right;">'
        f"{head}\n    </tr>\n  </thead>\n  <tbody>{body}\n  </tbody>\n</table>"
    )


def aligned(column: list[Any]) -> Callable[[Any], str]:
    """Return what shows the numbers of a column: with as many decimals as one of them needs, 1 to 6, as pandas does."""
    values = [abs(value) for value in column if isinstance(value, (int, float)) and value - value == 0]
    texts = [f"{value:.{DECIMALS}f}".rstrip("0") for value in values]
    decimals = max((len(each) - each.index(".") - 1 for each in texts), default=0) or 1
    widest = max(map(len, texts), default=0)
    tiny = any(0 < value < 10**-DECIMALS for value in values)
    spec = f".{DECIMALS}e" if tiny or (widest > WIDEST and max(values) > 1e6) else f".{decimals}f"
    return lambda value: format(value, spec) if isinstance(value, (int, float)) and value - value == 0 else text(value)
