"""SQL as pieces of text, and between them the values that a driver binds: no value ever becomes text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Statement:
    """Pieces of text, and tuples of one value for what is bound."""

    pieces: list[str | tuple[Any]] = field(default_factory=list)

    def render(self, paramstyle: str) -> tuple[str, Any]:
        """Return the SQL and the parameters for a driver's style of parameters."""
        values = [piece[0] for piece in self.pieces if isinstance(piece, tuple)]
        if paramstyle == "qmark":
            return "".join([piece if isinstance(piece, str) else "?" for piece in self.pieces]), tuple(values)
        marks = iter(range(len(values)))
        percent = paramstyle in ("format", "pyformat") and bool(values)
        parts = []
        for piece in self.pieces:
            if isinstance(piece, tuple):
                parts.append(mark(paramstyle, next(marks)))
            else:
                parts.append(piece.replace("%", "%%") if percent else piece)
        named = paramstyle in ("pyformat", "named")
        return "".join(parts), {f"p{n}": value for n, value in enumerate(values)} if named else tuple(values)


def mark(paramstyle: str, number: int) -> str:
    """Return what stands for a parameter."""
    return {
        "qmark": "?",
        "format": "%s",
        "pyformat": f"%(p{number})s",
        "named": f":p{number}",
        "numeric": f":{number + 1}",
        "numeric_dollar": f"${number + 1}",
    }[paramstyle]
