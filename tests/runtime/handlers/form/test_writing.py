"""POST, PUT and DELETE of a FormHandler, on a database and on files: what changes, what is refused, what is told."""

from __future__ import annotations

import io
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from formapp import AJAX, NAMES, ROWS, entry, path_of

DATABASE = "sqlite:///sales.db"
SOURCES = ("sql", "csv", "xlsx")
HOOKS = """
def changed(data, handler):
    return {"rows": data, "method": handler.request.method}

def only(args, handler):
    args["region"] = ["Prepared"]
"""
URL = {
    "sql": entry("/sql", url=DATABASE, table="sales", id="id"),
    "csv": entry("/csv", url="sales.csv", id="id"),
    "xlsx": entry("/xlsx", url="sales.xlsx", id="id"),
    "nokey": entry("/nokey/sql", url=DATABASE, table="sales"),
    "nokeycsv": entry("/nokey/csv", url="sales.csv"),
    "open": entry("/open", url=DATABASE, table="sales", id="id", xsrf_cookies=False),
    "get": entry("/get", url=DATABASE, table="sales", id="id", methods="GET"),
    "pair": entry("/pair", url=DATABASE, table="pair", id=["a", "b"]),
    "query": entry("/query", url=DATABASE, query="select * from sales", id="id"),
    "redirect": entry("/redirect", url=DATABASE, table="sales", id="id", redirect="/done"),
    "hooks": entry("/hooks", url=DATABASE, table="sales", id="id", modify="hooks.changed(data, handler)"),
    "prepare": entry("/prepare", url=DATABASE, table="sales", id="id", prepare="hooks.only(args, handler)"),
    "template": entry(
        "/template",
        url=DATABASE,
        table="sales",
        id="id",
        default={"_format": "page"},
        formats={"page": {"format": "template", "template": "page.html"}},
    ),
    "two": entry(
        "/two",
        one={"url": DATABASE, "table": "sales", "id": "id"},
        two={"url": "sales.csv", "id": "id"},
        nokey={"url": "sales.csv"},
    ),
    "new": entry("/new", url="sqlite:///new.db", table="made", id="code"),
    "columns": entry(
        "/columns",
        url="sqlite:///columns.db",
        table="made",
        id="id",
        columns={
            "id": {"type": "INTEGER", "primary_key": True, "autoincrement": True},
            "name": {"type": "TEXT", "nullable": False},
            "age": {"type": "INTEGER", "default": 7},
            "at": {"type": "TIMESTAMP", "default": {"function": "func.now()"}},
        },
    ),
    "added": entry("/added", url=DATABASE, table="pair", id=["a", "b"], columns={"a": "TEXT", "extra": "VARCHAR(20)"}),
}


@pytest.fixture(scope="module")
def server(form_app):
    return form_app(URL, {"hooks.py": HOOKS, "page.html": "{{ data }} of {{ meta['filters'] }} {{ handler.name }}"})


@pytest.fixture(scope="module")
def original(server):
    """The data files as they were."""
    with sqlite3.connect(server.folder / "sales.db") as connection:
        connection.execute("create table pair (a text, b integer, note text, primary key (a, b))")
        connection.executemany("insert into pair values (?, ?, ?)", [("x", 1, "p"), ("x", 2, "q"), ("y", 1, "r")])
    connection.close()
    return {name: (server.folder / name).read_bytes() for name in ("sales.db", "sales.xlsx", "sales.csv")}


@pytest.fixture
def app(server, original):
    """The app, with its data as they were."""
    for name in ("new.db", "columns.db"):
        (server.folder / name).unlink(missing_ok=True)
    for name, data in original.items():
        path = server.folder / name
        if not path.exists() or path.read_bytes() != data:
            path.unlink(missing_ok=True)  # a new file in the place of the old one, as a deployment puts it there
            path.write_bytes(data)
    return server


def send(app, method, path, *pairs, headers=AJAX, **kwargs):
    return app.request(method, path_of(path, *pairs), headers=headers, **kwargs)


def rows(app, path):
    return app.get(path).json()


def by_id(app, path):
    return {row["id"]: row for row in rows(app, path)}


@pytest.mark.parametrize("source", SOURCES)
def test_post_adds_a_row(app, source):
    values = {"id": "7", "region": "West", "sales": "12", "growth": "", "nosuch": "x"}
    answer = send(app, "POST", f"/{source}", data=values)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Count-Data"] == "1"
    assert answer.headers["Cache-Control"] == "no-cache, no-store"
    inserted = [{"id": 7}] if source == "sql" else []
    assert answer.json() == {"data": {"filters": [], "ignored": [["nosuch", ["x"]]], "inserted": inserted}}
    found = rows(app, f"/{source}")
    assert len(found) == 7
    assert found[-1] == dict.fromkeys(NAMES) | {"id": 7, "region": "West", "sales": 12}
    assert found[:-1] == [dict(zip(NAMES, row, strict=True)) for row in ROWS]


@pytest.mark.parametrize("source", SOURCES)
def test_the_longest_list_sets_the_number_of_rows(app, source):
    pairs = [("id", 7), ("id", 8), ("id", 9), ("region", "a"), ("region", "b"), ("sales", 1)]
    answer = send(app, "POST", f"/{source}", *pairs)
    assert answer.headers["Count-Data"] == "3"
    found = by_id(app, f"/{source}")
    assert [(found[n]["region"], found[n]["sales"]) for n in (7, 8, 9)] == [("a", 1), ("b", 1), ("b", 1)]


@pytest.mark.parametrize("source", SOURCES)
def test_values_of_a_form_are_added_to_those_of_the_query(app, source):
    answer = send(app, "POST", f"/{source}", ("id", 7), data={"id": "8", "region": "x"})
    assert answer.headers["Count-Data"] == "2"
    assert {7, 8} < by_id(app, f"/{source}").keys()


@pytest.mark.parametrize("source", SOURCES)
def test_values_of_json_replace_those_of_the_query(app, source):
    body = {"id": [7, 8], "region": ["a", None], "sales": 3, "active": [True, False]}
    answer = send(app, "POST", f"/{source}", ("id", 99), json=body)
    assert answer.status == 200
    found = by_id(app, f"/{source}")
    assert 99 not in found
    assert found[7] == dict.fromkeys(NAMES) | {"id": 7, "region": "a", "sales": 3, "active": True}
    assert found[8] == dict.fromkeys(NAMES) | {"id": 8, "region": None, "sales": 3, "active": False}


def test_multipart_forms(app):
    line = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = line.format("id", 7) + line.format("region", "ü") + "--b--\r\n"
    headers = AJAX | {"Content-Type": "multipart/form-data; boundary=b"}
    assert send(app, "POST", "/sql", data=body, headers=headers).json()["data"]["inserted"] == [{"id": 7}]
    assert by_id(app, "/sql")[7]["region"] == "ü"


def test_post_tells_generated_keys(app):
    answer = send(app, "POST", "/sql", ("region", "a"), ("region", "b"))
    assert answer.json()["data"]["inserted"] == [{"id": 7}, {"id": 8}]
    answer = send(app, "POST", "/pair", ("a", "z"), ("b", 5))
    assert answer.json()["data"]["inserted"] == [{"a": "z", "b": 5}]


def test_empty_text_is_null_in_columns_of_numbers_only(app):
    send(app, "POST", "/sql", ("id", 7), ("region", ""), ("sales", ""), ("active", ""))
    row = by_id(app, "/sql")[7]
    assert (row["region"], row["sales"], row["active"]) == ("", None, None)


@pytest.mark.parametrize("source", SOURCES)
def test_put_changes_the_row_of_the_key(app, source):
    answer = send(app, "PUT", f"/{source}", ("id", 2), ("sales", 99), ("sales", 8), ("nosuch", "y"))
    told = {"filters": [["id", "", [2]]], "ignored": [["sales", ["8"]], ["nosuch", ["y"]]]}
    assert answer.json() == {"data": told if source == "sql" else told | {"count": 1}}
    assert answer.headers["Count-Data"] == "1"
    expected = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    expected[1]["sales"] = 99
    assert rows(app, f"/{source}") == expected


@pytest.mark.parametrize("source", SOURCES)
def test_put_changes_several_rows(app, source):
    answer = send(app, "PUT", f"/{source}", json={"id": [1, 2], "region": "Both", "note": None, "growth": ["", 5]})
    assert answer.headers["Count-Data"] == "2"
    found = by_id(app, f"/{source}")
    assert [(found[n]["region"], found[n]["note"], found[n]["growth"]) for n in (1, 2)] == [("Both", None, None)] * 2


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_no_match_is_no_error(app, source, method):
    answer = send(app, method, f"/{source}", ("id", 99), ("region", "x"))
    assert (answer.status, answer.headers["Count-Data"]) == (200, "0")
    assert len(rows(app, f"/{source}")) == 6


@pytest.mark.parametrize("source", SOURCES)
def test_delete_takes_rows_away(app, source):
    answer = send(app, "DELETE", f"/{source}", ("id", 2), ("id", 4), ("zz", "1"))
    told = {"filters": [["id", "", [2, 4]]], "ignored": [["zz", ["1"]]]}
    assert answer.json() == {"data": told if source == "sql" else told | {"count": 2}}
    assert answer.headers["Count-Data"] == "2"
    assert list(by_id(app, f"/{source}")) == [1, 3, 5, 6]


@pytest.mark.parametrize("source", SOURCES)
def test_delete_by_further_filters(app, source):
    answer = send(app, "DELETE", f"/{source}", ("id", 1), ("id", 2), ("id", 3), ("region", "North"), ("sales>", 15))
    assert answer.headers["Count-Data"] == "1"
    assert list(by_id(app, f"/{source}")) == [1, 3, 4, 5, 6]


def test_a_key_of_two_columns(app):
    assert send(app, "PUT", "/pair", ("a", "x"), ("b", 1), ("note", "new")).headers["Count-Data"] == "1"
    assert send(app, "DELETE", "/pair", ("a", "y"), ("b", 1)).headers["Count-Data"] == "1"
    assert rows(app, "/pair") == [{"a": "x", "b": 1, "note": "new"}, {"a": "x", "b": 2, "note": "q"}]
    assert send(app, "DELETE", "/pair", ("a", "x")).status == 400
    assert send(app, "PUT", "/pair", ("a", "x"), ("note", "n")).status == 400


# (method, arguments): each must be 400, and change nothing
REFUSED = [
    ("DELETE", []),
    ("DELETE", [("id", "")]),
    ("DELETE", [("id", ""), ("id", "1")]),
    ("DELETE", [("region", "North")]),
    ("DELETE", [("id>", "0")]),
    ("DELETE", [("id>~", "0")]),
    ("DELETE", [("id!", "0")]),
    ("DELETE", [("id!", "")]),
    ("DELETE", [("id~", ".")]),
    ("DELETE", [("id", "x")]),
    ("DELETE", [("id", "1 or 1=1")]),
    ("PUT", [("region", "x")]),
    ("PUT", [("id", ""), ("region", "x")]),
    ("PUT", [("id>", "0"), ("region", "x")]),
    ("PUT", [("id", "x"), ("region", "x")]),
    ("PUT", [("id", "1")]),
    ("PUT", [("id", "1"), ("nosuch", "x")]),
    ("PUT", [("id", "1"), ("sales", "x")]),
    ("POST", []),
    ("POST", [("nosuch", "1")]),
    ("POST", [("id", "x")]),
    ("POST", [("id", "7"), ("sales", "x")]),
    ("POST", [("id", "7"), ("id", "8"), ("sales", "1"), ("sales", "x")]),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("method", "pairs"), REFUSED, ids=str)
def test_refused(app, source, method, pairs):
    answer = send(app, method, f"/{source}", *pairs)
    assert answer.status == 400
    assert "SELECT" not in answer.text.upper().replace("SELECTION", "")
    assert rows(app, f"/{source}") == [dict(zip(NAMES, row, strict=True)) for row in ROWS]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("key", [[], None, "", [None], [""], {}, [{}], [[]], [1, ""], [1, None]], ids=repr)
def test_an_empty_key_in_json_is_refused(app, source, method, key):
    answer = send(app, method, f"/{source}", json={"id": key, "region": ["x"]})
    assert answer.status == 400
    assert rows(app, f"/{source}") == [dict(zip(NAMES, row, strict=True)) for row in ROWS]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [b"{", b"[1]", b"1", b'"x"', b"null", b"\xff", b"[" * 5000, b'{"id": "\\ud800"}'])
def test_malformed_json(app, method, body):
    headers = AJAX | {"Content-Type": "application/json; charset=utf-8"}
    assert app.request(method, "/sql?id=1", data=body, headers=headers).status == 400
    assert len(rows(app, "/sql")) == 6


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_without_a_key_nothing_is_changed(app, method):
    for source in ("sql", "csv"):
        assert send(app, method, f"/nokey/{source}", ("id", 1), ("region", "x")).status == 400
    assert send(app, method, "/query", ("id", 1), ("region", "x")).status == 400
    assert len(rows(app, "/sql")) == len(rows(app, "/csv")) == 6


def test_a_duplicate_key_is_refused(app):
    answer = send(app, "POST", "/sql", ("id", 8), ("id", 1), ("region", "x"))
    assert answer.status == 400
    assert "UNIQUE" not in answer.text
    assert len(rows(app, "/sql")) == 6  # all rows or none


def test_the_methods_of_the_entry(app):
    for method in ("POST", "PUT", "DELETE"):
        answer = send(app, method, "/get", ("id", 1), ("region", "x"))
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_writes_need_the_token(app, method):
    assert send(app, method, "/sql", ("id", 9), ("region", "x"), headers={}).status == 403
    assert len(rows(app, "/sql")) == 6
    assert send(app, method, "/sql", ("id", 9), ("region", "x")).status == 200
    assert send(app, method, "/open", ("id", 10), ("region", "x"), headers={}).status == 200


@pytest.mark.parametrize("how", ["argument", "header", "form"])
def test_override_of_the_method(app, how):
    if how == "header":
        answer = send(app, "POST", "/sql", ("id", 1), headers=AJAX | {"X-HTTP-Method-Override": "DELETE"})
    elif how == "argument":
        answer = send(app, "POST", "/sql", ("id", 1), ("x-http-method-override", "DELETE"))
    else:
        answer = send(app, "POST", "/sql", data={"id": "1", "x-http-method-override": "DELETE"})
    assert answer.json() == {"data": {"filters": [["id", "", [1]]], "ignored": []}}
    assert 1 not in by_id(app, "/sql")


def test_meta(app):
    answer = send(app, "PUT", "/sql", ("id", 1), ("region", "x"), ("zz", 1), ("_meta", "y"))
    assert json.loads(answer.headers["Fh-Data-Filters"]) == [["id", "", [1]]]
    assert json.loads(answer.headers["Fh-Data-Ignored"]) == [["zz", ["1"]]]
    assert (
        json.loads(send(app, "PUT", "/csv", ("id", 1), ("region", "x"), ("_meta", "y")).headers["Fh-Data-Count"]) == 1
    )


def test_redirect(app):
    answer = send(app, "PUT", "/redirect", ("id", 1), ("region", "x"), ("_meta", "y"))
    assert (answer.status, answer.headers["Location"], answer.headers["Count-Data"]) == (302, "/done", "1")
    assert answer.headers["Fh-Data-Filters"] == '[["id","",[1]]]'
    answer = send(app, "PUT", "/redirect", ("region", "x"))
    assert answer.status == 400
    assert "Location" not in answer.headers


def test_hooks(app):
    answer = send(app, "PUT", "/hooks", ("id", 1), ("id", 2), ("region", "x"))
    assert answer.json()["data"]["modify"] == {"rows": 2, "method": "PUT"}
    send(app, "PUT", "/prepare", ("id", 1), ("region", "x"))
    assert by_id(app, "/sql")[1]["region"] == "Prepared"


def test_templates(app):
    answer = send(app, "PUT", "/template", ("id", 1), ("id", 2), ("region", "x"))
    assert answer.text == "2 of [[&#x27;id&#x27;, &#x27;&#x27;, [1, 2]]] template"
    assert answer.headers["Content-Type"].startswith("text/html")
    assert (
        send(app, "PUT", "/template", ("id", 1), ("region", "x"), ("_format", "json")).json()["data"]["ignored"] == []
    )


def test_several_datasets(app):
    answer = send(app, "PUT", "/two", ("one:id", 1), ("one:region", "x"))
    assert answer.json() == {"one": {"filters": [["id", "", [1]]], "ignored": []}}
    assert answer.headers["Count-One"] == "1"
    answer = send(app, "DELETE", "/two", ("one:id", 1), ("two:id", 2), ("two:id", 3))
    assert (answer.headers["Count-One"], answer.headers["Count-Two"]) == ("1", "2")
    assert set(answer.json()) == {"one", "two"}
    assert (len(rows(app, "/sql")), len(rows(app, "/csv"))) == (5, 4)
    assert send(app, "DELETE", "/two").status == 400
    assert send(app, "DELETE", "/two", ("nokey:id", 1)).status == 400


def test_csv_keeps_the_text_of_what_nobody_touches(app):
    text = 'id,zip,x,"y, z"\n1,007,1e3,"a ""b"""\n2,,.50,\n3,08,, c \n'
    (app.folder / "sales.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert send(app, "POST", "/csv", ("id", 4), ("x", "")).status == 200
    assert send(app, "PUT", "/csv", ("id", 2), ("y, z", "new, ü")).status == 200
    expected = 'id,zip,x,"y, z"\n1,007,1e3,"a ""b"""\n2,,.50,"new, ü"\n3,08,, c \n4,,,\n'
    assert (app.folder / "sales.csv").read_bytes().decode("utf-8-sig") == expected


def test_a_file_with_only_a_header_takes_any_value(app):
    (app.folder / "sales.csv").write_text("id,name\n")
    assert send(app, "POST", "/csv", ("id", "a1"), ("name", "Ann")).status == 200
    assert rows(app, "/csv") == [{"id": "a1", "name": "Ann"}]
    assert send(app, "DELETE", "/csv", ("id", "a1")).headers["Count-Data"] == "1"
    assert rows(app, "/csv") == []


def test_excel_keeps_other_sheets_and_formulas(app):
    from openpyxl import load_workbook

    path = app.folder / "sales.xlsx"
    book = load_workbook(path)
    book["other"]["C1"] = "=A2*2"
    book["sales"].insert_rows(4)  # an empty row is none
    book.save(path)
    assert send(app, "PUT", "/xlsx", ("id", 3), ("city name", "=1+1")).headers["Count-Data"] == "1"
    assert send(app, "DELETE", "/xlsx", ("id", 2)).headers["Count-Data"] == "1"
    assert send(app, "POST", "/xlsx", ("id", 7), ("growth", "2.5")).headers["Count-Data"] == "1"
    book = load_workbook(path)
    assert book.sheetnames == ["sales", "other"]
    assert book["other"]["C1"].value == "=A2*2"
    cell = next(row[2] for row in book["sales"].iter_rows() if row[0].value == 3)
    assert (cell.value, cell.data_type) == ("=1+1", "s")  # text, no formula
    found = by_id(app, "/xlsx")
    assert list(found) == [1, 3, 4, 5, 6, 7]
    assert (found[3]["city name"], found[7]["growth"]) == ("=1+1", 2.5)


def test_files_are_replaced_whole(app):
    before = (app.folder / "sales.csv").stat()
    (app.folder / "sales.csv").chmod(0o640)
    assert send(app, "PUT", "/csv", ("id", 1), ("region", "x")).status == 200
    after = (app.folder / "sales.csv").stat()
    assert after.st_ino != before.st_ino
    assert after.st_mode & 0o777 == 0o640
    assert not [path for path in app.folder.iterdir() if path.name.startswith(".sales")]


@pytest.mark.parametrize("source", ["csv", "sql"])
def test_no_write_is_lost_among_many(app, source):
    def add(number):
        return send(app, "POST", f"/{source}", ("id", number), ("region", "many")).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(100, 140))) == {200}
    assert {row["id"] for row in rows(app, f"/{source}?region=many")} == set(range(100, 140))


def test_a_missing_table_is_made_from_the_values(app):
    assert app.get("/new").status == 404
    assert send(app, "PUT", "/new", ("code", "a"), ("n", 1)).status == 404
    assert send(app, "DELETE", "/new", ("code", "a")).status == 404
    answer = send(app, "POST", "/new", ("code", "007"), ("n", 1), ("n", 2), ("code", "b"), ("x", "1.5"), ("t", "é"))
    assert answer.json()["data"]["inserted"] == [{"code": "007"}, {"code": "b"}]
    assert rows(app, "/new") == [
        {"code": "007", "n": 1, "x": 1.5, "t": "é"},
        {"code": "b", "n": 2, "x": 1.5, "t": "é"},
    ]
    assert send(app, "POST", "/new", ("code", "b"), ("n", 3)).status == 400  # it is the key


def test_columns_make_the_table(app):
    assert rows(app, "/columns") == []
    answer = send(app, "POST", "/columns", ("name", "Ann"))
    assert answer.json()["data"]["inserted"] == [{"id": 1}]
    [row] = rows(app, "/columns")
    assert (row["id"], row["name"], row["age"]) == (1, "Ann", 7)
    assert type(row["at"]) is int
    assert send(app, "POST", "/columns", ("age", 3)).status == 400  # name: nullable: false


def test_a_table_is_made_once_by_many(app):
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(app.get, ["/columns"] * 16)} == {200}


def test_columns_are_added_to_a_table(app):
    assert [list(row) for row in rows(app, "/added")] == [["a", "b", "note", "extra"]] * 3
    assert send(app, "PUT", "/added", ("a", "x"), ("b", 1), ("extra", "new")).status == 200
    assert rows(app, "/added?extra=new") == [{"a": "x", "b": 1, "note": "p", "extra": "new"}]


def test_a_changed_table_is_seen(app):
    assert "more" not in rows(app, "/sql")[0]
    with sqlite3.connect(app.folder / "sales.db") as connection:
        connection.execute("alter table sales add column more text")
    connection.close()
    assert rows(app, "/sql?more!=") == rows(app, "/sql")
    assert send(app, "PUT", "/sql", ("id", 1), ("more", "x")).status == 200
    assert [row["id"] for row in rows(app, "/sql?more=x")] == [1]


def test_excel_files_stay_readable(app):
    send(app, "PUT", "/xlsx", ("id", 1), ("region", "x"))
    from openpyxl import load_workbook

    data = (app.folder / "sales.xlsx").read_bytes()
    assert load_workbook(io.BytesIO(data))["sales"]["B2"].value == "x"


@pytest.mark.parametrize("source", SOURCES)
def test_answers_are_kept_no_longer_than_the_data_are_the_same(app, source):
    path = f"/{source}?region=North&_c=id&_meta=y&_format=csv"
    first = app.get(path)
    assert first.text == "\ufeffid\n1\n2\n"
    again = app.get(path)
    assert (again.body, again.headers["Fh-Data-Filters"]) == (first.body, first.headers["Fh-Data-Filters"])
    send(app, "PUT", f"/{source}", ("id", 3), ("region", "North"))
    assert app.get(path).text == "\ufeffid\n1\n2\n3\n"
    assert app.get(path.replace("csv", "json", 1) if source == "sql" else path).status == 200
    if source == "sql":
        with sqlite3.connect(app.folder / "sales.db") as connection:  # another program
            connection.execute("update sales set region = 'North' where id = 4")
        connection.close()
        assert app.get(path).text == "\ufeffid\n1\n2\n3\n4\n"
