"""Turns a function with typed parameters into one that FunctionHandler can call with a request."""

from __future__ import annotations

import functools
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tornado.web import HTTPError, MissingArgumentError, RequestHandler

TRUE, FALSE = frozenset(["true", "1", "yes", "on", "y", "t"]), frozenset(["false", "0", "no", "off", "n", "f", ""])
LISTS: dict[Any, Callable[[list[Any]], Any]] = {list: list, tuple: tuple, set: set, frozenset: frozenset}


def handler(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the request's handler for one with typed parameters.

    Each parameter gets the value of its name from the groups of the URL's pattern, the JSON body, or the form and
    query, converted to its type: ``int``, ``float``, ``bool``, ``str``, ``date``, ``datetime``, a list of one of them,
    an optional one, or anything that can be called with text. Groups without names fill parameters in order. A
    parameter called `handler` gets the handler, JSON's null is None where that may be. What is called without a handler
    is called as it is.

    The result raises HTTPError 400 for a missing or wrong value.
    """
    signature = inspect.signature(function)
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # hints that cannot be evaluated do not convert
        hints = {}

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and isinstance(args[0], RequestHandler):
            return fill(args[0], (), {})
        return function(*args, **kwargs)

    def fill(request_handler: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if len(args) == 1 and isinstance(args[0], RequestHandler):
            args = ()
        given = signature.bind_partial(*args, **kwargs).arguments if args or kwargs else {}
        positional, named = arguments(request_handler, signature, hints, given)
        return function(*positional, **named)

    wrapper.fill_from_request = fill  # type: ignore[attr-defined]  # for expressions that give some of the arguments
    wrapper.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what it is called with: the handler
        [inspect.Parameter("handler", inspect.Parameter.POSITIONAL_ONLY)]
    )
    return wrapper


def arguments(
    request_handler: Any, signature: inspect.Signature, hints: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return positional and named arguments for a function: those that are given, the others from a request.

    Raises:
        HTTPError: 400, a value is missing or has the wrong type.
    """
    values = request_values(request_handler)
    groups = [group for group in request_handler.path_args if group is not None]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        kind, hint = parameter.kind, hints.get(name, Any)
        if kind is parameter.VAR_KEYWORD:
            named.update(given.get(name, {}))
            named.update((key, each[-1]) for key, each in values.items() if key not in signature.parameters)
        elif kind is parameter.VAR_POSITIONAL:
            positional += given.get(name) or [convert(name, each, hint) for each in groups + values.get(name, [])]
            groups = []
        else:
            if name in given:
                value = given[name]
            elif name == "handler" and name not in values:
                value = request_handler
            elif values.get(name) == [None] and (parameter.default is None or is_optional(hint)):
                value = None
            elif name in values or groups:
                value = convert_values(name, values[name] if name in values else [groups.pop(0)], hint)
            elif parameter.default is not parameter.empty:
                value = parameter.default
            else:
                raise MissingArgumentError(name)
            if kind is parameter.KEYWORD_ONLY:
                named[name] = value
            else:
                positional.append(value)
    return positional, named


def request_values(request_handler: Any) -> dict[str, list[Any]]:
    """Return the values of a request by name: named groups, else those of a JSON body, else form and query."""
    values: dict[str, list[Any]] = {name: list(each) for name, each in request_handler.args.items()}
    request = request_handler.request
    if request.body and request.headers.get("Content-Type", "").partition(";")[0].strip().lower().endswith("json"):
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise HTTPError(400, "the body is no JSON: %s", error) from None
        if isinstance(body, dict):
            values.update((name, each if isinstance(each, list) else [each]) for name, each in body.items())
    values.update((name, [group]) for name, group in request_handler.path_kwargs.items() if group is not None)
    return values


def is_optional(hint: Any) -> bool:
    """True if a type may be None."""
    return hint is Any or type(None) in typing.get_args(hint)


def convert_values(name: str, values: list[Any], hint: Any) -> Any:
    """Return the values of a parameter as its type: all of them for a list, else the last."""
    origin = typing.get_origin(hint) or hint
    if origin in (typing.Union, types.UnionType):
        choices = [each for each in typing.get_args(hint) if each is not type(None)]
        return convert_values(name, values, choices[0] if choices else str)
    if origin in LISTS:
        inner = [each for each in typing.get_args(hint) if each is not Ellipsis]
        return LISTS[origin]([convert(name, each, inner[0] if inner else Any) for each in values])
    if not values:
        raise MissingArgumentError(name)
    return convert(name, values[-1], hint)


def convert(name: str, value: Any, hint: Any) -> Any:
    """Return one value as a type.

    Raises:
        HTTPError: 400, it cannot be converted.
    """
    origin = typing.get_origin(hint) or hint
    try:
        if origin in (typing.Union, types.UnionType):
            return convert_values(name, [value], hint)
        if hint is bool:
            return value if isinstance(value, bool) else as_bool(str(value))
        if hint is str:
            return value if isinstance(value, str) or not isinstance(value, (int, float)) else str(value)
        if hint is int and isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        if hint is date:
            return date.fromisoformat(value)
        if hint is datetime:
            return datetime.fromisoformat(value)
        if hint is int and isinstance(value, bool):
            return int(value)
        if hint in (Any, object, inspect.Parameter.empty) or not callable(origin) or isinstance(value, origin):
            return value
        return origin(value)
    except HTTPError:
        raise
    except (TypeError, ValueError, ArithmeticError):
        raise HTTPError(400, "%s: %r is no %s", name, value, getattr(hint, "__name__", hint)) from None


def as_bool(text: str) -> bool:
    """Return the truth that a text stands for.

    Raises:
        ValueError: it stands for none.
    """
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError(text)
