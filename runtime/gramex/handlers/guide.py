"""Serves the documentation: Markdown files of the package, rendered when somebody first asks for them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from tornado.escape import xhtml_escape
from tornado.template import Template

from gramex import __version__
from gramex.handlers.base import BaseHandler
from gramex.handlers.guidepages import FOLDER, MENU, names, source

SEARCH, INDEX = "search", "search.json"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MISSING = '<h1>There is no such page</h1><p>Start at <a href=".">the first one</a>, or search for it above.</p>'


@lru_cache(maxsize=1)
def layout() -> Template:
    """Return the template around every page."""
    return Template((FOLDER / "layout.html").read_text(encoding="utf-8"), name="layout.html")


class GuideHandler(BaseHandler):
    """Answers ``/`` with the first page, ``/NAME`` with the page of that name, ``/search?q=`` with what has words."""

    shots: ClassVar[Path | None] = None

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``shots``, the folder of the screenshots, if there is one."""
        super().setup(**kwargs)
        cls.shots = cls.loaded.folder / str(kwargs["shots"]) if kwargs.get("shots") else None

    def get(self, name: str = "") -> None:
        """Write a page."""
        name = name or "index"
        for header, value in HEADERS.items():
            self.set_header(header, value)
        if name == INDEX:
            from gramex.handlers.guidesearch import index_json

            self.set_header("Content-Type", "application/json; charset=UTF-8")
            self.write(index_json())
        elif name == SEARCH:
            query = self.get_arg("q", "").strip()[:200]
            self.write_page(SEARCH, "Search", results(query), query=query)
        elif name in names():
            from gramex.handlers.guidemarkdown import render  # 15 ms that only a visitor of the guide pays for

            self.write_page(name, source(name).title, render(name, self.shots), sections=source(name).sections)
        else:
            self.set_status(404)
            self.write_page("", "There is no such page", MISSING, query=name.replace("-", " "))

    head = get

    def write_page(self, name: str, title: str, body: str, sections: Any = (), query: str = "") -> None:
        """Write a page in the layout; `body` is HTML."""
        order = names()
        place = order.index(name) if name in order else None
        around = [
            (source(order[other]).title, url(order[other])) if place is not None and 0 <= other < len(order) else None
            for other in ((place or 0) - 1, (place or 0) + 1)
        ]
        menu = [
            (group, [(each, url(each), source(each).title) for each in pages if each in order]) for group, pages in MENU
        ]
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.write(
            layout().generate(
                name=name, title=title, body=body, sections=sections, query=query, menu=menu,
                previous=around[0], next=around[1], version=__version__,
            )
        )  # fmt: skip


def url(name: str) -> str:
    """Return where a page is, relative to any other."""
    return "." if name == "index" else name


def results(query: str) -> str:
    """Return the page of results, as HTML."""
    from gramex.handlers.guidesearch import excerpt, find

    if not query:
        return "<h1>Search</h1><p>Write some words into the field above. A section is found if it has all of them.</p>"
    found = find(query)
    words = f"{len(found)} section{'s' if len(found) != 1 else ''}" if found else "Nothing"
    items = "".join(
        f'<li><a href="{xhtml_escape(row.url)}">{xhtml_escape(row.heading)}</a> '
        f"<small>{xhtml_escape(row.page)}</small><p>{excerpt(row.text, query)}</p></li>"
        for row in found
    )
    hint = "" if found else "<p>Try fewer words, or a part of one.</p>"
    return (
        f'<h1>Search</h1><p role="status">{words} for “{xhtml_escape(query)}”.</p>{hint}<ol class="found">{items}</ol>'
    )
