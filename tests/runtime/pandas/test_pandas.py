"""Functions of a FormHandler that want DataFrames, where pandas is installed."""

from __future__ import annotations

import json
import sqlite3

import pytest

from formapp import AJAX, NAMES, SALES, entry, make_database

HOOKS = """
import pandas as pd

def double(data, handler):
    assert isinstance(data, pd.DataFrame), type(data)
    data = data.copy()
    data["sales"] = data["sales"] * 2
    data["rows"] = len(data)
    return data

def top(data, key, handler):
    assert isinstance(data, pd.DataFrame), type(data)
    data["key"] = key
    return data.sort_values("sales", ascending=False).head(2)

def months(data):
    data["month"] = data["day"].dt.month
    return data

def dtypes(data):
    return json_text(data)

def numbers(data):
    import numpy
    return data.select_dtypes(include=[numpy.number])

def json_text(data):
    import json
    return json.dumps({name: str(kind) for name, kind in data.dtypes.items()})

def raw(data):
    return b"raw bytes"

async def later(data):
    return data.head(1)

def joined(data, handler):
    assert set(data) == {"one", "two"}
    return data["one"].merge(data["two"], on="id")[["id", "sales_x", "sales_y"]]

def queried(data):
    return data["one"].merge(data["two"], on="region")

def several(data):
    return {"sums": data["one"].groupby("region").agg({"sales": "sum"}).reset_index(), "two": data["two"].head(1)}

def number(data):
    return data["sales"].sum()

def fails(data):
    raise RuntimeError("hidden reason")

def on_edits(data, handler):
    return {"rows": data, "type": type(data).__name__}

def series(data):
    return data["sales"]

def empty(data):
    return data.head(0)
"""
DATABASE = {"url": "sqlite:///sales.db", "table": "sales"}
QUERY = {"url": "sqlite:///sales.db", "query": "select * from sales"}


@pytest.fixture(scope="module")
def app(serve_module, tmp_path_factory, pandas_folder):
    folder = tmp_path_factory.mktemp("pandas")
    make_database(folder / "sales.db")
    url = {
        "function": entry("/function/csv", url="sales.csv", function="hooks.double(data, handler)"),
        "functionsql": entry("/function/sql", **DATABASE, function="hooks.double(data, handler)"),
        "functionquery": entry("/function/query", **QUERY, function="hooks.double(data, handler)"),
        "modify": entry("/modify/csv", url="sales.csv", modify="hooks.top(data, key, handler)"),
        "modifysql": entry("/modify/sql", **DATABASE, modify="hooks.top(data, key, handler)"),
        "months": entry("/months", url="days.csv", parse_dates=["day"], modify="hooks.months(data)"),
        "dtypes": entry("/dtypes", url="sales.csv", modify="hooks.dtypes(data)"),
        "numbers": entry("/numbers", url="empty.csv", function="hooks.numbers(data)"),
        "numbersleft": entry("/numbersleft", url="empty.csv", modify="hooks.numbers(data)"),
        "raw": entry("/raw", url="sales.csv", modify="hooks.raw(data)"),
        "later": entry("/later", url="sales.csv", modify="hooks.later(data)"),
        "joined": entry("/joined", one={"url": "sales.csv"}, two=DATABASE, modify="hooks.joined(data, handler)"),
        "queried": entry(
            "/queried", one={"url": "sales.csv"}, two={**QUERY, "modify": "data"}, modify="hooks.queried(data)"
        ),
        "several": entry("/several", one={"url": "sales.csv"}, two=DATABASE, modify="hooks.several(data)"),
        "number": entry("/number", url="sales.csv", modify="hooks.number(data)"),
        "fails": entry("/fails", url="sales.csv", function="hooks.fails(data)"),
        "series": entry("/series", url="sales.csv", modify="hooks.series(data)"),
        "empty": entry("/empty", url="sales.csv", modify="hooks.empty(data)"),
        "edits": entry("/edits", **DATABASE, id="id", modify="hooks.on_edits(data, handler)"),
        "plain": entry("/plain", url="sales.csv"),
    }
    files = {"hooks.py": HOOKS, "sales.csv": SALES, "days.csv": "day,n\n2020-01-05,1\n,2\n"}
    files["empty.csv"] = "text,none,some\na,,1\nb,,\n"
    app = serve_module({"url": url}, files, folder=folder, env={"PYTHONPATH": str(pandas_folder), "PYTHONWARNINGS": ""})
    assert "needs pandas" not in app.log
    return app


@pytest.mark.parametrize("source", ["csv", "sql", "query"])
def test_function_gets_the_whole_source_before_filters(app, source):
    answer = app.get(f"/function/{source}?sales%3E=40&_sort=-sales&_c=id&_c=sales&_c=rows&_meta=y")
    assert answer.json() == [{"id": 4, "sales": 80, "rows": 6}, {"id": 3, "sales": 60, "rows": 6}]
    assert type(answer.json()[0]["sales"]) is int
    if source != "sql":
        assert answer.headers["Fh-Data-Count"] == "2"
    rows = app.get(f"/function/{source}?city%20name=delhi").json()
    assert rows[0] | {"active": bool(rows[0]["active"])} == dict(
        zip(NAMES, (4, "South", "delhi", 80, 2.0, False, 'q "x"'), strict=True)
    ) | {"rows": 6}


@pytest.mark.parametrize("source", ["csv", "sql"])
def test_modify_gets_what_filters_leave(app, source):
    answer = app.get(f"/modify/{source}?sales%3C=40&_c=id&_c=sales&_meta=y")
    assert answer.json() == [{"id": 3, "sales": 30, "key": "data"}, {"id": 2, "sales": 20, "key": "data"}]
    assert json.loads(answer.headers["Fh-Data-Filters"]) == [["sales", "<", [40]]]
    assert app.get(f"/modify/{source}?_format=csv&_c=id&_c=sales&_limit=1").text == "\ufeffid,sales,key\n1,10,data\n"


def test_dates_are_dates(app):
    assert app.get("/months").json() == [
        {"day": 1578182400000, "n": 1, "month": 1.0},
        {"day": None, "n": 2, "month": None},
    ]


def test_types_of_columns(app):
    found = app.get("/dtypes?_c=id&_c=growth&_c=region").json()
    assert (found["id"], found["growth"]) == ("int64", "float64")


@pytest.mark.parametrize("key", ["numbers", "numbersleft"])
def test_a_column_without_values_is_one_of_numbers(app, key):
    assert app.get(f"/{key}").json() == [{"none": None, "some": 1}, {"none": None, "some": None}]


def test_other_results(app):
    assert app.get("/raw").text == "raw bytes"
    assert len(app.get("/later").json()) == 1
    assert [row["sales"] for row in app.get("/series").json()] == [10, 20, 30, 40, 5, 15]
    assert app.get("/empty").json() == []
    assert app.get("/empty?_format=csv&_c=id").text == "\ufeffid\n"
    assert app.get("/number").status == 500
    app.wait_log("modify: must return a DataFrame, not int")


def test_modify_of_several_datasets(app):
    assert app.get("/joined?_limit=2").json() == [
        {"id": 1, "sales_x": 10, "sales_y": 10},
        {"id": 2, "sales_x": 20, "sales_y": 20},
    ]
    assert app.get("/joined?_limit=0").json() == []
    assert app.get("/queried?_limit=0").json() == []
    headers = app.get("/joined?_limit=1&_meta=y").headers
    assert (headers["Fh-One-Limit"], headers["Fh-Two-Limit"]) == ("1", "1")
    found = app.get("/several?_c=id&_c=region&_c=sales").json()
    assert found["two"] == [{"id": 1, "region": "North", "sales": 10}]
    assert found["sums"] == [
        {"region": "East", "sales": 5},
        {"region": "North", "sales": 30},
        {"region": "South", "sales": 70},
    ]


def test_errors_are_the_apps(app):
    answer = app.get("/fails")
    assert (answer.status, "hidden reason" in answer.text) == (500, False)
    app.wait_log("hidden reason")


def test_edits_get_a_number(app):
    answer = app.request("PUT", "/edits?id=1&id=2&note=x", headers=AJAX)
    assert answer.json()["data"]["modify"] == {"rows": 2, "type": "int"}
    with sqlite3.connect(app.folder / "sales.db") as connection:
        assert connection.execute("select count(*) from sales where note = 'x'").fetchone() == (2,)
    connection.close()


def test_pandas_is_not_loaded_without_need(serve, tmp_path, pandas_folder):
    files = {"a.csv": "a\n1\n", "seen.py": "import sys\ndef loaded():\n    return str('pandas' in sys.modules)\n"}
    url = {
        "a": entry("/a", url="a.csv", modify="data"),
        "b": entry("/b", url="a.csv"),
        "seen": entry("/seen", "FunctionHandler", function="seen.loaded()"),
    }
    app = serve({"url": url}, files, env={"PYTHONPATH": str(pandas_folder), "PYTHONWARNINGS": ""})
    assert (app.get("/b").json(), app.get("/seen").text) == ([{"a": 1}], "False")
    assert (app.get("/a").json(), app.get("/seen").text) == ([{"a": 1}], "True")
