"""Quotes ``*`` at the start of a plain YAML value: ``import: */gramex.yaml`` means a glob, YAML reads an alias."""

from __future__ import annotations

MAX_REPAIRS = 1000  # in one file; each costs a look at the file up to that point


def quote_star(text: str, position: int, flow: bool) -> str | None:
    """Return `text` with the value that begins at `position` in quotes; None if there is no ``*`` there.

    `flow` says that the value is inside brackets, where a comma ends it.
    """
    if not 0 <= position < len(text) or text[position] != "*":
        return None
    line_start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    line_end = next((at for at in range(position, len(text)) if text[at] in "\r\n"), len(text))
    before, line = text[line_start:position], text[position:line_end]
    flow = flow or _opens_bracket(before) or (not before.strip() and text[:line_start].rstrip()[-1:] in ("[", "{", ","))
    value = line[: _end(line, flow)].rstrip()
    return text[:position] + "'" + value.replace("'", "''") + "'" + text[position + len(value) :]


def _opens_bracket(before: str) -> bool:
    return before.count("[") + before.count("{") > before.count("]") + before.count("}")


def _end(line: str, flow: bool) -> int:
    """Return where a plain value at the start of `line` ends."""
    depth = 0
    for at, char in enumerate(line):
        following = line[at + 1 : at + 2]
        if char == "#" and line[at - 1 : at].isspace():
            return at
        if char == ":" and (not following or following.isspace()):
            return at
        if flow:
            if char in "[{":
                depth += 1
            elif char in "]}":
                if not depth:
                    return at
                depth -= 1
            elif char == "," and not depth:
                return at
    return len(line)
