"""Turns a YAML scalar into text, a number, a date ...: what PyYAML's safe loader makes of it."""

from __future__ import annotations

from typing import Any

from yaml.constructor import SafeConstructor
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

TAG = "tag:yaml.org,2002:"
MERGE = TAG + "merge"

# Patterns of plain scalars by their first character, as PyYAML's loaders use them.
_RESOLVERS = Resolver.yaml_implicit_resolvers
_constructor = SafeConstructor()
_CONSTRUCTORS = {
    TAG + "bool": _constructor.construct_yaml_bool,
    TAG + "int": _constructor.construct_yaml_int,
    TAG + "float": _constructor.construct_yaml_float,
    TAG + "timestamp": _constructor.construct_yaml_timestamp,
    TAG + "binary": _constructor.construct_yaml_binary,
}


class BadScalar(Exception):
    """A tag that is not known, or does not fit its value."""


def resolve(value: str) -> str | None:
    """Return the tag of a plain scalar; None for text."""
    for tag, pattern in _RESOLVERS.get(value[:1], ()):
        if pattern.match(value):
            return tag
    return None


def construct(value: str, tag: str | None, plain: bool) -> Any:
    """Return the value of a scalar; `plain` if it was written without quotes.

    Text that only looks like a number or a date, such as 2024-02-30, stays text.

    Raises:
        BadScalar: an explicit tag is not known, or does not fit.
    """
    if tag is None or tag == "!":
        tag = resolve(value) if plain and tag is None else None
        if tag is None:
            return value
        explicit = False
    else:
        explicit = True
    if tag == TAG + "null":
        return None
    if tag == TAG + "str" or (tag in (MERGE, TAG + "value") and not explicit):
        return value
    make = _CONSTRUCTORS.get(tag)
    if make is None:
        raise BadScalar(f"the tag {tag.replace(TAG, '!!')} is not known: leave it out")
    try:
        return make(ScalarNode(tag, value))
    except Exception as error:
        if not explicit:
            return value
        raise BadScalar(f"{value!r} does not fit the tag {tag.replace(TAG, '!!')}") from error
