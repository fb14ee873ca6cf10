"""A FormHandler's configuration: sources with arguments, queries, defaults, datasets, functions, and mistakes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from formapp import AJAX, NAMES, ROWS, entry, path_of

DATABASE = "sqlite:///sales.db"
HOOKS = """
from tornado.web import HTTPError

def prepare(args, key, handler):
    if "stop" in args:
        raise HTTPError(400)
    args["_c"] = ["id"]

def other(args):
    return {"id": ["2"], "_c": "id"}

async def later(args):
    args["id"] = ["3"]

def sql(args, key, handler):
    return f"select id, '{key}' as k, '{handler.request.method}' as m from sales where id < :n"

def fails(args):
    raise RuntimeError("hidden reason")

def writes(args):
    return "insert into sales (id) values (77)"

def number(args):
    return 5

def state(args):
    return open("state").read()
"""


def many(n):
    return {"n": {"type": n}}


URL = {
    "files": entry(r"/files/(\w+)", url="{_0}.csv"),
    "named": entry(r"/named/(?P<stem>\w+)", url="{stem}.csv"),
    "deep": entry("/deep", url="data/{x}.csv"),
    "table": entry("/table/(.*)", url=DATABASE, table="{_0}"),
    "spaces": entry("/spaces", url=DATABASE, table="two words"),
    "database": entry("/database", url="sqlite:///{x}.db", table="sales"),
    "sheet": entry("/sheet", url="sales.xlsx", sheet_name="{x}"),
    "ext": entry("/ext", url="plain", ext="{x}"),
    "queryfile": entry("/queryfile", url=DATABASE, queryfile="{x}.sql", query="select 1 as wrong"),
    "pasted": entry("/pasted", url=DATABASE, query="select {x} from sales where region = '{y}'"),
    "bound": entry("/bound", url=DATABASE, query="select * from sales where id < :n"),
    "typed": entry("/typed", url=DATABASE, query="select typeof(:n) as t", argstype=many("int")),
    "expression": entry("/expression", url=DATABASE, query="select :n as n", argstype=many("_val.upper()")),
    "filtertype": entry("/filtertype", url="sales.csv", argstype={"sales": {"type": "int(_val) * 10"}}),
    "all": entry("/all", url=DATABASE, query="select id from sales where id in :ids",
                 argstype={"ids": {"type": "int", "expanding": True}}),
    "update": entry("/update", url=DATABASE, query="update sales set region = 'x'"),
    "returning": entry("/returning", url=DATABASE,
                       query="with x as (select 1) insert into sales (id) select 9 returning id"),
    "default": entry("/default", url="sales.csv", default={"_limit": 2, "_c": ["id", "sales"], "region": "South"}),
    "both": entry("/both", default={"_limit": 1, "_c": "id"},
                  one={"url": "sales.csv", "default": {"_limit": 2}}, two={"url": DATABASE, "table": "sales"}),
    "common": entry("/common", one={"url": "sales.csv"}, two={"url": "sales.csv"}, headers={"X-Own": "1"},
                    redirect={"url": "/x"}, unknown={"a": 1}),
    "prepare": entry("/prepare", url="sales.csv", prepare="hooks.prepare(args, key, handler)"),
    "other": entry("/other", url="sales.csv", prepare="hooks.other"),
    "later": entry("/later", url="sales.csv", prepare="hooks.later(args)"),
    "fails": entry("/fails", url="sales.csv", prepare="hooks.fails(args)"),
    "queryfunction": entry("/queryfunction", url=DATABASE, queryfunction="hooks.sql(args, key, handler)"),
    "writes": entry("/writes", url=DATABASE, queryfunction="hooks.writes(args)"),
    "nosql": entry("/nosql", url=DATABASE, queryfunction="hooks.number(args)"),
    "state": entry("/state", url=DATABASE, query="select hex(randomblob(8)) as r", state="hooks.state(args)"),
    "tables": entry("/tables", url=DATABASE, query="select hex(randomblob(8)) as r", state=["sales"]),
    "nostate": entry("/nostate", url=DATABASE, query="select hex(randomblob(8)) as r"),
    "modify": entry("/modify", url="sales.csv", modify="data"),
    "function": entry("/function", url="sales.csv", function="data"),
    "mongo": entry("/mongo", url="plugin:mongodb://localhost/x", database="x"),
    "es": entry("/es", url="elasticsearch://localhost/x"),
    "oracle": entry("/oracle", url="oracle://localhost/x", table="t"),
    "unknown": entry("/unknown", url="sales.csv", json={"a": 1}, nosuchkey=5),
    "missing": entry("/missing", url="missing.csv"),
    "nodatabase": entry("/nodatabase", url="sqlite:///none.db", table="t"),
    "QueryHandler": entry("/query", "QueryHandler", url=DATABASE, query="select id from sales"),
    "DataHandler": entry("/data", "DataHandler", url=DATABASE, table="sales"),
    "nourl": entry("/nourl", table="x"),
    "notable": entry("/notable", url=DATABASE),
    "badsep": entry("/badsep", url="sales.csv", sep="::"),
    "listed": entry("/listed", url="sales.csv", columns=["id", "region"]),
    "folder": entry("/folder", url="data"),
    "badcolumns": entry("/badcolumns", url=DATABASE, table="x", columns={"a": "TEXT; drop table sales"}),
    "badprepare": entry("/badprepare", url="sales.csv", prepare="hooks.("),
    "badset": entry("/badset", one={"url": "sales.csv"}, two={"url": 5}),
    "open": entry("/open", url=DATABASE, table="sales", auth=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def app(form_app):
    files = {
        "hooks.py": HOOKS,
        "data/deep/c.csv": "a\n1\n",
        "plain": "a,b\n1,2\n",
        "ids.sql": "select id from sales where region = :r",
        "outside.sql": "select word from secret",
    }
    app = form_app(URL, files)
    with sqlite3.connect(app.folder / "sales.db") as connection:
        connection.execute("create table [two words] (a int)")
        connection.execute("insert into [two words] values (5)")
    connection.close()
    return app


def rows(app, path, *pairs, **more):
    answer = app.get(path_of(path, *pairs, **more))
    return answer.json() if answer.status == 200 else answer.status


def test_arguments_in_the_source(app):
    assert len(rows(app, "/files/sales")) == 6
    assert rows(app, "/files/none") == 404
    assert len(rows(app, "/named/sales")) == 6
    assert rows(app, "/deep", x="deep/c") == [{"a": 1}]
    assert rows(app, "/deep") == 400
    for bad in ("../sales", str(app.folder / "sales"), "a b", "deep/../deep/c"):
        assert rows(app, "/deep", x=bad) == 400
    assert rows(app, "/sheet", x="other") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert rows(app, "/sheet", x="nosuch") == 400
    assert rows(app, "/ext", x="csv") == [{"a": 1, "b": 2}]
    assert rows(app, "/ext", x="exe") == 501
    assert len(rows(app, "/database", x="sales")) == 6
    assert rows(app, "/database", x="../sales") == rows(app, "/database", x="sales?x=1") == 400
    assert rows(app, "/database", x="none") == 404
    assert not (app.folder / "none.db").exists()


def test_tables(app):
    assert len(rows(app, "/table/sales")) == 6
    for name in ("nosuch", "sales,secret", "(select*from(secret))", "sales--", "sqlite_schema;"):
        assert rows(app, f"/table/{name}") == 404
    assert rows(app, "/table/two%20words") == 400  # white space in an argument
    assert rows(app, "/spaces") == [{"a": 5}]
    assert rows(app, "/missing") == rows(app, "/nodatabase") == 404


def test_queries_with_arguments(app):
    assert rows(app, "/queryfile", ("r", "North"), x="ids") == [{"id": 1}, {"id": 2}]  # before query:
    assert rows(app, "/queryfile", x="ids") == rows(app, "/queryfile", x="../ids") == rows(app, "/queryfile") == 400
    assert rows(app, "/queryfile", x="none") == 404
    assert rows(app, "/pasted", x="sales", y="North") == [{"sales": 10}, {"sales": 20}]
    assert rows(app, "/pasted", x="(select/**/word/**/from/**/secret)", y="North") == 400
    assert rows(app, "/pasted", x="id", y="'or(1=1)or'") == []
    assert rows(app, "/bound", n="2")[0]["id"] == 1
    assert rows(app, "/bound", n="2", id="9") == rows(app, "/bound", n="2", region="' or 1=1 --") == []
    assert rows(app, "/bound") == 400
    assert rows(app, "/typed", n="5") == [{"t": "integer"}]
    assert rows(app, "/typed", n="x") == 400
    assert rows(app, "/expression", n="x") == [{"n": "X"}]
    assert [row["id"] for row in rows(app, "/all", ("ids", 1), ("ids", 3))] == [1, 3]
    assert [row["id"] for row in rows(app, "/filtertype", sales="3")] == [3]
    assert rows(app, "/filtertype", sales="x") == 400


def test_a_bound_argument_is_still_a_filter(app):
    assert [row["id"] for row in rows(app, "/bound", ("n", 4), ("region", "North"))] == [1, 2]
    answer = app.get("/bound?n=4&_meta=y&_limit=1")
    assert json.loads(answer.headers["Fh-Data-Ignored"]) == [["n", ["4"]]]
    assert answer.headers["Fh-Data-Count"] == "3"


@pytest.mark.parametrize("path", ["/update", "/writes", "/returning"])
def test_a_get_does_not_write(app, path):
    assert app.get(path).status == 400
    assert [row["id"] for row in rows(app, "/table/sales")] == [1, 2, 3, 4, 5, 6]
    assert rows(app, "/table/sales", region="x") == []


def test_defaults(app):
    assert rows(app, "/default") == [{"id": 3, "sales": 30}, {"id": 4, "sales": 40}]
    assert rows(app, "/default", _limit=1, _c="id", region="East") == [{"id": 5}]
    found = rows(app, "/both")  # that of the dataset wins
    assert (found["one"], found["two"]) == ([{"id": 1}, {"id": 2}], [{"id": 1}])


def test_datasets(app):
    found = rows(app, "/common", ("one:id", 2), ("id", 1), ("nosuch:id", 3), ("_c", "id"))
    assert found == {"one": [{"id": 2}], "two": [{"id": 1}]}
    assert rows(app, "/common", ("id", 1), ("one:id", 2), ("_c", "id")) == found  # whichever comes last
    assert rows(app, "/common", ("two:_c", "sales"), ("_limit", 1), ("one:_c", "id")) == {
        "one": [{"id": 1}],
        "two": [{"sales": 10}],
    }
    answer = app.get("/common?one:_sort=-id&_meta=y")
    assert (answer.headers["Fh-One-Sort"], answer.headers["Fh-Two-Sort"]) == ('[["id",false]]', "[]")
    assert answer.headers["X-Own"] == "1"


def test_functions(app):
    assert list(rows(app, "/prepare")[0]) == ["id"]
    assert rows(app, "/prepare", stop=1) == 400
    assert rows(app, "/other") == [{"id": 2}]
    assert [row["id"] for row in rows(app, "/later")] == [3]
    answer = app.get("/fails")
    assert (answer.status, "hidden reason" in answer.text) == (500, False)
    assert "hidden reason" in app.log
    assert rows(app, "/queryfunction", n=2) == [{"id": 1, "k": "data", "m": "GET"}]
    assert rows(app, "/nosql") == 500


def test_results_of_a_state_are_kept(app):
    (app.folder / "state").write_text("1")
    first = rows(app, "/state")
    assert rows(app, "/state") == first
    assert rows(app, "/state", other=1) != first
    (app.folder / "state").write_text("2")
    assert rows(app, "/state") != first
    tables = rows(app, "/tables")
    assert rows(app, "/tables") == tables
    with sqlite3.connect(app.folder / "sales.db") as connection:
        connection.execute("update secret set word = word || '!'")
    connection.close()
    assert rows(app, "/tables") != tables
    assert rows(app, "/nostate") != rows(app, "/nostate")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/mongo", "plugins such as MongoDB: this runtime reads SQL databases and files only"),
        ("/es", "Elasticsearch: this runtime reads SQL databases and files only"),
        ("/oracle", "oracle: no driver for it is installed"),
        ("/modify", "modify: needs pandas: pip install pandas"),
        ("/function", "function: needs pandas: pip install pandas"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(app, path, line):
    assert app.get(path).status == 501
    app.wait_log(line)
    assert "Traceback" not in app.get(path).text


@pytest.mark.parametrize(
    "line",
    [
        "url:unknown: json, nosuchkey: not known to FormHandler: ignored",
        "url:listed: columns: not known to FormHandler: ignored",
        "url:common: unknown: is no key of a FormHandler and no dataset: ignored",
        "url:function: function: needs pandas: pip install pandas",
        "url:update: query: must be a SELECT",
        "/missing.csv: there is no such file yet",
        "url:QueryHandler: QueryHandler is an older name of FormHandler",
        "url:DataHandler: DataHandler is an older name of FormHandler",
        "url:nourl (FormHandler) invalid configuration: url: is missing",
        "url:notable (FormHandler) invalid configuration: table: is missing",
        "url:badsep (FormHandler) invalid configuration: sep: must be one character",
        "url:badcolumns (FormHandler) invalid configuration: columns.a: type: must be a type of SQL",
        "url:badprepare (FormHandler) invalid configuration: prepare: 'hooks.(' is no Python expression",
        "url:badset (FormHandler) invalid configuration: two: url: must be",
    ],
)
def test_mistakes_are_told_at_the_start(app, line):
    assert line in app.log


def test_unknown_keys_are_ignored(app):
    assert len(rows(app, "/unknown")) == len(rows(app, "/listed")) == 6
    assert rows(app, "/nourl") == rows(app, "/notable") == rows(app, "/badset") == 500


def test_a_folder_is_a_table_of_its_files(app):
    assert [(row["dir"], row["name"]) for row in rows(app, "/folder")] == [("/", "deep"), ("/deep/", "c.csv")]


def test_older_names(app):
    assert rows(app, "/query", _limit=1) == [{"id": 1}]
    assert rows(app, "/data", id=1) == [dict(zip(NAMES, ROWS[0], strict=True))]


def test_keys_of_all_handlers_count(app):
    assert app.get("/open", headers=AJAX).status in (302, 401)


def test_errors_are_small(app):
    for path in ("/bound", "/table/nosuch", "/fails", "/deep?x=..", "/update"):
        text = app.get(path).text
        assert not any(each in text for each in ("Traceback", "select", "sales", str(app.folder), "sqlalchemy"))


def test_nothing_of_data_is_loaded_for_apps_without_it(tmp_path):
    code = (
        "import sys, gramex.cli, gramex.handlers.routing, gramex.check.configuration\n"
        "print([name for name in sys.modules if name.startswith(('gramex.data', 'sqlalchemy', 'openpyxl'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"


def test_a_start_loads_no_database_library(tmp_path):
    (tmp_path / "gramex.yaml").write_text(
        "url: {a: {pattern: /a, handler: FormHandler, kwargs: {url: 'sqlite:///x.db', table: t, id: i}}}"
    )
    code = (
        "import sys, pathlib\n"
        "from gramex.check.configuration import check_configuration\n"
        "assert not check_configuration(pathlib.Path('.')), 'fit'\n"
        "print([name for name in sys.modules if name in ('sqlalchemy', 'openpyxl', 'pandas', 'sqlite3')])"
    )
    environment = {**os.environ, "GRAMEXDATA": str(tmp_path / "data")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.stdout.strip().replace("'sqlite3'", ""), done.stderr) == ("[]", "")


def test_without_the_extra_one_line_says_so(serve, tmp_path):
    """Files and SQLite need nothing."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'sqlalchemy':\n"
        "            raise ModuleNotFoundError(name)\n"
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'sqlalchemy' else found(name, package)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    path = os.pathsep.join(filter(None, (str(hidden), os.environ.get("PYTHONPATH"))))
    database = sqlite3.connect(tmp_path / "x.db")
    database.executescript("create table t (id integer); insert into t values (1)")
    database.close()
    entries = {
        "a": entry("/a", url="a.csv"),
        "b": entry("/b", url=f"sqlite:///{tmp_path}/x.db", table="t"),
        "c": entry("/c", url="postgresql:///x", table="t"),
    }
    app = serve({"url": entries}, {"a.csv": "a\n1\n"}, env={"PYTHONPATH": path})
    assert (app.get("/a").json(), app.get("/b").json()) == ([{"a": 1}], [{"id": 1}])
    assert app.get("/c").status == 501
    assert "url:c: postgresql: needs SQLAlchemy: pip install 'gramex-runtime[data]'" in app.log
