"""Finds the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher


def distance(one: str, two: str) -> int:
    """Edits (insert, delete, replace, swap of neighbours) that turn one text into the other."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, left in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, right in enumerate(two, 1):
            edit = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == two[j - 2] and one[i - 2] == right:
                edit = min(edit, older[j - 2] + 1)
            row.append(edit)
    return row[-1]


def nearest(name: str, names: Iterable[str], also: Mapping[str, str] | None = None) -> str:
    """
    Return the one of `names` that `name` was probably meant to be, '' when none is near.

    `also` maps other words for a name to it. A word is near when at most a third of its letters (at least one) differ;
    of two that are equally near the one that shares more text is meant.
    """
    plain = name.lower().replace("-", "_").strip()
    if also and plain in also:
        return also[plain]
    ranked = sorted((distance(plain, known), -SequenceMatcher(None, plain, known).ratio(), known) for known in names)
    if ranked and ranked[0][0] <= max(1, min(len(plain), len(ranked[0][2])) // 3):
        return ranked[0][2]
    if also:
        near = nearest(plain, also)
        return also[near] if near else ""
    return ""
