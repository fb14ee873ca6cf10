"""Renders content as a Tornado template."""

from __future__ import annotations

from typing import Any

from gramex.handlers.current import current_handler


def template(content: Any, handler: Any = None, **kwargs: Any) -> bytes:
    """Return `content`, text or bytes in UTF-8, rendered as a Tornado template.

    The template sees `kwargs`, and `handler`, `request` and the rest of what Tornado gives to templates. Without
    `handler` the one at work is taken. ``{% include %}`` and ``{% extends %}`` are relative to the file being served.

    Raises:
        tornado.template.ParseError: the template has a mistake.
        OSError: a file that it includes cannot be read.
    """
    from gramex.handlers.templates import render_text

    return render_text(content, handler if handler is not None else current_handler.get(), kwargs)
