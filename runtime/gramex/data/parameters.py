"""Puts arguments of a request into what the configuration says: ``{name}`` in places and names, ``:name`` in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any
from urllib.parse import quote

from gramex.data.pieces import Statement
from gramex.data.refused import Refused

FIELD = re.compile(r"\{(\w+)\}")
SPACE = re.compile(r"\s")
PLAIN = re.compile(r"[\w.]+")
URL_UNSAFE = re.compile(r"[?#@:%;&=\\]")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# Tables and schemas of databases themselves: names of others, definitions, passwords.
SYSTEM = re.compile(r"(?:[^.]*\.)?(?:sqlite_|pg_)|(?:information_schema|mysql|performance_schema|sys)\.", re.IGNORECASE)
# Texts and comments are kept whole, so that what looks like a parameter in them is none.
TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<field>\{\w+\})|(?<![:\w\\]):(?P<bound>[^\W\d]\w*)(?!\w|:)",
    re.DOTALL,
)
BEGIN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*", re.DOTALL)
READING = frozenset(("select", "with", "values", "table", "explain", "show", "describe", "desc"))

Args = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Bound:
    """How an argument is bound: the conversion of its values, and whether all of them are wanted."""

    convert: Callable[[Any], Any] | None = None
    expanding: bool = False


def fields(template: Any) -> list[str]:
    """Return the names of the arguments that a text of the configuration has in braces."""
    return FIELD.findall(template) if isinstance(template, str) else []


def value_of(args: Args, name: str) -> str:
    """Return the first value of an argument as text.

    Raises:
        Refused: 400, there is none, or it has white space.
    """
    values = args.get(name)
    if not values or values[0] is None:
        raise Refused(400, f"{{{name}}} needs an argument {name}")
    value = str(values[0])
    if SPACE.search(value) or CONTROLS.search(value):
        raise Refused(400, f"{{{name}}}: {value[:100]!r} holds white space")
    return value


def inner_path(args: Args, name: str) -> str:
    """Return an argument as a part of a path that leaves no folder.

    Raises:
        Refused: 400, it could leave one.
    """
    value = value_of(args, name)
    if ".." in value or value.startswith(("/", "\\", "~")) or PureWindowsPath(value).drive:
        raise Refused(400, f"{{{name}}}: {value[:100]!r} leaves the folder")
    return value


def fill_path(template: str, args: Args) -> str:
    """Return a path with its arguments.

    Raises:
        Refused: 400, one is missing, or leaves the folder.
    """
    filled = FIELD.sub(lambda found: inner_path(args, found[1]), template)
    if filled != template and climbs(filled) != climbs(template):
        raise Refused(400, f"{filled[:100]!r} leaves the folder")  # each argument was good by itself
    return filled


def climbs(path: str) -> int:
    """Return how often a path goes up a folder."""
    return re.split(r"[/\\]", path).count("..")


def fill_url(template: str, args: Args) -> str:
    """Return the URL of a database with its arguments.

    Raises:
        Refused: 400, one is missing, leaves the folder, or would change another part of the URL.
    """
    for name in fields(template):
        if URL_UNSAFE.search(inner_path(args, name)):
            raise Refused(400, f"{{{name}}}: {value_of(args, name)[:100]!r} cannot be part of a URL")
    return fill_path(template, args)


def fill_web(template: str, args: Args) -> str:
    """Return an http URL with its arguments, which cannot change the host.

    Raises:
        Refused: 400, one is missing, or leaves the folder.
    """
    scheme, _, rest = template.partition("://")
    host, slash, path = rest.partition("/")
    host = FIELD.sub(lambda found: quote(inner_path(args, found[1]), safe=""), host)
    path = FIELD.sub(lambda found: quote(inner_path(args, found[1]), safe="/"), path)
    return f"{scheme}://{host}{slash}{path}"


def fill_name(template: str, args: Args) -> str:
    """Return a name, of a table or a sheet, with its arguments: whoever uses it looks it up among the real ones.

    Raises:
        Refused: 400, an argument is missing.
    """
    return FIELD.sub(lambda found: value_of(args, found[1]), template)


def fill_table(template: str, args: Args) -> str:
    """Return the name of a table of a database with its arguments, which lead to no table of the database itself.

    Raises:
        Refused: 400, an argument is missing; 404, there is no such table for whoever asks.
    """
    name = fill_name(template, args)
    if name != template and SYSTEM.match(name) and not SYSTEM.match(template):
        raise Refused(404, f"there is no table {name!r}")
    return name


def parse_query(sql: str, args: Args, types: Mapping[str, Bound]) -> Statement:
    """Return a query with its arguments.

    Raises:
        Refused: 400, an argument is missing, or is not what may stand where it stands; the query does not only read.
    """
    sql = sql.strip().rstrip(";").rstrip()
    check_reading(sql)
    statement = Statement()
    end = 0
    for found in TOKEN.finditer(sql):
        statement.pieces.append(sql[end : found.start()])
        end = found.end()
        if found["text"] and FIELD.search(found["text"]):
            inner = found["text"][1:-1].replace("''", "'")
            statement.pieces.append((FIELD.sub(lambda each: value_of(args, each[1]), inner),))
        elif found["name"] and found["name"][0] in '"`':
            statement.pieces.append(FIELD.sub(lambda each: plain(args, each[1]), found["name"]))
        elif found["field"]:
            statement.pieces.append(plain(args, found["field"][1:-1]))
        elif found["bound"]:
            add_bound(statement, found["bound"], args, types)
        else:
            statement.pieces.append(found[0])
    statement.pieces.append(sql[end:])
    return statement


def check_reading(sql: str) -> None:
    """Check that a statement begins as those do that return rows.

    Raises:
        Refused: 400, it does not.
    """
    found = BEGIN.match(sql)
    rest = sql[found.end() :] if found else sql
    word = re.match(r"\w*", rest)
    if word is None or word[0].lower() not in READING:
        raise Refused(400, f"query: must be a SELECT or another statement that only reads, not {sql[:60]!r}")


def plain(args: Args, name: str) -> str:
    """Return an argument that becomes a part of a statement.

    Raises:
        Refused: 400, it is neither a plain name nor a number.
    """
    value = value_of(args, name)
    if not PLAIN.fullmatch(value):
        raise Refused(400, f"{{{name}}}: {value[:100]!r} is neither a plain name nor a number")
    return value


def add_bound(statement: Statement, name: str, args: Args, types: Mapping[str, Bound]) -> None:
    """Add the value of a bound parameter, or all of them.

    Raises:
        Refused: 400, there is none, or it does not convert.
    """
    values = args.get(name)
    how = types.get(name, Bound())
    if not values and not (how.expanding and values is not None):
        raise Refused(400, f":{name} needs an argument {name}")
    converted = [converted_value(name, value, how) for value in values or ()]
    if not how.expanding:
        statement.pieces.append((converted[0],))
        return
    before = statement.pieces[-1] if isinstance(statement.pieces[-1], str) else ""
    inside = before.rstrip().endswith("(")
    statement.pieces.append("" if inside else "(")
    for number, value in enumerate(converted):
        statement.pieces += [", ", (value,)] if number else [(value,)]
    if not converted:
        statement.pieces.append("select null where 1 = 0")
    statement.pieces.append("" if inside else ")")


def converted_value(name: str, value: Any, how: Bound) -> Any:
    """Return a value as the configuration says, else as text."""
    if how.convert is None:
        return value if value is None else str(value)
    try:
        return how.convert(value)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise Refused(400, f":{name}={str(value)[:100]!r} does not convert: {error}") from None
