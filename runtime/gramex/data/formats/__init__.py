"""Formats of answers: what `_format` names, and what ``formats:`` of the configuration adds or changes."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gramex.data.refused import Refused
from gramex.data.result import Result

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Name -> (module that writes it, headers)
BUILT_IN: dict[str, tuple[str, dict[str, str]]] = {
    "json": ("jsontext", {"Content-Type": "application/json"}),
    "csv": (
        "csvtext",
        {"Content-Type": "text/csv;charset=UTF-8", "Content-Disposition": "attachment;filename=data.csv"},
    ),
    "html": ("htmltable", {"Content-Type": "text/html;charset=UTF-8"}),
    "xlsx": ("workbook", {"Content-Type": XLSX, "Content-Disposition": "attachment;filename=data.xlsx"}),
    "template": ("", {"Content-Type": "text/html;charset=UTF-8"}),
}
CHARTS = frozenset(("pptx", "vega", "vegam", "vega-lite", "seaborn", "sns"))
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\"'\\/;]")
TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: `base` is the built-in one that writes it, `options` what the configuration says beside."""

    name: str
    base: str
    headers: Mapping[str, str | None]
    options: Mapping[str, Any] = field(default_factory=dict)


def make_formats(spec: Any, check: Callable[[Any], Mapping[str, str | None]]) -> dict[str, Format]:
    """Return all formats by name; `check` turns ``headers:`` into text.

    Raises:
        ValueError: ``formats:`` has a mistake.
    """
    found = {name: Format(name, name, headers) for name, (_, headers) in BUILT_IN.items() if name != "template"}
    if spec is None:
        return found
    if not isinstance(spec, Mapping):
        raise ValueError(f"formats: must be a mapping of name to format, not {spec!r}")
    for name, each in spec.items():
        if not isinstance(each, Mapping):
            raise ValueError(f"formats.{name}: must be a mapping such as {{format: csv}}, not {each!r}")
        base = str(each.get("format", name))
        if base not in BUILT_IN and base not in CHARTS:
            raise ValueError(f"formats.{name}: format: must be one of {', '.join(BUILT_IN)}, not {base!r}")
        if base == "template" and not isinstance(each.get("template"), str):
            raise ValueError(f"formats.{name}: template: is missing: which file is it?")
        own = check(each.get("headers"))
        headers = {**found[name].headers, **own} if name in found else own
        found[str(name)] = Format(str(name), base, headers, each)
    return found


def choose(formats: Mapping[str, Format], name: str) -> Format:
    """Return the format of a name; JSON for one that is not known.

    Raises:
        Refused: 501, charts and files that cannot be made here.
    """
    if name not in formats and name in CHARTS:
        raise Refused(501, f"_format={name}: charts are not made by this runtime")
    found = formats.get(name) or formats["json"]
    if found.base in CHARTS:
        raise Refused(501, f"_format={name}: format {found.base} is not made by this runtime")
    if found.base == "xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise Refused(501, "_format=xlsx: install openpyxl for Excel files: pip install openpyxl")
    return found


def encode(found: Format, results: Mapping[str, Result], single: bool) -> bytes:
    """Return the body for results by name of dataset; `single` if the handler has one dataset alone."""
    module = importlib.import_module(f"gramex.data.formats.{BUILT_IN[found.base][0]}")
    return module.encode(results, single, found.options)


def disposition(name: str) -> str:
    """Return the header for a file's name, which may be anything that people type."""
    name = UNSAFE.sub("", name).strip()[:200] or "data"
    if TOKEN.fullmatch(name):
        return f"attachment;filename={name}"
    plain = name.encode("ascii", "ignore").decode().strip() or "data"
    return f"attachment;filename=\"{plain}\";filename*=UTF-8''{quote(name, safe='', errors='replace')}"
