"""Text that tells requests apart, made of parts of them: for caches and rate limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gramex.handlers.expression import compile_function


def key_part(part: Any, where: str) -> Callable[[Any], Any]:
    """Return the function for one part: ``request.x``, ``headers.x``, ``args.x``, ``cookies.x``, ``user``, ``user.x``,
    or a mapping with a function.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(part, Mapping):
        return compile_function(part, ("handler",))
    kind, _, name = str(part).partition(".")
    if part == "user":
        return lambda handler: (handler.peek_user() or {}).get("id")
    if name and kind in PARTS:
        find = PARTS[kind]
        return lambda handler: find(handler, name)
    raise ValueError(
        f"{where}: {part!r} is not known; use user, or a name after {', '.join(f'{each}.' for each in PARTS)}"
    )


PARTS: dict[str, Callable[[Any, str], Any]] = {
    "request": lambda handler, name: getattr(handler.request, name, None),
    "headers": lambda handler, name: handler.request.headers.get(name),
    "args": lambda handler, name: handler.args.get(name),
    "cookies": lambda handler, name: handler.get_cookie(name),
    "user": lambda handler, name: (handler.peek_user() or {}).get(name),
}


def key_function(parts: list[Any], where: str) -> Callable[[Any], str]:
    """Return a function of the handler that gives the key for its request; `where` names the place of a mistake.

    Raises:
        ValueError: a part is not known.
    """
    functions = [key_part(part, where) for part in parts]
    # as JSON, so that no two lists of parts give the same text
    return lambda handler: json.dumps([function(handler) for function in functions], default=str)
