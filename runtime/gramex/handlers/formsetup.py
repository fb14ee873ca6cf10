"""Reads the ``kwargs:`` of a FormHandler: one dataset or several, and what is common to them."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gramex.data.columns import check_columns
from gramex.data.dataset import SQL, WEB, Dataset, as_lists, is_sqlite, make_dataset, static_paths
from gramex.data.parameters import Bound, check_reading
from gramex.data.refused import Refused
from gramex.handlers.expression import compile_function

app_log = logging.getLogger("gramex")
# Keys of all handlers: never datasets, also where they hold a url:.
COMMON = frozenset((
    "auth", "cache", "cors", "error", "headers", "methods", "ratelimit", "redirect", "set_xsrf", "validate",
    "xsrf_cookies", "default", "modify", "formats", "log",
))  # fmt: skip
PANDAS = "pip install pandas"


def datasets_of(kwargs: Mapping[str, Any]) -> tuple[dict[str, Mapping[str, Any]], bool]:
    """Return the datasets by name, and whether there is one alone, directly in `kwargs`.

    Raises:
        ValueError: there is none.
    """
    if "url" in kwargs:
        return {
            "data": {key: value for key, value in kwargs.items() if key not in COMMON - {"default", "modify"}}
        }, True
    found = {
        str(key): value
        for key, value in kwargs.items()
        if key not in COMMON and isinstance(value, Mapping) and "url" in value
    }
    if not found:
        raise ValueError("url: is missing: where are the data? (a file, or such as sqlite:///$YAMLPATH/x.db)")
    return found, False


def make_datasets(kwargs: Mapping[str, Any], folder: Path, where: str) -> tuple[dict[str, Dataset], bool]:
    """Return the datasets with their functions compiled, and whether there is one alone.

    Raises:
        ValueError: a mistake, with the name of the dataset where there are several.
    """
    specs, single = datasets_of(kwargs)
    made = {}
    for name, spec in specs.items():
        prefix = "" if single else f"{name}: "
        try:
            dataset = make_dataset(name, spec, folder)
            compile_hooks(dataset, spec)
            check_columns(dataset.columns)
            dataset.types = make_types(spec.get("argstype"))
            check_library(dataset)
            warn(dataset, f"{where}: {prefix}")
        except ValueError as error:
            raise ValueError(f"{prefix}{error}") from error
        made[name] = dataset
    if not single:
        for key in kwargs:
            if key not in COMMON and key not in made:
                app_log.warning("%s: %s: is no key of a FormHandler and no dataset: ignored", where, key)
    return made, single


def check_library(dataset: Dataset) -> None:
    """Note that a database cannot be reached: all but SQLite need a library."""
    if dataset.source == SQL and not is_sqlite(dataset.url) and importlib.util.find_spec("sqlalchemy") is None:
        name = dataset.url.partition(":")[0]
        dataset.absent = dataset.absent or f"{name}: needs SQLAlchemy: pip install 'gramex-runtime[data]'"


def compile_hooks(dataset: Dataset, spec: Mapping[str, Any]) -> None:
    """Compile the functions of a dataset.

    Raises:
        ValueError: one is no expression.
    """
    if spec.get("prepare"):
        dataset.prepare = compile_function(spec["prepare"], ("args", "key", "handler"), "prepare")
    if spec.get("queryfunction"):
        dataset.queryfunction = compile_function(spec["queryfunction"], ("args", "key", "handler"), "queryfunction")
    if spec.get("function"):
        dataset.function = compile_function(spec["function"], ("data", "handler"), "function")
    if spec.get("modify"):
        dataset.modify = compile_function(spec["modify"], ("data", "key", "handler"), "modify")
    if isinstance(dataset.state, str) and ("(" in dataset.state or "." in dataset.state):
        dataset.state = compile_function(dataset.state, ("args", "key", "handler"), "state")


def make_types(spec: Any) -> dict[str, Bound]:
    """Return ``argstype:``.

    Raises:
        ValueError: it has a mistake.
    """
    from gramex.data.types import converter

    if spec is None:
        return {}
    if not isinstance(spec, Mapping):
        raise ValueError(f"argstype: must be a mapping such as {{id: {{type: int}}}}, not {spec!r}")
    found = {}
    for name, each in spec.items():
        how = each if isinstance(each, Mapping) else {"type": each}
        convert = converter(how["type"]) if how.get("type") else None
        found[str(name)] = Bound(convert, bool(how.get("expanding")))
    return found


def warn(dataset: Dataset, where: str) -> None:
    """Log what will not work, or not yet."""
    if dataset.unknown:
        app_log.warning("%s%s: not known to FormHandler: ignored", where, ", ".join(dataset.unknown))
    if dataset.absent:
        app_log.warning("%s%s: the URL answers 501", where, dataset.absent)
        return
    for name in ("function", "modify"):
        if getattr(dataset, name) and importlib.util.find_spec("pandas") is None:
            app_log.warning("%s%s: needs pandas%s: %s", where, name, " for GET" if name == "modify" else "", PANDAS)
    if dataset.query:
        try:
            check_reading(dataset.query)
        except Refused as error:
            app_log.error("%s%s", where, error)
    if dataset.source != WEB:
        for path in static_paths(dataset):
            if not path.is_file():
                app_log.warning("%s%s: there is no such file yet", where, path)


def common_defaults(kwargs: Mapping[str, Any], single: bool) -> dict[str, list[Any]]:
    """Return ``default:`` of all datasets.

    Raises:
        ValueError: it is no mapping.
    """
    return {} if single else as_lists(kwargs.get("default"))
