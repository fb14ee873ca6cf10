"""Arguments of a FormHandler: groups of the path, query, form or JSON, and those of one dataset among several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tornado.web import HTTPError

Arguments = dict[str, list[Any]]


def request_arguments(handler: Any, path_args: Sequence[Any], path_kwargs: Mapping[str, Any]) -> Arguments:
    """Return the arguments of a request: a form's are added to those of the query, those of JSON replace them.

    Raises:
        HTTPError: 400, the body is no JSON object.
    """
    found: Arguments = {f"_{number}": [value] for number, value in enumerate(path_args) if value is not None}
    found.update((name, [value]) for name, value in path_kwargs.items() if value is not None)
    for name, values in handler.args.items():
        found[name] = found.get(name, []) + values if name in found and not name.startswith("_") else list(values)
    request = handler.request
    if request.body and is_json(request.headers.get("Content-Type", "")):
        found.update(json_arguments(request.body))
    return found


def is_json(content_type: str) -> bool:
    """True if a body is JSON by its type."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def json_arguments(body: bytes) -> Arguments:
    """Return the arguments in a JSON body: an object of arrays, or of single values.

    Raises:
        HTTPError: 400, it is no such thing.
    """
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()  # half of a pair is no text that a database could take
    except (ValueError, RecursionError) as error:
        raise HTTPError(400, "the body is no JSON: %s", error) from None
    if not isinstance(found, dict):
        raise HTTPError(400, 'the body must be a JSON object such as {"id": [1, 2]}')
    return {name: value if isinstance(value, list) else [value] for name, value in found.items()}


def dataset_arguments(args: Mapping[str, list[Any]], name: str, names: Iterable[str]) -> Arguments:
    """Return the arguments for one dataset among several: those without a prefix, and those with its own, which win."""
    own: Arguments = {}
    found: Arguments = {}
    others = set(names)
    for key, values in args.items():
        prefix, colon, rest = key.partition(":")
        if not colon:
            found[key] = values
        elif prefix == name:
            own[rest] = values
        elif prefix not in others:
            continue  # of nobody
    return {**found, **own}


def with_defaults(args: Arguments, *defaults: Mapping[str, list[Any]]) -> Arguments:
    """Return arguments with those that are missing taken from defaults, the first that has them."""
    for default in defaults:
        for name, values in default.items():
            if name not in args:
                args[name] = list(values)
    return args


def first(args: Mapping[str, Sequence[Any]], name: str) -> str:
    """Return the first value of an argument as text, '' if there is none."""
    values = args.get(name)
    return "" if not values or values[0] is None else str(values[0])
