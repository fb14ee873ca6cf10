"""Arguments of a request by description: what ``handler.argparse(...)`` returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tornado.util import ObjectDict
from tornado.web import HTTPError, MissingArgumentError

KEYS = frozenset(["name", "default", "type", "nargs", "required", "choices"])


def parse_arguments(given: Mapping[str, list[str]], *names: str, **specs: Any) -> ObjectDict:
    """Return arguments as attributes; `names` are required texts, `specs` descriptions by attribute.

    What is given and not described is there too: the first value, text.

    A description is a type, or a mapping: `name` of the argument if it differs, `default`, `type` to convert to,
    `nargs` (``*`` any number, ``+`` at least one, a number so many: the result is a list), `required`, `choices`.

    Raises:
        HTTPError: 400, an argument is missing or wrong.
        ValueError: a description has an unknown key.
    """
    found = ObjectDict()
    described = set()
    for attribute, spec in [*((name, {}) for name in names), *specs.items()]:
        spec = spec if isinstance(spec, Mapping) else {"type": spec}
        if unknown := set(spec) - KEYS:
            raise ValueError(
                f"argparse: {attribute}: unknown {', '.join(sorted(unknown))}; use {', '.join(sorted(KEYS))}"
            )
        name = str(spec.get("name", attribute))
        described.add(name)
        found[attribute] = parse_argument(attribute, given.get(name, []), spec)
    for name in given.keys() - described - found.keys():
        found[name] = given[name][0]
    return found


def parse_argument(name: str, values: list[str], spec: Mapping[str, Any]) -> Any:
    """Return the value of one argument.

    Raises:
        HTTPError: 400, it is missing or wrong.
    """
    nargs = spec.get("nargs")
    if not values:
        if "default" in spec:
            return spec["default"]
        if nargs == "*" and not spec.get("required"):
            return []
        if spec.get("required") is False:
            return None
        raise MissingArgumentError(name)
    converted = [convert(name, value, spec) for value in values]
    if nargs is None:
        return converted[-1]
    if isinstance(nargs, int) and len(converted) != nargs:
        raise HTTPError(400, "%s: %d values are needed, not %d", name, nargs, len(converted))
    return converted


def convert(name: str, value: str, spec: Mapping[str, Any]) -> Any:
    """Return one value as its type.

    Raises:
        HTTPError: 400, it cannot be, or is none of the choices.
    """
    kind = spec.get("type", str)
    try:
        result = kind(value)
    except (TypeError, ValueError, ArithmeticError):
        raise HTTPError(400, "%s: %r is no %s", name, value, getattr(kind, "__name__", kind)) from None
    if "choices" in spec and result not in spec["choices"]:
        raise HTTPError(400, "%s: %r is none of %s", name, value, ", ".join(map(str, spec["choices"])))
    return result
