"""The declared settings agree with the packaged defaults, the help and the guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import gramex
from gramex.commands import COMMANDS
from gramex.options import BY_NAME, KINDS, LOG_OPTIONS, NAMES, OPTIONS, Option, nearest

PACKAGE = Path(gramex.__file__).parent


def packaged(name: str) -> Any:
    value: Any = yaml.safe_load((PACKAGE / "gramex.yaml").read_text(encoding="utf-8"))["app"]
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("option", [*OPTIONS, *LOG_OPTIONS], ids=lambda option: option.name)
def test_declaration(option: Option) -> None:
    assert re.fullmatch(r"[a-z_.]+", option.name)
    assert option.kind in KINDS
    assert option.help
    assert not option.help.endswith(".")
    assert option.help[0].islower() or option.help[0] in "`LT" or option.help.startswith("Tornado")
    assert option.default


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_default_is_that_of_the_packaged_layer(option: Option) -> None:
    value = packaged(option.name)
    if value is not None:
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        assert shown == option.default


def test_each_packaged_setting_is_declared() -> None:
    app = yaml.safe_load((PACKAGE / "gramex.yaml").read_text(encoding="utf-8"))["app"]
    names = {f"{section}.{key}" for section, values in app.items() for key in values}
    assert names - BY_NAME.keys() <= {"settings.xsrf_cookie_kwargs", "settings.autoescape"}


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(OPTIONS) + len(LOG_OPTIONS)


def test_each_kind_has_a_name() -> None:
    assert NAMES.keys() == KINDS.keys()


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("port", "8080", 8080),
        ("port", 0, 0),
        ("whole", "10", 10),
        ("number", "1.5", 1.5),
        ("number", "2", 2),
        ("number", 2.0, 2),
        ("switch", "False", False),
        ("switch", "on", True),
        ("switch", 1, True),
        ("switch", True, True),
        ("text", 5, "5"),
        ("text", False, False),
        ("text", "x", "x"),
        ("mapping", {"a": 1}, {"a": 1}),
        ("any", [1], [1]),
        ("port", None, None),
    ],
)
def test_conversion(kind: str, given: Any, value: Any) -> None:
    converted = Option("x", kind, "-", "-").convert(given)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("port", "x"),
        ("port", -1),
        ("port", 65536),
        ("port", True),
        ("port", 80.5),
        ("port", [80]),
        ("whole", "1.5"),
        ("number", "nan"),
        ("number", float("inf")),
        ("number", False),
        ("switch", "maybe"),
        ("switch", 2),
        ("text", ["a"]),
        ("text", {}),
        ("mapping", "a"),
    ],
)
def test_what_does_not_fit(kind: str, given: Any) -> None:
    with pytest.raises(ValueError, match=f"^must be {re.escape(NAMES[kind])}, not "):
        Option("x", kind, "-", "-").convert(given)


def test_suggestions() -> None:
    assert nearest("listen.prot", BY_NAME) == "listen.port"
    assert nearest("qqqqqq", BY_NAME) == ""


def test_the_guide_has_every_command() -> None:
    guide = (PACKAGE / "guide" / "command-line.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert re.search(rf"^\| `gramex {command.name}\b", guide, re.MULTILINE)
