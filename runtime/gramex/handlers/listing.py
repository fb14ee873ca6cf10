"""Lists a folder: only what its visitor could open, with names escaped."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from string import Template
from urllib.parse import quote

from tornado.escape import xhtml_escape
from tornado.web import HTTPError

from gramex.handlers.paths import Found, Place, locate
from gramex.handlers.rules import Rules

app_log = logging.getLogger("gramex")

PAGE = Template(
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>$path</title><style>:root{color-scheme:light dark}"
    "body{font:16px/1.6 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}"
    "table{border-collapse:collapse}td{padding:0 1.5em 0 0}td+td{text-align:right;opacity:.8}</style>"
    "<h1>$path</h1>\n$body\n</html>\n"
)


def entries(folder: Found, rules: Rules, links: Sequence[str]) -> list[Found]:
    """Return what can be opened in a folder: folders first, then files, by name."""
    found = []
    for name in os.listdir(folder.path):
        try:
            each = locate(Place(folder.root, f"{folder.relative}/{name}"), rules, links)
        except HTTPError:
            continue
        found.append(Found(each.root, each.path, name, each.stat))
    return sorted(found, key=lambda each: (not each.is_folder, each.relative.lower(), each.relative))


def row(entry: Found) -> str:
    """Return a row of the table."""
    slash = "/" if entry.is_folder else ""
    # "./" keeps a name such as "a:b" from being read as a scheme
    href = xhtml_escape("./" + quote(entry.relative) + slash)
    when = datetime.fromtimestamp(entry.stat.st_mtime, timezone.utc).strftime("%Y-%m-%d %H:%M")
    size = "" if entry.is_folder else f"{entry.stat.st_size:,}"
    return (
        f'<tr><td><a href="{href}">{xhtml_escape(entry.relative + slash)}</a></td><td>{size}</td><td>{when}</td></tr>'
    )


def listing(folder: Found, url: str, rules: Rules, links: Sequence[str], template: Path | None = None) -> str:
    """Return the page for a folder; `url` is the path that the visitor sees, `template` has ``$path`` and ``$body``.

    Raises:
        OSError: the folder cannot be read.
    """
    rows = [row(entry) for entry in entries(folder, rules, links)]
    if folder.relative:
        rows.insert(0, '<tr><td><a href="../">../</a></td><td></td><td></td></tr>')
    body = "<table>\n" + "\n".join(rows) + "\n</table>" if rows else "<p>This folder is empty.</p>"
    page = PAGE
    if template:
        try:
            page = Template(template.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            app_log.error("index_template: %s cannot be read: %s", template, getattr(error, "strerror", error))
    return page.safe_substitute(path=xhtml_escape(url), body=body)
