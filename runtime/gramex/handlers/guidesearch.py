"""Finds sections of the guide by words. The script of the pages, assets/guide.js, ranks them by the same rules."""

from __future__ import annotations

import json
from functools import lru_cache
from html import escape
from typing import NamedTuple

from gramex.handlers.guidepages import names, source

MOST = 30  # sections that are shown
SHOWN = 180  # characters of a section's text that are shown
BEFORE = 50  # of them before the first word that was looked for


class Row(NamedTuple):
    """A section: where it is, the title of its page, its heading, its text."""

    url: str
    page: str
    heading: str
    text: str


@lru_cache(maxsize=1)
def index() -> list[Row]:
    """Return all sections, in the order of the menu."""
    rows = []
    for name in names():
        page = source(name)
        for section in page.sections:
            url = "." if name == "index" else name
            rows.append(Row(url if section.level == 1 else f"{url}#{section.anchor}", page.title, *section[2:]))
    return rows


@lru_cache(maxsize=1)
def index_json() -> str:
    """Return the index for the script."""
    return json.dumps(index(), ensure_ascii=False, separators=(",", ":"))


def score(row: Row, terms: list[str]) -> int:
    """Return how well a section fits: 0 unless it has all of the words, which are lower case."""
    page, heading, text = row.page.lower(), row.heading.lower(), row.text.lower()
    total = 20 if heading == " ".join(terms) else 0
    for term in terms:
        count = text.count(term)
        here = (8 + 4 * (f" {heading}".find(f" {term}") >= 0)) * (term in heading) + 3 * (term in page) + min(count, 4)
        if not here:
            return 0
        total += here
    return total


def find(query: str) -> list[Row]:
    """Return the sections that have all words of a query, the best first."""
    terms = query.lower().split()
    if not terms:
        return []
    rated = [(score(row, terms), row) for row in index()]
    return [row for rate, row in sorted(rated, key=lambda each: -each[0]) if rate][:MOST]


def excerpt(text: str, query: str) -> str:
    """Return the part of a text around the words of a query, as HTML with the words marked."""
    terms = query.lower().split()
    low = text.lower()
    first = min((place for place in map(low.find, terms) if place >= 0), default=0)
    begin = max(0, first - BEFORE)
    if begin:
        begin = text.find(" ", begin) + 1
    part = text[begin : begin + SHOWN]
    return ("… " if begin else "") + mark(part, terms) + (" …" if begin + SHOWN < len(text) else "")


def mark(text: str, terms: list[str]) -> str:
    """Return a text as HTML, with some words marked."""
    low, parts, end = text.lower(), [], 0
    if len(low) != len(text):  # a letter whose small form is two: places would not fit
        return escape(text)
    while end < len(text):
        found = [(place, -len(term)) for term in terms if (place := low.find(term, end)) >= 0]
        if not found:
            break
        place, length = min(found)
        parts += [escape(text[end:place]), f"<mark>{escape(text[place : place - length])}</mark>"]
        end = place - length
    return "".join(parts) + escape(text[end:])
