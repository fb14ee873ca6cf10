"""What a run says: sentences, differences, rows, or why it stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .swap import Change, Content


class NginxError(Exception):
    """Why the run stopped, for the operator. reasons: what nginx itself said."""

    def __init__(self, message: str, reasons: Iterable[str] = ()) -> None:
        super().__init__("\n".join([message, *(f"  {line}" for line in reasons)]))


@dataclass
class Outcome:
    """The result of a run. done: sentences in order; rows: domain -> fingerprint and expires."""

    changed: bool = False
    done: list[str] = field(default_factory=list)
    diffs: list[dict[str, str]] = field(default_factory=list)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def note_file(self, item: Change) -> None:
        """Remember a changed configuration file for --diff. Keys never come here."""
        header = str(item.path)
        self.diffs.append(
            {
                "before_header": header,
                "after_header": header,
                "before": _text(item.before),
                "after": _text(item.after),
            }
        )


def _text(content: Content) -> str:
    if isinstance(content, str):
        return f"link to {content}\n"
    return (content or b"").decode(errors="replace")
