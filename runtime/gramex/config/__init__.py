"""Turns YAML files into one checked configuration."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .problem import ConfigError, Problem, app_log
from .table import variables

__all__ = ["ConfigError", "Loaded", "Problem", "app_log", "load", "variables"]

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass
class Loaded:
    """One checked configuration."""

    conf: dict[str, Any]
    folder: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    guide: bool = False

    def where(self, *path: str) -> str:
        """Return ``gramex.yaml:12`` for the key at `path`, '' when unknown."""
        return ""


def _substitute(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(val) for key, val in value.items()}
    if isinstance(value, list):
        return [_substitute(val) for val in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    if re.fullmatch(r"\$\w+", value) and value[1:] in variables:
        return variables[value[1:]]
    return re.sub(
        r"\$(?:\$|(\w+)|\{(\w+)\})",
        lambda found: "$" if found[0] == "$$" else str(variables.get(found[1] or found[2], "")),
        value,
    )


def _merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            _merge(old[key], value)
        else:
            old[key] = value
    return old


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(val) for key, val in value.items() if val is not None and key != "comment"}
    return [_clean(val) for val in value if val is not None] if isinstance(value, list) else value


def _read(path: Path, folder: Path, loaded: Loaded) -> dict[str, Any]:
    import yaml

    loaded.files.append(path)
    if path.parent not in loaded.folders:
        loaded.folders.append(path.parent)
    variables["YAMLPATH"], variables["YAMLFILE"] = str(path.parent), str(path)
    variables["YAMLURL"] = os.path.relpath(path.parent, folder).replace(os.sep, "/")
    conf = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506
    for name, value in (conf.pop("variables", None) or {}).items():
        if isinstance(value, dict) and "default" in value:
            variables.setdefault(name, _substitute(value["default"]))
        else:
            variables[name] = _substitute(value)
    conf = _substitute(conf)
    imports = conf.pop("import", None) or []
    if isinstance(imports, dict):
        imports = [val["path"] if isinstance(val, dict) else val for val in imports.values()]
    for name in [imports] if isinstance(imports, str) else imports:
        found = path.parent / name
        if found.exists():
            conf = _merge(_read(found, folder, loaded), conf)
    return conf


def load(folder: Path, options: Mapping[str, Any] = {}) -> Loaded:
    """Read the configuration of the app in `folder`; `options` are those of the command line."""
    folder = Path(folder).resolve()
    variables.update(os.environ)
    variables.update(GRAMEXPATH=str(PACKAGE), GRAMEXAPPS=str(PACKAGE / "apps"), GRAMEXHOST=socket.gethostname())
    variables.setdefault("GRAMEXDATA", str(Path.home() / ".config" / "gramexdata"))
    base = folder / "gramex.yaml"
    loaded = Loaded({}, folder, folders=[folder], guide=not base.exists())
    conf = _read(PACKAGE / "gramex.yaml", folder, loaded)
    conf = _merge(conf, _read(PACKAGE / "guide" / "gramex.yaml" if loaded.guide else base, folder, loaded))
    app = {key: val for key, val in options.items() if key != "log"}
    _merge(conf, {"app": app, "log": {"loggers": {"gramex": dict(options.get("log") or {})}}})
    loaded.conf = _clean(conf)
    return loaded
