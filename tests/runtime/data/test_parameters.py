"""Arguments in the configuration: ``{name}`` in places and names, ``:name`` in SQL."""

from __future__ import annotations

import pytest

from gramex.data.parameters import Bound, fill_name, fill_path, fill_table, fill_url, fill_web, parse_query
from gramex.data.refused import Refused


def args(**values):
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


def status(function, *values):
    try:
        return function(*values)
    except Refused as error:
        return error.status


@pytest.mark.parametrize(
    ("value", "filled"),
    [("x", "data/x.csv"), ("deep/c", "data/deep/c.csv"), ("a-b_c.d", "data/a-b_c.d.csv"), (5, "data/5.csv"),
     ("é", "data/é.csv")],
)  # fmt: skip
def test_paths(value, filled):
    assert fill_path("data/{x}.csv", args(x=value)) == filled
    assert fill_path("data/{x}.csv", args(x=[value, "other"])) == filled  # the first value


BAD = ["..", "../x", "a/../b", "..\\x", "/etc/passwd", "\\x", "C:\\x", "C:x", "a b", "a\tb", "a\n", " ", "a\0b", "~/x",
       "a\u00a0b"]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("fill", [fill_path, fill_url, fill_web])
def test_values_that_leave_the_folder_or_hold_white_space(fill, value):
    assert status(fill, "http://x/{x}" if fill is fill_web else "sqlite:///data/{x}.db", args(x=value)) == 400


@pytest.mark.parametrize("fill", [fill_path, fill_url, fill_web, fill_name])
@pytest.mark.parametrize("given", [{}, {"x": []}, {"x": [None]}])
def test_braces_without_an_argument(fill, given):
    assert status(fill, "http://x/{x}", given) == 400


def test_two_arguments_cannot_leave_the_folder_together():
    assert status(fill_path, "data/{a}{b}/x", args(a=".", b=".")) == 400
    assert status(fill_path, "../data/{a}{b}/x", args(a="x", b=".")) == "../data/x./x"


@pytest.mark.parametrize("value", ["x?mode=memory", "x#y", "u@host", "a:b", "x%2e%2e", "a;b", "a&b", "a=b"])
def test_an_argument_stays_within_its_part_of_a_url(value):
    assert status(fill_url, "sqlite:///{x}.db", args(x=value)) == 400


def test_an_argument_cannot_change_the_host():
    assert fill_web("http://{x}.example.org/{y}", args(x="evil.org#", y="a?b#c/d")) == (
        "http://evil.org%23.example.org/a%3Fb%23c/d"
    )
    assert fill_web("http://{x}.example.org/", args(x="evil.org/")) == "http://evil.org%2F.example.org/"


def rendered(sql, given, types=None, style="qmark"):
    return status(lambda: parse_query(sql, given, types or {}).render(style))


@pytest.mark.parametrize(
    ("sql", "given", "expected"),
    [
        ("select 1", {}, ("select 1", ())),
        ("select 1 ; ", {}, ("select 1", ())),
        ("select :x", args(x=["a", "b"]), ("select ?", ("a",))),
        ("select :x, :y, :x", args(x="1", y="2"), ("select ?, ?, ?", ("1", "2", "1"))),
        ("select a::text, '12:30', ':x', \":x\" -- :x\n /* :x */", {}, None),
        ("select $$ :x {x} $$, $a$ :x $a$", {}, None),
        ("select {x} from t", args(x="sales"), ("select sales from t", ())),
        ("select {x} from t", args(x="1.5"), ("select 1.5 from t", ())),
        ("select '{x}'", args(x="a'or(1=1)or'"), ("select ?", ("a'or(1=1)or'",))),
        ("select '%{x}''s%'", args(x="v"), ("select ?", ("%v's%",))),
        ('select "{x}"', args(x="col"), ('select "col"', ())),
        ("select `{x}`", args(x="col"), ("select `col`", ())),
        ("select '{\"a\": 1}'", {}, None),
        ("select {x}", args(x="(select/**/word/**/from/**/secret)"), 400),
        ("select {x}", args(x="a;drop"), 400),
        ("select {x}", args(x="a--"), 400),
        ("select {x}", args(x="a b"), 400),
        ("select {x}", args(x=""), 400),
        ('select "{x}"', args(x='a"b'), 400),
        ("select '{x}'", args(x="a b"), 400),  # white space is refused everywhere
        ("select {x}", {}, 400),
        ("select :x", {}, 400),
        ("select :x", args(x=[]), 400),
        ("  -- note\n /* more */ ( select 1)", {}, None),
        ("with a as (select 1) select * from a", {}, None),
        ("VALUES (1)", {}, None),
        ("update t set a=1", {}, 400),
        ("drop table t", {}, 400),
        ("-- select\n delete from t", {}, 400),
        ("pragma user_version = 5", {}, 400),
        ("", {}, 400),
    ],
    ids=str,
)
def test_queries(sql, given, expected):
    assert rendered(sql, given) == ((sql.strip(), ()) if expected is None else expected)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("qmark", ("select '%', a where b = ?", ("1",))),
        ("format", ("select '%%', a where b = %s", ("1",))),
        ("pyformat", ("select '%%', a where b = %(p0)s", {"p0": "1"})),
        ("named", ("select '%', a where b = :p0", {"p0": "1"})),
        ("numeric", ("select '%', a where b = :1", ("1",))),
        ("numeric_dollar", ("select '%', a where b = $1", ("1",))),
    ],
)
def test_styles_of_drivers(style, expected):
    assert rendered("select '%', a where b = :x", args(x="1"), style=style) == expected


def test_types_of_bound_values():
    number, numbers = {"x": Bound(int)}, {"x": Bound(int, expanding=True)}
    assert rendered("select :x", args(x="5"), number) == ("select ?", (5,))
    assert rendered("select :x", args(x="y"), number) == 400
    assert rendered("select 1 where a in :x", args(x=["1", "2"]), numbers) == ("select 1 where a in (?, ?)", (1, 2))
    assert rendered("select 1 where a in ( :x )", args(x=["1"]), numbers) == ("select 1 where a in ( ? )", (1,))
    assert rendered("select 1 where a in :x", args(x=[]), numbers)[0].endswith("(select null where 1 = 0)")
    assert rendered("select 1 where a in :x", args(x=["1", "y"]), numbers) == 400


@pytest.mark.parametrize(
    "name",
    ["sqlite_master", "SQLITE_schema", "main.sqlite_master", "pg_catalog.pg_authid", "information_schema.tables"],
)
def test_tables_of_the_database_itself_are_not_for_arguments(name):
    assert status(lambda: fill_table("{t}", args(t=name))) == 404
    assert fill_table(name, {}) == name
    assert fill_table("{t}", args(t="sales")) == fill_table("sales", {}) == "sales"
