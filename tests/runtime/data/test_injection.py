"""No part of a URL gets into SQL: names, operators, values, aggregates, orders and pages of any text are tried.

A query either answers with rows of its own table, or is refused as the mistake of the request (4xx). The database must
not change, and what another table holds must not be seen. A statement that breaks is a 500, and fails the test too:
whoever can break a statement can often write another one.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from formapp import NAMES, make_database
from gramex.data.aggregates import DIALECTS, FILES
from gramex.data.dataset import make_dataset
from gramex.data.formats import BUILT_IN, choose, disposition, encode, make_formats
from gramex.data.grammar import Grammar, quoted
from gramex.data.meta import meta_headers
from gramex.data.query import Column, Rules, parse
from gramex.data.reading import read
from gramex.data.refused import Refused
from gramex.data.statement import Place, build
from gramex.data.types import converter
from gramex.data.writing import write
from gramex.handlers.headers import VALUE

SECRET = "xyzzy"
ATTACKS = [
    "'", '"', "`", "]", ";", "--", "/*", "\\", "%", "_", "' or 1=1 --", '" or 1=1 --', "1; delete from sales",
    "\0", "\n", "'; drop table sales; --", "(select word from secret)", "secret", "secret.word", "sales.id",
    "id) from sales; --", "' union select word,1,1,1,1,1,1 from secret --", "id, (select word from secret)",
    'id" , "word', "rowid", "word",
    "_rowid_", "id|hex", "sales|sum) from secret --", "sales|count(*)", "id|group_concat", "id|load_extension", "n",
    "t", "c0", ":x", ":param_1", "?", "%(x)s", "{0}", "{x}", "$1", "case when 1 then 1 end", "null", "1e999", "-1",
    "id desc", "sqlite_version()", "randomblob(1000000000)", "\uff41", "\ufffd",
]  # fmt: skip
OPERATORS = ["", "!", ">", "<", ">~", "<~", "~", "!~", "*", "!*", "|sum", "|count>", "|max~", "=", ">=", "|", "||"]
CONTROLS = ["_c", "_sort", "_by", "_limit", "_offset", "_meta", "_format", "_x", "_0"]

anything = st.one_of(
    st.sampled_from(ATTACKS), st.sampled_from(NAMES), st.text(max_size=12), st.integers(-5, 50).map(str), st.just("")
)
names = st.one_of(
    st.sampled_from(NAMES), st.sampled_from(CONTROLS), anything, st.builds("{}{}".format, anything, anything)
)
keys = st.builds("{}{}".format, names, st.sampled_from(OPERATORS))
values = st.lists(
    st.one_of(
        anything,
        st.builds("-{}".format, anything),
        st.builds(
            "{}|{}".format, anything, st.one_of(anything, st.sampled_from(["sum", "count", "avg", "group_concat"]))
        ),
    ),
    min_size=1,
    max_size=3,
)
controls = st.fixed_dictionaries({}, optional=dict.fromkeys(("_c", "_by", "_sort"), values))
pages = st.fixed_dictionaries({}, optional={name: st.lists(anything, max_size=2) for name in ("_limit", "_offset")})
queries = st.builds(
    lambda one, two, three: {**one, **two, **three},
    st.dictionaries(keys, values, max_size=3),
    controls,
    st.one_of(st.just({}), pages),
)
AGGREGATES = {name for each in (FILES, *DIALECTS.values()) for name in each}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
bodies = st.dictionaries(keys, st.lists(json_values, max_size=3), max_size=5)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("injection")
    make_database(path / "sales.db")
    connection = sqlite3.connect(path / "sales.db")
    (path / "sales.csv").write_text("id,region,city name,sales\n1,North,A,10\n2,South,B,20\n3,,C,\n")
    connection.close()
    return path


def outcome(function, *values):
    """What a call returns, or the Refused that it raises."""
    try:
        return function(*values)
    except Refused as error:
        return error


def sources(folder: Path):
    url = f"sqlite:///{folder}/sales.db"
    yield make_dataset("data", {"url": "sales.csv"}, folder)
    yield make_dataset("data", {"url": url, "table": "sales"}, folder)
    yield make_dataset("data", {"url": url, "query": "select * from sales"}, folder)


@quick
@given(queries)
@example({"_c": ["id|hex"], "_by": ["id"]})
@example({"_by": ["region"], "_c": ["sales|sum"], "sales|sum>": ["1 or 1=1"]})
@example({"id": ["1 or 1=1"]})
@example({"region~": ["(" * 300]})
def test_reading(folder, args):
    before = (folder / "sales.db").read_bytes()
    for dataset in sources(folder):
        result = outcome(read, dataset, args, True)
        if isinstance(result, Refused):
            assert 400 <= result.status < 500, f"{dataset.source}: {args}: {result}"
            continue
        for name in set(result.names) - set(NAMES):
            column, _, aggregate = name.rpartition("|")
            assert column in NAMES
            assert aggregate.lower() in AGGREGATES
        assert not any(SECRET in str(cell) for row in result.rows for cell in row)
        for name, value in meta_headers("data", result.meta).items():
            assert VALUE.fullmatch(value), name
            assert value.isascii()
        for name in BUILT_IN:
            if name not in ("template", "xlsx"):
                encode(choose(make_formats(None, dict), name), {"data": result}, True)
    assert (folder / "sales.db").read_bytes() == before


def rows_of(path: Path) -> dict[int, tuple]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {row[0]: row for row in connection.execute("select * from sales")}


def others_of(path: Path) -> list[tuple]:
    """What else is in a database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [*connection.execute("select * from secret"), *connection.execute("select sql from sqlite_schema")]


@quick
@given(st.sampled_from(["POST", "PUT", "DELETE"]), bodies, st.lists(json_values, max_size=2))
@example("DELETE", {"id": [""]}, [])
@example("DELETE", {"id!": [""]}, [])
@example("PUT", {"id": [None], "region": ["x"]}, [])
def test_writing(folder, method, args, key):
    path = folder / "written.db"
    path.write_bytes((folder / "sales.db").read_bytes())
    if key:
        args = {**args, "id": key}
    before, others = rows_of(path), others_of(path)
    dataset = make_dataset("data", {"url": f"sqlite:///{path}", "table": "sales", "id": "id"}, folder)
    written = outcome(write, dataset, method, args, None)
    if isinstance(written, Refused):
        assert 400 <= written.status < 500, f"{args}: {written}"
        assert rows_of(path) == before
        return
    after = rows_of(path)
    changed = {row for row in before if after.get(row) != before[row]}
    wanted = {int(value) for value in args.get("id", ()) if str(value).lstrip("+-").isdigit()}
    assert changed <= wanted if method != "POST" else not changed
    assert len(after) == len(before) + {"POST": written.count, "PUT": 0, "DELETE": -written.count}[method]
    assert others_of(path) == others


@settings(quick, max_examples=60)
@given(bodies, st.sampled_from(["POST", "PUT", "DELETE"]))
def test_writing_files(folder, args, method):
    path = folder / "written.csv"
    text = "id,region,city name,sales\n1,North,A,10\n2,South,B,20\n"
    path.write_text(text)
    dataset = make_dataset("data", {"url": "written.csv", "id": "id"}, folder)
    written = outcome(write, dataset, method, args, None)
    if isinstance(written, Refused):
        assert 400 <= written.status < 500, f"{args}: {written}"
        assert path.read_text() == text
        return
    rows = read(make_dataset("data", {"url": "written.csv", "dtype": "str"}, folder), {}, False)
    assert rows.names == ["id", "region", "city name", "sales"]
    assert len(rows.rows) == 2 + {"POST": written.count, "PUT": 0, "DELETE": -written.count}[method]


@quick
@given(anything, anything)
def test_arguments_in_the_configuration(folder, one, two):
    before = (folder / "sales.db").read_bytes()
    url = f"sqlite:///{folder}/sales.db"
    specs = [
        {"url": url, "table": "{a}"},
        {"url": url, "query": "select {a} from sales"},
        {"url": url, "query": "select id from sales where region = '{a}' or [city name] like '%{b}%'"},
        {"url": url, "query": 'select id from sales where region = :a and id in :b order by "{a}"'},
        {"url": "sqlite:///{a}.db", "table": "sales"},
        {"url": "{a}.csv"},
        {"url": "sales.csv", "ext": "{a}"},
        {"url": url, "queryfile": "{a}"},
    ]
    for spec in specs:
        dataset = make_dataset("data", spec, folder)
        dataset.types = {}
        result = outcome(read, dataset, {"a": [one], "b": [two]}, False)
        if isinstance(result, Refused):
            # a name that is plain may be no column: the statement of the app then fails, as the app wrote it
            plain = "query" in spec and one.replace("_", "x").replace(".", "x").isalnum()
            assert result.status < 500 or result.status == 501 or plain, f"{spec}: {one!r}, {two!r}: {result}"
            continue
        if spec.get("table") != "{a}":
            assert not any(SECRET in str(cell) for row in result.rows for cell in row)
    assert (folder / "sales.db").read_bytes() == before
    assert sorted(path.name for path in folder.glob("*.db")) in (["sales.db"], ["sales.db", "written.db"])


titles = st.one_of(st.sampled_from(ATTACKS), st.text(min_size=1, max_size=8)).filter(
    lambda name: "\0" not in name and name.isprintable() and name == name.strip() and name[0] not in "_-{"
)


@settings(quick, max_examples=25)
@given(st.lists(titles, min_size=1, max_size=3, unique_by=str.casefold), titles)
@example(['a" or 1=1 --', "b'", "c?%(p0)s:x"], 't"; drop table x; --')
def test_names_of_tables_and_columns_may_be_any_text(folder, columns, table):
    assume(not table.lower().startswith("sqlite_") and not set("{.:") & set(table))
    path = folder / "odd" / "names.db"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    url = f"sqlite:///{path}"
    written = make_dataset("data", {"url": url, "table": table, "columns": dict.fromkeys(columns, "TEXT"),
                                    "id": columns[0]}, folder)  # fmt: skip
    first, last = columns[0], columns[-1]
    for value in ("x", "y", "it's"):
        write(written, "POST", {name: [value] for name in columns}, None)
    if first != last:
        assert write(written, "PUT", {first: ["y"], last: ["y"]}, None).count == 1
    plain = {"url": url, "table": table}
    query = {"url": url, "query": 'select * from "{}"'.format(table.replace('"', '""'))}
    for spec in (plain, query):
        dataset = make_dataset("data", spec, folder)
        assert read(dataset, {}, False).names == columns
        for name in columns:
            args = {f"{name}!": ["x"], "_sort": [f"-{name}"], "_c": [name]}
            if name not in CONTROLS and f"{name}!" not in columns and f"-{name}" not in columns:
                assert [row[0] for row in read(dataset, args, False).rows] == ["y", "it's"]
            if name in columns and "|" not in name:
                found = read(dataset, {"_by": [name], "_c": [f"{name}|count"]}, False)
                assert [tuple(row) for row in found.rows] == [("it's", 1), ("x", 1), ("y", 1)]
    assert write(written, "DELETE", {first: ["it's"]}, None).count == 1
    assert len(read(make_dataset("data", plain, folder), {}, False).rows) == 2


GRAMMARS = [
    Grammar("sqlite", quoted),
    Grammar("postgresql", quoted, "pyformat", True),
    Grammar("mssql", quoted, "named"),
]
KINDS = {"id": "int", "region": "text", "city name": "text", "sales": "float", "active": "bool"}


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda each: each.name)
@quick
@given(st.lists(st.tuples(st.sampled_from(["region", "city name"]), st.sampled_from(OPERATORS[:10]), anything,
                          anything), min_size=1, max_size=3), controls)  # fmt: skip
def test_the_text_of_a_statement_has_no_value(grammar, filters, args):
    """Whatever the values are, the statement is the same; names in it are those of the table."""
    columns = [Column(name, kind) for name, kind in KINDS.items()]
    place = Place(grammar, ["t"], {name: quoted(name) for name in KINDS}, KINDS)
    texts = []
    for which in (2, 3):
        given_args = {f"{each[0]}{each[1]}": [f"v{each[which]}"] for each in filters}
        query = outcome(parse, {**args, **given_args}, columns, Rules(False, grammar.aggregates))
        if isinstance(query, Refused):
            return
        statement = build(query, place)
        texts.append(statement.render(grammar.paramstyle)[0])
        bound = [piece[0] for piece in statement.pieces if isinstance(piece, tuple)]
        assert len(bound) >= (len(query.filters) if query.outputs else 0)
    assert texts[0] == texts[1]
    names = set(re.findall('"([^"]*)"', texts[0]))
    assert names <= {*KINDS, *(f"o{number}" for number in range(len(query.outputs)))}


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), anything))
def test_names_of_downloads(name):
    header = disposition(name)
    assert VALUE.fullmatch(header)
    assert header.isascii()
    assert header.startswith("attachment;filename=")


def test_types_of_arguments_are_the_apps_alone():
    assert converter("int")("5") == 5
    with pytest.raises(ValueError, match="__import__"):
        converter("int")("__import__('os')")
