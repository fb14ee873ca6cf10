"""Arguments of a request: query and form fields as text, the last or the first of a name."""

from __future__ import annotations

import logging
import re
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.util import ObjectDict
from tornado.web import MissingArgumentError

from gramex.handlers.lazy import lazy

app_log = logging.getLogger("gramex")
REQUIRED: Any = object()
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # as in tornado's get_argument


def decode_arguments(request: HTTPServerRequest) -> dict[str, list[str]]:
    """Return the arguments of `request` as name -> list of text, without space around it or control characters in it.

    An argument with a value that is not UTF-8 is dropped and logged.
    """
    decoded: dict[str, list[str]] = {}
    for name, values in request.arguments.items():
        try:
            texts = [CONTROL.sub(" ", value.decode()).strip() for value in values]
        except UnicodeDecodeError:
            app_log.warning("%s %s: argument %r is not UTF-8, ignored", request.method, request.path, name)
            continue
        # tornado decodes names as latin-1, because a name may be any bytes
        try:
            name = name.encode("latin-1").decode()
        except UnicodeError:
            app_log.warning("%s %s: argument name %r is not UTF-8, ignored", request.method, request.path, name)
            continue
        decoded.setdefault(name, []).extend(texts)
    return decoded


class ArgumentMixin:
    """Adds `args` and `get_arg` to a handler."""

    request: HTTPServerRequest

    @lazy
    def args(self) -> dict[str, list[str]]:
        """All arguments of query and form: name -> list of text, in the order sent."""
        return decode_arguments(self.request)

    def argparse(self, *names: str, **specs: Any) -> ObjectDict:
        """Return arguments as attributes: see `parse_arguments`."""
        from gramex.handlers.argspec import parse_arguments

        return parse_arguments(self.args, *names, **specs)

    def get_arg(self, name: str, default: Any = REQUIRED, first: bool = False) -> Any:
        """Return the last value of an argument (`first`: the first), or `default`.

        Raises:
            MissingArgumentError: 400; there is no such argument and no default.
        """
        values = self.args.get(name)
        if not values:
            if default is REQUIRED:
                raise MissingArgumentError(name)
            return default
        return values[0 if first else -1]
