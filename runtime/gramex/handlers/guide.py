"""Serves the documentation: Markdown files of the package, rendered once each."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tornado.template import Template
from tornado.web import HTTPError

from gramex import __version__
from gramex.handlers.base import BaseHandler

FOLDER = Path(__file__).resolve().parent.parent / "guide"
# The order of the menu. A test compares it with the folder.
PAGES = ("index", "configuration", "handlers", "auth", "services", "command-line", "deploying", "security")


class Page(NamedTuple):
    """One rendered page: its title, its HTML, and its headings as (level, anchor, text)."""

    title: str
    body: str
    headings: list[tuple[int, str, str]]


def anchor(text: str, taken: set[str]) -> str:
    """Return an id for a heading that no other heading of the page has."""
    base = re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]*>", "", text).lower()).strip("-") or "section"
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}-{count}"
    taken.add(name)
    return name


@lru_cache(maxsize=len(PAGES))
def page(name: str) -> Page:
    """Render the page `name`.

    Raises:
        KeyError: there is no such page.
    """
    if name not in PAGES:
        raise KeyError(name)
    import mistune  # 15 ms that only a visitor of the guide pays for

    headings: list[tuple[int, str, str]] = []
    taken: set[str] = set()

    class Renderer(mistune.HTMLRenderer):
        def heading(self, text: str, level: int, **attrs: Any) -> str:
            name = anchor(text, taken)
            headings.append((level, name, re.sub(r"<[^>]*>", "", text)))
            return f'<h{level} id="{name}">{text}</h{level}>\n'

        def table(self, text: str) -> str:
            return f'<div class="table"><table>\n{text}</table></div>\n'  # wide tables scroll on a phone

    markdown = mistune.create_markdown(renderer=Renderer(escape=True), plugins=["table", "strikethrough"])
    body = str(markdown((FOLDER / f"{name}.md").read_text(encoding="utf-8")))
    return Page(headings[0][2] if headings else name, body, headings)


@lru_cache(maxsize=1)
def layout() -> Template:
    """Return the template around every page."""
    return Template((FOLDER / "layout.html").read_text(encoding="utf-8"), name="layout.html")


class GuideHandler(BaseHandler):
    """Answers ``/`` with the first page and ``/NAME`` with the page of that name."""

    def get(self, name: str = "") -> None:
        """Write a page.

        Raises:
            HTTPError: 404, there is no such page.
        """
        try:
            current = page(name or "index")
        except KeyError:
            raise HTTPError(404, "the guide has no page %s", name) from None
        menu = [(each, page(each).title) for each in PAGES]
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.write(layout().generate(page=current, name=name or "index", menu=menu, version=__version__))
