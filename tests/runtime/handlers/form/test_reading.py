"""GET of a FormHandler: filters, order, page, columns, groups and `_meta`, from files, a query and a database."""

from __future__ import annotations

import json

import pytest

from formapp import NAMES, ROWS, entry, path_of

FILES = ("csv", "xlsx", "query")
EVERY = (*FILES, "sql")
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]


@pytest.fixture(scope="module")
def app(form_app):
    database = "sqlite:///sales.db"
    return form_app(
        {
            "csv": entry("/csv", url="sales.csv"),
            "xlsx": entry("/xlsx", url="sales.xlsx"),
            "sql": entry("/sql", url=database, table="sales"),
            "query": entry("/query", url=database, query="select * from sales"),
        }
    )


@pytest.fixture(scope="module")
def ids(app):
    """The ids of the rows that a query gives, or its status."""

    def get(source, *pairs, **more):
        answer = app.get(path_of(f"/{source}", *pairs, **more))
        return [row["id"] for row in answer.json()] if answer.status == 200 else answer.status

    return get


@pytest.mark.parametrize("source", EVERY)
def test_all_rows_come_with_their_types(app, source):
    rows = app.get(f"/{source}").json()
    expected = RECORDS
    if source == "query":  # what a query returns has no declared types: SQLite keeps booleans as numbers
        expected = [row | {"active": None if row["active"] is None else int(row["active"])} for row in RECORDS]
    assert rows == expected
    assert [list(row) for row in rows] == [NAMES] * 6
    assert all(type(row["id"]) is int for row in rows)
    assert all(type(row["growth"]) in (float, type(None)) for row in rows)


# (arguments, ids in files, ids in databases where they differ)
FILTERS = [
    # equal, exact case, any of
    ([("region", "North")], [1, 2], None),
    ([("region", "north")], [], None),
    ([("region", "North"), ("region", "East")], [1, 2, 5], None),
    ([("city name", "Cádiz")], [3], None),
    ([("region", "North"), ("sales", 20)], [2], None),
    ([("region", "North"), ("sales", 5)], [], None),
    ([("growth", "2")], [4], None),
    ([("growth", "2.0")], [4], None),
    ([("growth", "-1")], [5], None),
    # not equal: a null matches in files
    ([("region!", "North")], [3, 4, 5, 6], [3, 4, 5]),
    ([("region!", "North"), ("region!", "East")], [3, 4, 6], [3, 4]),
    ([("sales!", "10")], [2, 3, 4, 5, 6], None),
    # the = only ends the name: strictly greater and less
    ([("sales>", 20)], [3, 4], None),
    ([("sales<", 15)], [1, 5], None),
    ([("sales>", 30), ("sales>", 10)], [2, 3, 4, 6], None),  # any of
    ([("sales>~", 20)], [2, 3, 4], None),
    ([("sales<~", 15)], [1, 5, 6], None),
    ([("sales>", 5), ("sales<", 20)], [1, 6], None),
    ([("growth>", "-2")], [1, 2, 4, 5, 6], None),
    ([("city name>", "Faro")], [4], None),
    # null and not null
    ([("region", "")], [1, 2, 3, 4, 5], None),
    ([("region!", "")], [6], None),
    ([("growth!", "")], [3], None),
    ([("id", ""), ("id", 1)], [1], None),  # an empty value among others is dropped
    ([("note", ""), ("note", "")], [1, 2, 3, 4, 5], None),
    # names that are no columns are ignored
    ([("nosuch", "1")], [1, 2, 3, 4, 5, 6], None),
    ([("nosuch>", "1")], [1, 2, 3, 4, 5, 6], None),
    ([("_anything", "1")], [1, 2, 3, 4, 5, 6], None),
    ([("sales|sum>", "1")], [1, 2, 3, 4, 5, 6], None),
]


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(("pairs", "files", "sql"), FILTERS, ids=lambda value: str(value))
def test_filters(ids, source, pairs, files, sql):
    assert ids(source, *pairs) == (files if source != "sql" or sql is None else sql)


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("region~", "o")], [1, 2, 3, 4]),
        ([("region~", "^No")], [1, 2]),
        ([("region~", "^no")], []),  # case counts
        ([("region*", "^no")], [1, 2]),
        ([("city name*", "CÁDIZ")], [3]),
        ([("region~", "^N"), ("region~", "^E")], [1, 2, 5]),  # any of
        ([("region!~", "^N")], [3, 4, 5, 6]),  # a null counts as no match
        ([("region!~", "^N"), ("region!~", "^E")], [3, 4, 6]),  # none of
        ([("region!*", "^n")], [3, 4, 5, 6]),
        ([("sales~", "^[12]0$")], [1, 2]),  # a number is matched as text
        ([("note~", "two.lines")], []),
        ([("note~", "two\nlines")], [3]),
    ],
)
def test_regular_expressions_in_files(ids, source, pairs, expected):
    assert ids(source, *pairs) == expected


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("name", ["region~", "region!~", "region*", "sales~"])
@pytest.mark.parametrize("pattern", ["(", "*", "[a", "a" * 600, r"(a+)\1+"])
def test_bad_regular_expressions(ids, source, name, pattern):
    assert ids(source, (name, pattern)) == 400


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("region~", "ort")], [1, 2]),
        ([("region~", "NORT")], [1, 2]),  # SQLite does not mind the case of ASCII letters
        ([("region*", "NORT")], [1, 2]),
        ([("region~", "^No")], []),
        ([("region~", "o"), ("region~", "u")], [3, 4]),  # all of
        ([("region!~", "o")], [5]),  # nulls drop out
        ([("region!~", "rth"), ("region!~", "ast")], [3, 4]),  # none of
        ([("region!*", "ORTH")], [3, 4, 5]),
        ([("note~", "%")], [1]),  # no wildcards
        ([("note~", "a_b")], [2]),
        ([("note~", "\\")], []),
        ([("sales~", "5")], [5, 6]),
    ],
)
def test_parts_of_text_in_databases(ids, pairs, expected):
    assert ids("sql", *pairs) == expected


@pytest.mark.parametrize("source", ["csv", "xlsx", "sql"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", [1, 3, 6]), ("T", [1, 3, 6]), ("yes", [1, 3, 6]), ("Y", [1, 3, 6]), ("1", [1, 3, 6]),
        ("false", [2, 4]), ("F", [2, 4]), ("no", [2, 4]), ("n", [2, 4]), ("0", [2, 4]), ("maybe", 400),
    ],
)  # fmt: skip
def test_booleans(ids, source, value, expected):
    assert ids(source, active=value) == expected


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    "pair",
    [
        ("sales", "abc"), ("id", "1.0"), ("sales>", "1e1"), ("growth", "x"), ("growth", "nan"), ("sales", "1 0"),
        ("id", "99999999999999999999"), ("id", "1_0"), ("id", "٣"),
    ],
)  # fmt: skip
def test_values_must_fit_their_column(ids, source, pair):
    assert ids(source, pair) == 400
    assert ids(source, pair, ("id", 1)) == 400
    if pair[0] == "sales":
        assert ids(source, ("sales", 10), pair) == 400  # all of them


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    ("pairs", "files", "sql"),
    [
        ([("_sort", "sales")], [5, 1, 6, 2, 3, 4], None),
        ([("_sort", "-sales")], [4, 3, 2, 6, 1, 5], None),
        ([("_sort", "region"), ("_sort", "-sales")], [5, 2, 1, 4, 3, 6], [6, 5, 2, 1, 4, 3]),
        ([("_sort", "growth")], [5, 1, 2, 4, 6, 3], [3, 5, 1, 2, 4, 6]),  # nulls last in files, both ways
        ([("_sort", "-growth")], [6, 4, 2, 1, 5, 3], [6, 4, 2, 1, 5, 3]),
        ([("_sort", "nosuch"), ("_sort", "-id")], [6, 5, 4, 3, 2, 1], None),
        ([("_sort", "-sales"), ("_limit", 2)], [4, 3], None),
        ([("_sort", "id"), ("_limit", 2), ("_offset", 1)], [2, 3], None),
        ([("_limit", 0)], [], None),
        ([("_limit", 3), ("_limit", 1)], [1, 2, 3], None),  # the first counts
        ([("_limit", "9" * 30), ("_offset", 4)], [5, 6], None),
        ([("_offset", "9" * 30)], [], None),
        ([("_offset", 5)], [6], None),
    ],
)
def test_order_and_page(ids, source, pairs, files, sql):
    assert ids(source, *pairs) == (files if source != "sql" or sql is None else sql)


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize("pair", [("_limit", "x"), ("_limit", ""), ("_limit", "1.5"), ("_limit", -1), ("_offset", -1),
                                  ("_offset", ""), ("_offset", "1e3")])  # fmt: skip
def test_pages_are_whole_numbers(ids, source, pair):
    assert ids(source, pair) == 400


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["sales", "id"], ["sales", "id"]),
        (["city name"], ["city name"]),
        (["-note", "-active"], ["id", "region", "city name", "sales", "growth"]),
        (["id", "sales", "-sales"], ["id"]),
        (["id", "nosuch"], ["id"]),
        (["id", "id"], ["id"]),
        (["nosuch"], []),
        (["-nosuch"], NAMES),
        ([""], []),
        (["-id", "nosuch"], NAMES[1:]),
        (["sales|sum"], []),  # without _by an unknown column
    ],
)
def test_columns(app, source, columns, names):
    rows = app.get(path_of(f"/{source}", *(("_c", each) for each in columns))).json()
    assert [list(row) for row in rows] == [names] * 6
    full = app.get(f"/{source}").json()
    assert rows == [{name: row[name] for name in names} for row in full]
    page = app.get(path_of(f"/{source}", *(("_c", each) for each in columns), _limit=1, _offset=2)).json()
    assert page == rows[2:3]


@pytest.mark.parametrize("source", EVERY)
def test_rows_are_sorted_before_columns_are_dropped(app, source):
    rows = app.get(path_of(f"/{source}", _c="id", _sort="-sales")).json()
    assert rows == [{"id": each} for each in (4, 3, 2, 6, 1, 5)]


def groups(app, source, *pairs):
    answer = app.get(path_of(f"/{source}", *pairs))
    return answer.json() if answer.status == 200 else answer.status


@pytest.mark.parametrize("source", EVERY)
def test_groups(app, source):
    null = [{"region": None, "sales|sum": 15, "region|count": 0}] if source == "sql" else []
    pairs = [("_by", "region"), ("_c", "sales|sum"), ("_c", "region|count")]
    found = groups(app, source, *pairs)
    assert found == [
        *null,
        {"region": "East", "sales|sum": 5, "region|count": 1},
        {"region": "North", "sales|sum": 30, "region|count": 2},
        {"region": "South", "sales|sum": 70, "region|count": 2},
    ]
    assert list(found[-1]) == ["region", "sales|sum", "region|count"]
    # a condition on an aggregate holds for groups, all others before
    assert groups(app, source, *pairs, ("sales|sum>", 30)) == found[-1:]
    assert [row["region"] for row in groups(app, source, *pairs, ("sales|sum>~", 30))] == ["North", "South"]
    assert [row["sales|sum"] for row in groups(app, source, *pairs, ("sales>", 10), ("region!", ""))][:1] != [30]
    assert {row["region"]: row["sales|sum"] for row in groups(app, source, *pairs, ("sales>", 10))}["North"] == 20
    assert [row["sales|sum"] for row in groups(app, source, *pairs, ("_sort", "-sales|sum"))][:2] == [70, 30]
    assert len(groups(app, source, *pairs, ("_limit", 1), ("_offset", 1))) == 1
    assert groups(app, source, *pairs, ("region", "North")) == found[-2:-1]
    # case of the aggregate does not count, that of the name is as asked
    assert groups(app, source, ("_by", "region"), ("_c", "sales|SUM"), ("region", "North")) == [
        {"region": "North", "sales|SUM": 30}
    ]


@pytest.mark.parametrize("source", EVERY)
def test_groups_without_columns_sum_all_numbers(app, source):
    expected = {"region": "North", "id|sum": 3, "sales|sum": 30, "growth|sum": 2.0}
    if source != "sql":
        expected["active|sum"] = 1
    assert groups(app, source, ("_by", "region"), ("region", "North")) == [expected]


@pytest.mark.parametrize("source", EVERY)
def test_groups_without_aggregates_are_distinct_values(app, source):
    found = groups(app, source, ("_by", "region"), ("_c", "sales"))
    assert [row for row in found if row["region"]] == [{"region": each} for each in ("East", "North", "South")]
    two = groups(app, source, ("_by", "region"), ("_by", "active"), ("_c", "x"), ("region", "South"))
    assert len(two) == 2
    assert {tuple(row) for row in two} == {("region", "active")}


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize("by", ["", "nosuch"])
def test_one_row_for_everything(app, source, by):
    assert groups(app, source, ("_by", by), ("_c", "sales|sum"), ("_c", "id|count")) == [
        {"sales|sum": 120, "id|count": 6}
    ]
    assert groups(app, source, ("_by", by), ("_c", "sales|sum"), ("sales|sum>", 500)) == []


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    ("aggregate", "value"),
    [("count", 5), ("sum", 6.0), ("avg", 1.2), ("MIN", -1.0), ("max", 3.0), ("mean", 1.2), ("nunique", 5)],
)
def test_aggregates(app, source, aggregate, value):
    [row] = groups(app, source, ("_by", ""), ("_c", f"growth|{aggregate}"))
    assert row == {f"growth|{aggregate}": pytest.approx(value)}


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize(
    ("aggregate", "value"),
    [("median", 1.5), ("std", 1.524795), ("var", 2.325), ("first", 0.5), ("last", 3.0), ("size", 6), ("prod", -4.5)],
)
def test_aggregates_of_files(app, source, aggregate, value):
    [row] = groups(app, source, ("_by", ""), ("_c", f"growth|{aggregate}"))
    assert row == {f"growth|{aggregate}": pytest.approx(value, abs=1e-5)}


def test_aggregates_of_the_database(app):
    [row] = groups(app, "sql", ("_by", "region"), ("_c", "city name|group_concat"), ("region", "North"))
    assert row == {"region": "North", "city name|group_concat": "Aarhus,Bergen"}


@pytest.mark.parametrize("source", EVERY)
def test_sums_of_nulls(app, source):
    [row] = groups(app, source, ("_by", "region"), ("_c", "growth|sum"), ("id", 3))
    assert row["growth|sum"] == (None if source == "sql" else 0)


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    "name", ["hex", "randomblob", "zeroblob", "load_extension", "nosuch", "", "sum)--", "gx_median"]
)
def test_no_other_function_is_called(app, source, name):
    assert groups(app, source, ("_by", "region"), ("_c", f"sales|{name}")) == 400


@pytest.mark.parametrize("source", FILES)
def test_text_has_no_sum(app, source):
    assert groups(app, source, ("_by", "id"), ("_c", "region|sum")) == 400


def meta(app, source, *pairs):
    answer = app.get(path_of(f"/{source}", *pairs, _meta="y"))
    assert answer.status == 200
    return {name[8:]: json.loads(value) for name, value in answer.headers.items() if name.startswith("Fh-Data-")}


@pytest.mark.parametrize("source", EVERY)
def test_meta(app, source):
    pairs = [("region", "North"), ("sales>", "5"), ("growth!", ""), ("nosuch", "1"), ("nosuch>", "é"), ("_limit", "3")]
    pairs += [("_c", "zzz"), ("_c", "-id"), ("_c", "id"), ("_c", "sales"), ("_sort", "x"), ("_sort", "-id")]
    found = meta(app, source, *pairs)
    count = found.pop("Count", None)
    assert count == (None if source == "sql" else 0)
    assert found == {
        "Filters": [["region", "", ["North"]], ["sales", ">", [5]], ["growth", "!", []]],
        "Ignored": [["_c", ["zzz"]], ["nosuch", ["1"]], ["nosuch>", ["é"]], ["_sort", ["x"]]],
        "Sort": [["id", False]],
        "Offset": 0,
        "Limit": 3,
        "By": [],
        "Excluded": ["id"],
    }


@pytest.mark.parametrize("source", EVERY)
def test_meta_of_groups(app, source):
    found = meta(app, source, ("_by", "region"), ("_by", "x"), ("_c", "sales|sum"), ("_sort", "sales|sum"))
    assert found["By"] == ["region"]
    assert found["Ignored"] == [["_by", "x"]]
    names = meta(app, source, ("_by", "region"), ("_c", "sales"), ("_c", "zzz"), ("_c", "zzz|sum"))
    assert names["Ignored"] == [["_c", ["zzz", "zzz|sum"]]]
    assert found["Sort"] == [["sales|sum", True]]
    assert "Excluded" not in found
    assert found.get("Count") == (None if source == "sql" else 6)


@pytest.mark.parametrize("source", FILES)
def test_meta_counts_rows_after_filters_before_the_page(app, source):
    assert meta(app, source, ("sales>", 10), ("_limit", 1))["Count"] == 4


def test_meta_needs_a_value(app):
    for path in ("/csv", "/csv?_meta="):
        assert not [name for name in app.get(path).headers if name.startswith("Fh-")]


@pytest.mark.parametrize("source", EVERY)
def test_head_is_a_get_without_a_body(app, source):
    head, get = app.request("HEAD", f"/{source}"), app.get(f"/{source}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))
    assert head.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_other_methods(app, method):
    assert app.request(method, "/csv").status in (403, 405)
    assert app.request(method, "/csv", headers={"X-Requested-With": "XMLHttpRequest"}).status == 405
