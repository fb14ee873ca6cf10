"""Checks one value against its rule and brings it into the rule's type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from gramex_plan.nearest import nearest
from gramex_plan.problems import Problem
from gramex_plan.schema import LOADER, Rule, other_words

TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*", re.ASCII)
SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Wrong(ValueError):
    """The value does not fit; the text says why, without its name."""


class Checker:
    """Collects problems. `where` tells FILE:LINE of a value that Ansible read, or ''."""

    def __init__(self, where: Callable[[Any], str] = lambda value: "") -> None:
        self.where = where
        self.problems: list[Problem] = []

    def add(self, message: str, what: str = "", at: str = "", right: str = "") -> None:
        """Note a problem; `at` is its FILE:LINE."""
        self.problems.append(Problem(message, what, at, right))

    def value(self, rule: Rule, value: Any, what: str, at: str = "", hide: bool = False) -> Any:
        """
        Return the value in the rule's type, or the rule's default after noting what is wrong.

        `what` names it as in `gramex_apps[1].port`, `at` is the FILE:LINE of its key, `hide` keeps it out of messages.
        """
        hide = hide or rule.secret
        if value is None:
            if rule.required:
                self.add("has no value.", what, at, right(what, rule))
            return rule.default
        try:
            if rule.type == "list":
                return self._list(rule, value, what, at, hide)
            if rule.type == "map":
                return self._map(rule, value, what, at, hide)
            return convert(rule, value, hide)
        except Wrong as error:
            self.add(str(error), what, at or self.where(value), right(what, rule))
            return rule.default

    def mapping(self, rules: Mapping[str, Rule], value: Mapping[Any, Any], what: str, at: str) -> dict[str, Any]:
        """Return a value for each rule; keys without a rule, missing ones and those not built yet are noted."""
        made: dict[str, Any] = {}
        for key in value:
            if key not in rules:
                self.add(unknown(str(key), rules), what, self.where(key) or at, suggestion(str(key), rules))
        for key, rule in rules.items():
            origin = next((self.where(own) for own in value if own == key), "") or at
            if key not in value:
                if rule.required:
                    self.add(f"`{key}` is missing.", what, origin, right(key, rule))
                made[key] = rule.default
            elif not rule.built:
                self.add("is planned but not built yet. Leave it out.", f"{what}.{key}", origin)
                made[key] = rule.default
            else:
                made[key] = self.value(rule, value[key], f"{what}.{key}", origin)
        return made

    def _list(self, rule: Rule, value: Any, what: str, at: str, hide: bool) -> list[Any]:
        if isinstance(value, str):
            value = parsed(value, list) or [value]
        if not isinstance(value, (list, tuple)):
            raise Wrong(f"must be a list, not {kind(value)}.")
        if rule.items is None:
            return list(value)
        return [
            self.value(rule.items, item, f"{what}[{number}]", self.where(item) or at, hide)
            for number, item in enumerate(value)
        ]

    def _map(self, rule: Rule, value: Any, what: str, at: str, hide: bool) -> dict[str, Any]:
        if isinstance(value, str):
            value = parsed(value, dict) or value
        if not isinstance(value, Mapping):
            raise Wrong(f"must be a mapping of names to values, not {kind(value)}.")
        if rule.keys:
            return self.mapping(rule.keys, value, what, at)
        made = {}
        for name, item in value.items():
            origin = self.where(name) or at
            if rule.names and not (isinstance(name, str) and re.fullmatch(rule.names, name, re.ASCII)):
                self.add(f"{json.dumps(str(name))} does not fit: names are {rule.names_hint}.", what, origin)
            elif rule.values and rule.values.type != "any":
                made[str(name)] = self.value(rule.values, item, f"{what}.{name}", origin, hide=True)
            else:
                made[str(name)] = item
        return made


def convert(rule: Rule, value: Any, hide: bool = False) -> Any:
    """Return a scalar in the rule's type. Raises Wrong."""
    if rule.type == "any":
        return value
    made = CONVERTERS[rule.type](value)
    shown = "" if hide else f"{json.dumps(str(value), ensure_ascii=False)} "
    if rule.choices and made not in rule.choices:
        near = nearest(str(made), rule.choices)
        meant = f" Did you mean `{near}`?" if near else ""
        raise Wrong(f"{shown}is none of {', '.join(rule.choices)}.{meant}")
    if made in rule.later:
        built = ", ".join(choice for choice in rule.choices if choice not in rule.later)
        raise Wrong(f"{shown}is planned but not built yet. Use one of {built}.")
    if rule.pattern and not re.fullmatch(rule.pattern, made):
        raise Wrong(f"{shown}does not fit: it must be {rule.hint}.")
    if rule.minimum is not None and made < rule.minimum:
        raise Wrong(f"{shown}is too small: at least {rule.minimum}.")
    if rule.maximum is not None and made > rule.maximum:
        raise Wrong(f"{shown}is too large: at most {rule.maximum}.")
    return made


def text(value: Any) -> str:
    """A text; a whole number counts as one, what YAML may have changed does not."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    raise Wrong(f"must be text, not {kind(value)}. Write it in quotes.")


def whole(value: Any) -> int:
    """A whole number, or a text of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,9}", value.strip(), re.ASCII):
        return int(value)
    raise Wrong(f"must be a whole number, not {kind(value)}.")


def boolean(value: Any) -> bool:
    """A boolean, or one of the words that Ansible takes for one (`-e` gives texts)."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word in TRUE | FALSE:
        return word in TRUE
    raise Wrong(f"must be true or false, not {kind(value)}.")


def seconds(value: Any) -> int:
    """Seconds, from a number or a text such as 30s, 5m or 1h."""
    found = re.fullmatch(r"([0-9]{1,9}) ?([smh]?)", str(value).strip(), re.ASCII)
    if isinstance(value, (bool, float)) or not found:
        raise Wrong("must be a time: a whole number of seconds, or a number with s, m or h.")
    return int(found[1]) * UNITS[found[2]]


def domain(value: Any) -> str:
    """A host name in lower case."""
    name = text(value).strip().lower()
    if DOMAIN.fullmatch(name):
        return name
    shown = json.dumps(name, ensure_ascii=False)
    if "://" in name or "/" in name:
        raise Wrong(f"{shown} is a URL or has a path: give the domain alone, and the path as `path`.")
    if not name.isascii():
        try:
            raise Wrong(f"{shown} has letters beyond ASCII. Write it as {name.encode('idna').decode()}.")
        except UnicodeError:
            pass
    raise Wrong(f"{shown} is not a domain: letters, digits, hyphens and dots.")


def url_path(value: Any) -> str:
    """A path that begins and ends with a slash."""
    path = text(value)
    shown = json.dumps(path, ensure_ascii=False)
    if not path.startswith("/"):
        raise Wrong(f"{shown} must begin with a slash.")
    segments = path.strip("/").split("/") if path.strip("/") else []
    for segment in segments:
        if not SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise Wrong(f"{shown} must be names of letters, digits and . _ ~ - between single slashes.")
    return "/" + "".join(f"{segment}/" for segment in segments)


def folder(value: Any) -> str:
    """A path on the controller; any letters and spaces, but no control characters."""
    path = text(value)
    if not path or CONTROL.search(path):
        raise Wrong("must be a path without control characters.")
    return path


def source(value: Any) -> str | dict[str, str]:
    """Where an app comes from: a folder, an archive or a git repository as text, or {host: FOLDER}."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = parsed(value, dict) or value
    if not isinstance(value, Mapping):
        return folder(value)
    wrong = next((str(key) for key in value if key != "host"), "")
    if wrong or not value:
        raise Wrong(f"has no key `{wrong}`: as a mapping it is {{host: FOLDER}}, a folder that is on the host already.")
    place = folder(value["host"])
    if not place.startswith("/") or {".", ".."} & set(place.split("/")):
        raise Wrong(f"{json.dumps(place, ensure_ascii=False)} must be an absolute path without `.` and `..`.")
    return {"host": place.rstrip("/") or "/"}


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "str": text,
    "int": whole,
    "bool": boolean,
    "seconds": seconds,
    "domain": domain,
    "url_path": url_path,
    "folder": folder,
    "source": source,
}


def parsed(value: str, wanted: type) -> Any:
    """The list or mapping that a text (`-e` gives texts) is in YAML, or None."""
    try:
        made = yaml.load(str(value), Loader=LOADER)  # noqa: S506 a safe loader
    except yaml.YAMLError:
        return None
    return made if isinstance(made, wanted) else None


def kind(value: Any) -> str:
    """What a value is, in words for an operator, without its content."""
    names = {bool: "true or false", int: "a number", float: "a number with a fraction", str: "text", list: "a list"}
    for known, name in names.items():
        if isinstance(value, known):
            return name
    return "a mapping" if isinstance(value, Mapping) else "empty" if value is None else type(value).__name__


def unknown(key: str, rules: Mapping[str, Rule]) -> str:
    """The message for a key that no rule has."""
    near = nearest(key, rules, other_words(rules))
    return f"there is no key `{key}`." + (f" Did you mean `{near}`?" if near else f" Keys: {', '.join(rules)}.")


def suggestion(key: str, rules: Mapping[str, Rule]) -> str:
    """A right example for the key that was probably meant, or ''."""
    near = nearest(key, rules, other_words(rules))
    return right(near, rules[near]) if near else ""


def right(what: str, rule: Rule) -> str:
    """A right example as one line of YAML, or ''."""
    if rule.example is None:
        return ""
    key = re.sub(r"\[\d+\]$", "", what).rsplit(".", 1)[-1]
    value = rule.example if not re.search(r"\[\d+\]$", what) or rule.type == "list" else [rule.example]
    return yaml.safe_dump({key: value}, default_flow_style=True, allow_unicode=True, width=1000).strip()[1:-1]
