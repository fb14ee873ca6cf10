"""One dataset of a FormHandler: what its configuration says, checked at start without loading a database library."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gramex.data.parameters import Bound, fields

# What each key is for; a key in none of these lists is unknown.
SOURCE = ("url", "ext", "table", "query", "queryfile", "queryfunction")
READER = (
    "sep", "encoding", "skiprows", "usecols", "nrows", "dtype", "parse_dates", "header", "names", "na_values",
    "sheet_name", "range", "name",
)  # fmt: skip
ENGINE = ("connect_args", "pool_size", "max_overflow", "pool_recycle", "pool_timeout", "pool_pre_ping", "echo")
OTHER = ("id", "default", "prepare", "function", "modify", "columns", "argstype", "state")
KEYS = frozenset((*SOURCE, *READER, *ENGINE, *OTHER))
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
ABSENT = {
    "plugin": "plugins such as MongoDB",
    "mongodb": "MongoDB",
    "elasticsearch": "Elasticsearch",
    "elasticsearch+http": "Elasticsearch",
    "elasticsearch+https": "Elasticsearch",
    "es": "Elasticsearch",
}
FILE, FOLDER, WEB, SQL = "file", "folder", "web", "sql"


@dataclass(slots=True)
class Dataset:
    """A dataset, checked. Functions of the app are compiled by whoever makes it."""

    name: str
    url: str
    source: str  # FILE, FOLDER, WEB or SQL
    folder: Path  # where relative paths begin
    table: str = ""
    query: str = ""
    queryfile: str = ""
    ext: str = ""
    key: list[str] = field(default_factory=list)
    default: dict[str, list[Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # of the reader
    engine: dict[str, Any] = field(default_factory=dict)  # of the database
    columns: Mapping[str, Any] = field(default_factory=dict)
    types: dict[str, Bound] = field(default_factory=dict)
    state: Any = None  # a table, a list of them, or a function
    queryfunction: Callable[..., Any] | None = None
    prepare: Callable[..., Any] | None = None
    function: Callable[..., Any] | None = None
    modify: Callable[..., Any] | None = None
    absent: str = ""  # why it answers 501
    unknown: list[str] = field(default_factory=list)

    @property
    def is_query(self) -> bool:
        """True if its rows are those of a query."""
        return bool(self.query or self.queryfile or self.queryfunction)


def kind_of_source(url: str) -> str:
    """Return FILE, FOLDER, WEB or SQL for a URL."""
    found = SCHEME.match(url)
    scheme = found[1].lower() if found else ""
    if scheme == "dir":
        return FOLDER
    if scheme in ("http", "https"):
        return WEB
    return SQL if scheme else FILE


def is_sqlite(url: str) -> bool:
    """True if a URL is one of a SQLite database, by the driver that Python has."""
    return url.partition(":")[0].lower() in ("sqlite", "sqlite+pysqlite")


def as_lists(default: Any) -> dict[str, list[Any]]:
    """Return ``default:`` as arguments.

    Raises:
        ValueError: it is no mapping.
    """
    if default is None:
        return {}
    if not isinstance(default, Mapping):
        raise ValueError(f"default: must be a mapping such as {{_limit: 100}}, not {default!r}")
    return {str(name): list(each) if isinstance(each, (list, tuple)) else [each] for name, each in default.items()}


def as_key(value: Any) -> list[str]:
    """Return ``id:`` as a list of columns.

    Raises:
        ValueError: it is neither a column nor a list of columns.
    """
    found = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) and each for each in found):
        raise ValueError(f"id: must be a column or a list of columns, not {value!r}")
    return list(found)


def make_dataset(name: str, spec: Mapping[str, Any], folder: Path) -> Dataset:
    """Return the dataset that a mapping describes, but for its functions and types.

    Raises:
        ValueError: it has a mistake.
    """
    url = spec.get("url")
    if not isinstance(url, str) or not url.strip():
        raise ValueError(f"url: must be a file or the URL of a database, not {url!r}")
    for each in ("table", "query", "queryfile", "ext", "sheet_name", "name", "range"):
        if each in spec and not isinstance(spec[each], str) and not (each == "sheet_name" and spec[each] is not None):
            raise ValueError(f"{each}: must be text, not {spec[each]!r}")
    columns = spec.get("columns") or {}
    is_list = isinstance(columns, list)  # of names, in some public apps; it never meant anything
    if is_list:
        columns = {}
    if not isinstance(columns, Mapping):
        raise ValueError(f"columns: must be a mapping such as {{name: TEXT}}, not {columns!r}")
    made = Dataset(name, url, kind_of_source(url), folder, columns=columns)
    if made.source == FILE and not fields(url) and (url.endswith("/") or (folder / url).is_dir()):
        made.source = FOLDER
    found = SCHEME.match(url)
    scheme = found[1].lower() if found else ""
    if scheme in ABSENT:
        made.absent = f"{ABSENT[scheme]}: this runtime reads SQL databases and files only"
    made.table, made.ext = str(spec.get("table") or ""), str(spec.get("ext") or "")
    made.query, made.queryfile = str(spec.get("query") or ""), str(spec.get("queryfile") or "")
    made.key, made.default, made.state = as_key(spec.get("id")), as_lists(spec.get("default")), spec.get("state")
    made.options = {each: spec[each] for each in READER if spec.get(each) is not None}
    made.engine = {each: spec[each] for each in ENGINE if spec.get(each) is not None}
    made.unknown = [str(each) for each in spec if each not in KEYS or (each == "columns" and is_list)]
    if made.source == SQL and not made.absent and not (made.table or made.is_query or spec.get("queryfunction")):
        raise ValueError(f"table: is missing: which table of {scheme} is meant? (or query:)")
    if made.source == WEB and not made.ext and not fields(url) and not re.search(r"\.\w+$", url.partition("?")[0]):
        raise ValueError(f"ext: is missing: what kind of file is {url}? (such as ext: csv)")
    if made.source in (FILE, WEB) and made.table and made.ext not in ("xlsx", "xlsm", ""):
        made.unknown.append("table")
    check_options(made.options)
    return made


def check_options(options: Mapping[str, Any]) -> None:
    """Check what can be checked without the file.

    Raises:
        ValueError: an option cannot be meant.
    """
    sep = options.get("sep")
    if sep is not None and (not isinstance(sep, str) or len(sep) != 1):
        raise ValueError(f"sep: must be one character, not {sep!r}")
    nrows, skiprows = options.get("nrows"), options.get("skiprows")
    if nrows is not None and (isinstance(nrows, bool) or not isinstance(nrows, int) or nrows < 0):
        raise ValueError(f"nrows: must be a whole number, not {nrows!r}")
    lines = skiprows if isinstance(skiprows, list) else [skiprows or 0]
    if not all(isinstance(each, int) and each >= 0 for each in lines):
        raise ValueError(f"skiprows: must be a number of lines or a list of them, not {skiprows!r}")
    for name in ("usecols", "names"):
        if name in options and not isinstance(options[name], list):
            raise ValueError(f"{name}: must be a list of columns, not {options[name]!r}")
    header = options.get("header")
    if header is not None and header is not False and str(header).lower() != "none" and not isinstance(header, int):
        raise ValueError(f"header: must be the number of a row from 0, or false for none, not {header!r}")
    encoding = options.get("encoding")
    if encoding is not None:
        import codecs

        try:
            codecs.lookup(str(encoding))
        except LookupError:
            raise ValueError(f"encoding: {encoding!r} is not known") from None


def static_paths(dataset: Dataset) -> Sequence[Path]:
    """Return the files that a dataset needs whatever the request."""
    paths = [dataset.url] if dataset.source == FILE else []
    paths += [dataset.queryfile] if dataset.queryfile else []
    return [dataset.folder / path for path in paths if not fields(path)]
