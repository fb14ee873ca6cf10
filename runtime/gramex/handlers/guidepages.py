"""Knows the pages of the guide: their order, their Markdown, and the sections that they are made of."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "guide"
REFERENCE = "reference"
# The menu: groups of pages, in the order in which they are read. A test compares it with the folder.
MENU = (
    ("First steps", ("index", "configuration", "command-line")),
    (
        "Handlers",
        ("handlers", "files", "functions", "data", "uploads", "websockets", "proxy", "redirects", "libraries", "code"),
    ),
    ("Users", ("auth", "security")),
    ("Services", ("services", "logs", "running")),
    ("Production", ("deploying", "windows", "troubleshooting")),
    ("Look it up", (REFERENCE,)),
)
FENCE = re.compile(r" {0,3}(```+|~~~+)")
HEADING = re.compile(r"(#{1,4})[ \t]+(.*?)[ \t#]*$")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
EMPHASIS = re.compile(r"(?<!\w)[*_]{1,2}(?=\S)|(?<=\S)[*_]{1,2}(?!\w)")
RULE = re.compile(r"\|[|:\s-]+")  # between a table's head and its rows
# A paragraph that is nothing but a link to a section of the reference is replaced by the table there: what a key means
# is written once, beside the code, and a page that is read as plain Markdown still leads to it.
TABLE = re.compile(rf"^\[[^\]]*\]\({REFERENCE}\.md#([a-z0-9-]+)\)$", re.MULTILINE)


class Section(NamedTuple):
    """A heading and what is below it, up to the next heading. `text` is plain."""

    level: int
    anchor: str
    heading: str
    text: str


class Source(NamedTuple):
    """A page as it is written."""

    name: str
    title: str
    markdown: str
    sections: list[Section]


def anchor(text: str, taken: set[str]) -> str:
    """Return an id for a heading, given as plain text, that no other heading of the page has."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}-{count}"
    taken.add(name)
    return name


def row_id(section: str, key: str) -> str:
    """Return the id of a key's row in the reference, below the anchor of its section."""
    return f"{section}.{re.sub(r'[^!-~]+|,', '', key)}"


def plain(markdown: str) -> str:
    """Return Markdown of one line without its marks. What is between backticks stays as it is."""
    parts = LINK.sub(r"\1", markdown).split("`")
    parts[::2] = [EMPHASIS.sub("", part).replace("\\", "") for part in parts[::2]]
    return "".join(parts)


def split(markdown: str) -> list[Section]:
    """Return the sections of a page. What stands before the first heading belongs to none."""
    found: list[tuple[int, str, str, list[str]]] = []
    taken: set[str] = set()
    fence = ""
    for line in markdown.splitlines():
        mark = FENCE.match(line)
        if mark and (not fence or line.strip() == fence):
            fence = "" if fence else mark[1]
            continue
        heading = None if fence else HEADING.match(line)
        if heading:
            text = plain(heading[2])
            found.append((len(heading[1]), anchor(text, taken), text, []))
        elif found:
            lines = found[-1][3]
            if not fence and RULE.fullmatch(line):
                lines.pop()  # the names of the columns are no text
            else:
                lines.append(line if fence else plain_line(line))
    return [Section(level, name, text, " ".join(" ".join(lines).split())) for level, name, text, lines in found]


def plain_line(line: str) -> str:
    """Return a line of text, of a list or of a table without its marks."""
    if line.startswith("|"):
        return " ".join(plain(cell) for cell in line.strip().strip("|").split("|"))
    return plain(re.sub(r"^\s*(?:[-*>]|\d+\.)\s+", "", line))


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the names of the pages that are there, in the order of the menu."""
    return tuple(name for _, group in MENU for name in group if (FOLDER / f"{name}.md").is_file())


@cache
def source(name: str) -> Source:
    """Return a page.

    Raises:
        KeyError: there is no such page.
    """
    if name not in names():
        raise KeyError(name)
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    if TABLE.search(text) or name == REFERENCE:
        from gramex.handlers import guidereference

        text = TABLE.sub(lambda found: guidereference.table(found[1]), text)
        if name == REFERENCE:
            text = f"{text}\n{guidereference.markdown()}"
    sections = split(text)
    return Source(name, sections[0].heading if sections else name, text, sections)
