"""SQLite by the standard library: its URLs, connections that only read, and files that change under it."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gramex.data.database import open_database
from gramex.data.dataset import make_dataset
from gramex.data.pieces import Statement
from gramex.data.reading import read
from gramex.data.refused import Refused
from gramex.data.sqlitedatabase import parse_url
from gramex.data.sqlitetypes import kind_of_type
from gramex.data.writing import write


def make(path, *statements):
    connection = sqlite3.connect(path)
    connection.executescript(";".join(("create table t (id integer primary key, name text)", *statements)))
    connection.close()


def rows(folder, url, args=None, **more):
    spec = more if more else {"table": "t"}
    return [list(row) for row in read(make_dataset("data", {"url": url, **spec}, folder), args or {}, False).rows]


@pytest.mark.parametrize(
    ("url", "target", "arguments"),
    [
        ("sqlite:///x.db", "x.db", {}),
        ("sqlite+pysqlite:////a/b c%20.db", "/a/b c%20.db", {}),
        ("sqlite:///C:\\data\\x.db", "C:\\data\\x.db", {}),
        ("sqlite:///x.db?timeout=5&other=1", "x.db", {"timeout": 5.0}),
        ("sqlite:///file:x.db?mode=ro&uri=true&timeout=1", "file:x.db?mode=ro", {"timeout": 1.0}),
        ("SQLITE:///x.db", "x.db", {}),
    ],
)
def test_urls(url, target, arguments):
    assert parse_url(url) == (target, arguments)


@pytest.mark.parametrize("url", ["sqlite://x.db", "sqlite:x.db", "sqlite:///x.db?timeout=long"])
def test_urls_that_cannot_be_meant(url):
    with pytest.raises(Refused) as caught:
        parse_url(url)
    assert caught.value.status == 500


def test_one_that_is_only_read(tmp_path):
    make(tmp_path / "x.db", "insert into t values (1, 'a')")
    url = f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true"
    assert rows(tmp_path, url) == [[1, "a"]]
    with pytest.raises(Refused) as caught:
        write(make_dataset("data", {"url": url, "table": "t", "id": "id"}, tmp_path), "POST", {"name": ["b"]}, None)
    assert caught.value.status == 400


def test_one_in_memory_is_the_same_for_all_threads(tmp_path):
    columns = {"id": {"type": "INTEGER", "primary_key": True}, "name": "TEXT"}
    data = make_dataset("data", {"url": "sqlite://", "table": "t", "id": "id", "columns": columns}, tmp_path)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: write(data, "POST", {"name": [name]}, None), "abc"))
        found = list(threads.map(lambda _: [row[1] for row in read(data, {"_sort": ["name"]}, False).rows], range(4)))
    assert found == [["a", "b", "c"]] * 4


def test_reading_cannot_write(tmp_path):
    make(tmp_path / "x.db")
    database = open_database(f"sqlite:///{tmp_path}/x.db", {})
    with pytest.raises(sqlite3.OperationalError, match="readonly"), database.reading() as session:
        session.run(Statement(["insert into t values (1, 'a')"]))
    assert rows(tmp_path, f"sqlite:///{tmp_path}/x.db") == []


def test_a_file_that_takes_the_place_of_another_is_read(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    make(tmp_path / "x.db", "insert into t values (1, 'old')")
    assert rows(tmp_path, url) == rows(tmp_path, url, query="select * from t") == [[1, "old"]]
    make(tmp_path / "y.db", "alter table t add more text", "insert into t values (1, 'new', 'x')")
    (tmp_path / "y.db").replace(tmp_path / "x.db")
    assert rows(tmp_path, url) == rows(tmp_path, url, {"more": ["x"]}) == [[1, "new", "x"]]
    assert rows(tmp_path, url, {"more": ["x"]}, query="select * from t") == [[1, "new", "x"]]
    (tmp_path / "x.db").unlink()
    with pytest.raises(Refused) as caught:
        rows(tmp_path, url)
    assert caught.value.status == 404


def test_readers_do_not_wait_for_a_writer_in_wal_mode(tmp_path):
    make(tmp_path / "x.db", "pragma journal_mode = wal", "insert into t values (1, 'a')")
    writer = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    writer.execute("begin immediate")
    writer.execute("insert into t values (2, 'b')")
    url = f"sqlite:///{tmp_path}/x.db"
    assert rows(tmp_path, url) == [[1, "a"]]
    writer.execute("commit")
    assert rows(tmp_path, url) == [[1, "a"], [2, "b"]]
    writer.close()


def test_a_writer_waits_for_another(tmp_path):
    make(tmp_path / "x.db")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    data = make_dataset("data", {"url": f"sqlite:///{tmp_path}/x.db", "table": "t", "id": "id"}, tmp_path)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(write, data, "POST", {"name": ["late"]}, None)
        threading.Timer(0.1, other.execute, ("commit",)).start()
        assert waiting.result(60).count == 1
    other.close()
    assert rows(tmp_path, f"sqlite:///{tmp_path}/x.db") == [[1, "late"]]


def test_what_queries_could_always_use(tmp_path):
    make(tmp_path / "x.db", "insert into t values (1, 'abc'), (2, 'xyz'), (3, null)")
    url = f"sqlite:///{tmp_path}/x.db"
    assert rows(tmp_path, url, query="select id, floor(1.5) as n from t where name regexp '^a'") == [[1, 1]]
    query = "select id, floor(1.5) as n from t where name regexp '^a'"
    assert rows(tmp_path, url, {"n": ["1"]}, query=query) == [[1, 1]]


def test_names_with_a_schema(tmp_path):
    make(tmp_path / "x.db", "insert into t values (1, 'a')", 'create table "main.u" (id integer)')
    url = f"sqlite:///{tmp_path}/x.db"
    assert rows(tmp_path, url, table="main.t") == [[1, "a"]]
    assert rows(tmp_path, url, table="main.u") == []
    for name in ("other.t", "main.nosuch", "temp.t", ""):
        with pytest.raises((Refused, ValueError)):
            rows(tmp_path, url, table=name)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [("INTEGER", "int"), ("bigint", "int"), ("VARCHAR(20)", "text"), ("double precision", "float"), ("REAL", "float"),
     ("NUMERIC(10, 2)", "number"), ("DECIMAL", "number"), ("BOOLEAN", "bool"), ("date", "date"), ("JSON", "json"),
     ("DATETIME", "datetime"), ("TIMESTAMP", "datetime"), ("BLOB", "blob"), ("", "any"), ("anything", "number")],
)  # fmt: skip
def test_kinds_of_declared_types(declared, kind):
    assert kind_of_type(declared) == kind
