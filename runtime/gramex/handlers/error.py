"""Error pages: small, clean, without paths or code; an entry may bring its own."""

from __future__ import annotations

import logging
from typing import Any

from tornado.escape import xhtml_escape

app_log = logging.getLogger("gramex")

PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{code} {reason}</title>"
    "<style>body{{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32em;padding:0 1em}}"
    "h1{{font-size:1.5em}}</style><h1>{code} {reason}</h1><p>{text}</p></html>\n"
)
TEXTS = {
    400: "The request could not be understood.",
    401: "Please log in to see this page.",
    403: "This page is not open to you.",
    404: "There is no such page here.",
    405: "This page does not answer that method.",
    429: "Too many requests. Please wait a little.",
    500: "Something went wrong on the server. It has been logged.",
    501: "This page needs a part of Gramex that is not installed here.",
}


def error_page(code: int, reason: str) -> str:
    """Return the built-in page for a status code."""
    text = TEXTS.get(code, TEXTS[500] if code >= 500 else TEXTS[400])
    return PAGE.format(code=code, reason=xhtml_escape(reason), text=text)


class ErrorMixin:
    """Writes error pages."""

    @classmethod
    def setup_errors(cls, error: Any) -> None:
        """Take the entry's ``error:`` pages."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Called by tornado to answer `status_code`; `exc_info` is in kwargs if an exception led here."""
        self.finish(error_page(status_code, self._reason))  # type: ignore[attr-defined]
