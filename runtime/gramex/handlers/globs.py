"""Matches names of files below a folder with globs.

A glob without a slash is for a name, one with slashes for the end of the path; a leading slash ties it to the folder.
In the latter ``*`` crosses slashes too. Case never matters. Paths are relative to the folder that is served, so that
it does not matter what the folders above it are called; a glob with slashes may name that folder, and those above it
up to the app's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

NOT_HIDDEN = r"(?!(?<=/)\.)"  # here no name begins with a dot


def translate(glob: str, cross: bool, hidden: bool) -> str:
    """Return the regular expression of a glob: does ``*`` cross slashes, may a wildcard stand for a leading dot?"""
    guard = "" if hidden else NOT_HIDDEN
    many = f"(?:{guard}{'.' if cross else '[^/]'})*{guard}" if guard else (".*" if cross else "[^/]*")
    result, index = [], 0
    while index < len(glob):
        char = glob[index]
        index += 1
        if char == "*":
            while glob[index : index + 1] == "*":
                index += 1
            result.append(many)
        elif char == "?":
            result.append(f"{guard}[^/]")
        elif char == "[" and (end := glob.find("]", index + (2 if glob[index : index + 1] in "!^" else 1))) > 0:
            body = re.sub(r"([\\\[&|~])", r"\\\1", glob[index:end])
            body = "^" + body[1:] if body[0] in "!^" else body
            result.append(f"{guard}(?!/)[{body}]")
            index = end + 1
        else:
            result.append(re.escape(char))
    return "".join(result)


def as_globs(value: Any, key: str) -> list[str]:
    """Return a key's value, one glob or a list of them, as a list.

    Raises:
        ValueError: it is something else.
    """
    if value is None or value is False:
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"{key}: must be a glob such as '*.html', or a list of them, not {value!r}")
    return [each.strip() for each in values]


class Globs:
    """Some globs as one regular expression."""

    def __init__(self, globs: Iterable[str], hidden: bool = True, everywhere: bool = True):
        """Compile `globs`.

        With `hidden` false a wildcard never stands for the dot that a name begins with. With `everywhere` false a glob
        must match from the beginning of the path, not just its end.

        Raises:
            ValueError: a glob with a range that makes no sense.
        """
        globs = list(globs)
        parts, named = [], []
        for text in globs:
            glob = text.replace("\\", "/").removeprefix("./")
            anchored = glob.startswith("/") or not everywhere
            while glob.startswith("**/"):
                glob = glob[3:]
            glob = glob.strip("/")
            if glob:
                parts.append(("/" if anchored else ".*/") + translate(glob, "/" in glob, hidden))
                if "/" in glob and not anchored:
                    named.append(parts[-1])
        try:
            self.regex = re.compile("|".join(parts) or r"(?!)", re.IGNORECASE | re.DOTALL)
            self.named = re.compile("|".join(named), re.IGNORECASE | re.DOTALL) if named else None
        except re.error as error:
            raise ValueError(f"{', '.join(globs)}: not a glob: {error}") from error

    def match(self, relative: str, below: str = "") -> bool:
        """True if a glob matches a path relative to the folder, which itself is `below` in the app."""
        if self.regex.fullmatch("/" + relative):
            return True
        return bool(below and self.named and self.named.fullmatch(f"/{below}/{relative}"))
