"""Splits a command line into words and options, and gives the options their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gramex.options import BY_NAME, Option, nearest

# An option begins with one or two dashes and a letter; -1 is a number.
_OPTION = re.compile(r"--?([^\W\d_][\w.-]*)(?:=(.*))?", re.DOTALL)
_SWITCH_VALUES = frozenset(("true", "false", "yes", "no", "on", "off"))


class UsageError(Exception):
    """A command line that cannot be meant; the message is for whoever typed it."""


def split(arguments: Sequence[str], switches: Iterable[str] = ()) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Return the words, and the options as (name, text); the text is None for an option alone.

    ``--a=b`` and ``--a b`` are the same. An option in `switches` takes no word after it but a truth value. Behind
    ``--`` there are only words.

    Raises:
        UsageError: an argument that begins with a dash and is no option.
    """
    words: list[str] = []
    options: list[tuple[str, str | None]] = []
    switches = frozenset(switches)
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            words += rest
            break
        if not argument.startswith("-") or argument == "-" or _is_number(argument):
            words.append(argument)
            continue
        found = _OPTION.fullmatch(argument)
        if not found:
            raise UsageError(f"{argument}: is no option: write --name=value")
        name, text = found[1], found[2]
        following = rest[0] if rest and (not rest[0].startswith("-") or _is_number(rest[0])) else None
        if text is None and following is not None and (name not in switches or following.lower() in _SWITCH_VALUES):
            text = rest.pop(0)
        options.append((name, text))
    return words, options


def _is_number(argument: str) -> bool:
    return re.fullmatch(r"-[\d.]+", argument) is not None


def nest(options: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """Return options as nested mappings: ``--a.b=1`` is ``{'a': {'b': 1}}``. What is given twice becomes a list.

    Values are YAML, those of declared options in their declared type.

    Raises:
        UsageError: a value does not fit, or an option is inside another one that has a value.
    """
    nested: dict[str, Any] = {}
    values: dict[str, list[Any]] = {}
    for name, text in options:
        values.setdefault(name, []).append(typed(name, text, BY_NAME.get(name)))
    for name, found in values.items():
        *above, last = name.split(".")
        place = nested
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                break
        if not isinstance(place, dict) or not all((*above, last)) or isinstance(place.get(last), dict):
            raise UsageError(f"--{name}: does not go together with the other options: one is inside another")
        place[last] = found[0] if len(found) == 1 else found
    return nested


def declared(options: Iterable[tuple[str, str | None]], known: Mapping[str, Option]) -> dict[str, Any]:
    """Return the options of a command that declares them all; the last one of several counts.

    Raises:
        UsageError: an option that the command does not have, or a value that does not fit.
    """
    found: dict[str, Any] = {}
    for name, text in options:
        option = known.get(name)
        if option is None:
            near = nearest(name, known)
            raise UsageError(f"--{name}: there is no such option" + (f". Did you mean --{near}?" if near else ""))
        found[name] = typed(name, text, option)
    return found


def typed(name: str, text: str | None, option: Option | None) -> Any:
    """Return the value of an option: YAML, unless it is declared as text.

    Raises:
        UsageError: it does not fit the declaration.
    """
    if text is None:
        if option is not None and option.kind not in ("switch", "any", "mapping"):
            raise UsageError(f"--{name}: needs a value, such as --{name}={_example(option)}")
        return True
    value = text if option is not None and option.kind == "text" and text not in ("null", "false") else _yaml(text)
    if option is None:
        return value
    try:
        return option.convert(value)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None


def _example(option: Option) -> str:
    return "VALUE" if " " in option.default or option.default in ("all", "none") else option.default


def _yaml(text: str) -> Any:
    """Return a value written in YAML; text that is none, such as ``@x`` or ``#x``, as it is."""
    import yaml

    from gramex.config.scalars import construct

    if re.fullmatch(r"[\w./+-]*", text):
        return construct(text, None, True)
    try:
        value = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    return text if value is None and text.lstrip()[:1] == "#" else value
