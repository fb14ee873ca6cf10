"""Renders a page of the guide from Markdown to HTML."""

from __future__ import annotations

import re
import struct
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import mistune

from gramex.handlers.guidecode import highlight
from gramex.handlers.guidepages import REFERENCE, anchor, row_id, source

PAGE = re.compile(r"([a-z-]+)\.md(#.*)?")
KEY = re.compile(r"<td[^>]*><code>([^<]+)</code>")


class Renderer(mistune.HTMLRenderer):
    """Writes the HTML of one page: headings with anchors, tables that fit on a phone, coloured code."""

    def __init__(self, name: str, shots: Path | None):
        super().__init__(escape=True)
        self.name, self.shots = name, shots
        self.taken: set[str] = set()
        self.section = ""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading that can be linked to."""
        label = unescape(re.sub(r"<[^>]*>", "", text))
        name = self.section = anchor(label, self.taken)
        link = ""
        if level > 1:
            link = f'<a class="anchor" href="#{name}" aria-label="Link to {escape(label)}"></a>'
        return f'<h{level} id="{name}" tabindex="-1">{text}{link}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link; one to another page's file leads to where that page is served."""
        found = PAGE.fullmatch(url)
        if found:
            url = f"{'.' if found[1] == 'index' else found[1]}{found[2] or ''}"
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a figure with a screenshot, nothing where the screenshots were not made."""
        if self.shots is None:
            return ""
        file = self.shots / url.removeprefix("shots/")
        dark = file.with_stem(f"{file.stem}-dark")
        if not file.is_file():
            return ""
        width, height = png_size(file.read_bytes()[:24])
        darker = f'<source srcset="{escape(f"shots/{dark.name}")}" media="(prefers-color-scheme: dark)">'
        return (
            f"<figure><picture>{darker if dark.is_file() else ''}"
            f'<img src="{escape(url)}" alt="{escape(text)}" width="{width}" height="{height}" loading="lazy">'
            f"</picture><figcaption>{escape(text)}</figcaption></figure>"
        )

    def paragraph(self, text: str) -> str:
        """Return a paragraph; a figure stands for itself."""
        return f"{text}\n" if text.startswith("<figure>") else f"<p>{text}</p>\n" if text else ""

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a block of code in colours."""
        language, _, file = (info or "").partition(" ")
        name = f'<p class="file">{escape(file)}</p>' if file else ""
        return f'<div class="code">{name}<pre tabindex="0"><code>{highlight(code, language)}</code></pre></div>\n'

    # Roles: a table that is laid out as blocks on a phone stays a table for those who hear it.

    def table(self, text: str) -> str:
        """Return a table."""
        return f'<div class="table"><table role="table">\n{text}</table></div>\n'

    def table_head(self, text: str) -> str:
        """Return a table's head."""
        return f'<thead role="rowgroup"><tr role="row">\n{text}</tr></thead>\n'

    def table_body(self, text: str) -> str:
        """Return a table's body."""
        return f'<tbody role="rowgroup">\n{text}</tbody>\n'

    def table_row(self, text: str) -> str:
        """Return a row; those of the reference can be linked to."""
        key = KEY.match(text) if self.name == REFERENCE else None
        id = f' id="{escape(row_id(self.section, unescape(key[1])))}"' if key else ""
        return f'<tr role="row"{id}>\n{text}</tr>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Return a cell."""
        return f'<th role="columnheader" scope="col">{text}</th>\n' if head else f'<td role="cell">{text}</td>\n'


def png_size(head: bytes) -> tuple[int, int]:
    """Return width and height of a PNG at half its pixels: screenshots have two for each of a page's."""
    width, height = struct.unpack(">II", head[16:24])
    return width // 2, height // 2


@cache
def render(name: str, shots: Path | None = None) -> str:
    """Return the HTML of a page; `shots` is the folder of the screenshots.

    Raises:
        KeyError: there is no such page.
    """
    markdown = mistune.create_markdown(renderer=Renderer(name, shots), plugins=["table", "strikethrough"])
    return str(markdown(source(name).markdown))
