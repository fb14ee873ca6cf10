"""Conversions of arguments that ``argstype:`` asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gramex.data.infer import named_kind
from gramex.data.kinds import TEXT, convert
from gramex.handlers.expression import compile_function


def converter(spec: Any) -> Callable[[Any], Any]:
    """Return the conversion for a type: the name of one of Python's, or an expression of `_val`.

    Raises:
        ValueError: it is no expression.
    """
    text = getattr(spec, "__name__", None) or str(spec)
    kind = named_kind(text) if text.isidentifier() else None
    if kind == TEXT:
        return str
    if kind:
        return lambda value: convert(kind, value)
    function = compile_function(text, ("_val",), "type")

    def apply(value: Any) -> Any:
        try:
            return function(value)
        except (TypeError, ArithmeticError, LookupError) as error:
            raise ValueError(value) from error

    return apply
