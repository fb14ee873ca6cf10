"""Reads one file of a known kind for ``gramex.cache.open``: text, JSON, YAML, configurations, CSV, templates, tables.

Kinds of tables need pandas, which is not part of the runtime: where an app has it installed, it is used.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gramex.handlers.templates import Compiled


class Template:
    """A template, with the knowledge of which files it was made from."""

    def __init__(self, compiled: Compiled):
        """Take a compiled template."""
        self.template = compiled.template
        self.is_current = compiled.is_current


def load_text(path: str, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return the text of a file."""
    return Path(path).read_text(encoding=encoding, errors=errors)


def load_bytes(path: str) -> bytes:
    """Return the content of a file."""
    return Path(path).read_bytes()


def load_json(path: str, encoding: str = "utf-8-sig", **kwargs: Any) -> Any:
    """Return the value in a JSON file; `kwargs` are those of json.loads.

    Raises:
        ValueError: it is no JSON.
    """
    import json

    try:
        return json.loads(load_text(path, encoding), **kwargs)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None


def load_yaml(path: str, encoding: str = "utf-8", Loader: Any = None) -> Any:
    """Return the value in a YAML file, read by `Loader` (default: yaml.SafeLoader).

    Raises:
        ValueError: it is no YAML.
    """
    import yaml

    try:
        return yaml.load(load_text(path, encoding), Loader or getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from None


def load_config(path: str) -> Any:
    """Return a YAML file read as ``gramex.yaml`` is: with variables, conditions and imports; {} for an empty one.

    Its keys are attributes, too. ``variables:`` in it are set for all.

    Raises:
        ValueError: it is no YAML, or no mapping.
    """
    from gramex.config import table
    from gramex.config.reader import Reader
    from gramex.config.tree import plain
    from gramex.config.view import view

    names = ("YAMLPATH", "YAMLFILE", "YAMLURL")
    before = {name: table.variables[name] for name in names if name in table.variables}
    reader = Reader(Path.cwd())
    try:
        tree = reader.read(Path(path))
    finally:
        table.variables.update(before)
    if tree is None or reader.fatal:
        raise ValueError("; ".join(str(each) for each in (reader.fatal or reader.problems)))
    for problem in reader.problems:
        problem.log()
    return view(plain(tree))


def load_rows(path: str, encoding: str = "utf-8-sig", **kwargs: Any) -> list[dict[str, str]]:
    """Return the lines of a CSV file as mappings of column to text; `kwargs` are those of csv.DictReader.

    Raises:
        ValueError: it is no CSV.
    """
    import csv

    with Path(path).open(encoding=encoding, newline="") as file:
        try:
            return list(csv.DictReader(file, **kwargs))
        except csv.Error as error:
            raise ValueError(f"{path} is no CSV: {error}") from None


def load_csv(path: str, **kwargs: Any) -> Any:
    """Return a CSV file as a DataFrame where pandas is installed, as apps that install it expect; else as `load_rows`.

    Raises:
        ValueError: it is no CSV.
        ImportError: an argument is one of pandas alone, which is not installed.
    """
    if importlib.util.find_spec("pandas"):
        return Table("csv", "read_csv")(path, **kwargs)
    own = {"encoding", "fieldnames", "restkey", "restval", "dialect", "delimiter", "quotechar", "strict"}
    if "sep" in kwargs:
        kwargs["delimiter"] = kwargs.pop("sep")
    for name in kwargs:
        if name not in own:
            raise ImportError(f"{path}: {name}= needs pandas: pip install pandas")
    return load_rows(path, **kwargs)


def load_template(path: str, autoescape: str | None = "xhtml_escape", whitespace: str | None = None) -> Template:
    """Return a Tornado template; what it includes or extends is relative to its file.

    Raises:
        tornado.template.ParseError: it has a mistake.
        OSError: a file that it includes cannot be read.
    """
    from gramex.handlers.templates import Compiled, options

    chosen = options({"autoescape": autoescape, "template_whitespace": whitespace})
    return Template(Compiled(load_bytes(path), path, str(Path(path).parent), chosen))


def load_markdown(path: str, encoding: str = "utf-8", **kwargs: Any) -> str:
    """Return a Markdown file as HTML; `kwargs` are those of markdown.markdown.

    Raises:
        ImportError: the package markdown is not installed.
    """
    try:
        import markdown  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise ImportError(f"{path}: Markdown needs a package: pip install markdown") from None
    return markdown.markdown(load_text(path, encoding), **kwargs)


class Table:
    """Loads a DataFrame with a function of pandas."""

    def __init__(self, kind: str, function: str):
        """`function` is the name in pandas."""
        self.kind, self.function = kind, function

    def __call__(self, path: str, **kwargs: Any) -> Any:
        """Return the file as a DataFrame.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
        except ImportError:
            raise ImportError(f"{path}: kind {self.kind} needs pandas: pip install pandas") from None
        return getattr(pandas, self.function)(path, **kwargs)


LOADERS: dict[str, Callable[..., Any]] = {
    "text": load_text, "txt": load_text, "html": load_text, "htm": load_text, "svg": load_text, "xml": load_text,
    "css": load_text, "js": load_text, "sql": load_text, "bin": load_bytes,
    "json": load_json, "yaml": load_yaml, "yml": load_yaml, "config": load_config,
    "csv": load_csv, "rows": load_rows, "template": load_template,
    "md": load_markdown, "markdown": load_markdown,
}  # fmt: skip
PANDAS = {
    "xlsx": "read_excel", "xls": "read_excel", "excel": "read_excel", "parquet": "read_parquet", "hdf": "read_hdf",
    "h5": "read_hdf", "feather": "read_feather", "dta": "read_stata", "stata": "read_stata", "sas": "read_sas",
    "sas7bdat": "read_sas", "table": "read_table", "tsv": "read_table", "pickle": "read_pickle", "pkl": "read_pickle",
    "jsondata": "read_json", "orc": "read_orc",
}  # fmt: skip
LOADERS.update((kind, Table(kind, function)) for kind, function in PANDAS.items())


def loader_for(path: str, kind: str | None = None) -> Callable[..., Any]:
    """Return what loads a file of a kind, by default that of its extension.

    Raises:
        ValueError: the kind is not known.
    """
    if kind is not None and not isinstance(kind, str):
        raise ValueError(f"{path}: the second argument must be a kind of file or a function, not {kind!r}")
    name = (kind if kind is not None else Path(path).suffix[1:]).lower()
    try:
        return LOADERS[name]
    except KeyError:
        known = ", ".join(sorted(LOADERS))
        raise ValueError(f"{path}: no kind of file {name!r}; give a function, or one of {known}") from None
