"""Queries of a configuration: the database does the work, and the answer is what it would be from all rows."""

from __future__ import annotations

import sqlite3
import tracemalloc

import pytest

from formapp import make_database
from gramex.data import queries
from gramex.data.dataset import make_dataset
from gramex.data.reading import read
from gramex.data.refused import Refused

MANY = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) select i, i % 7 as k from n"


@pytest.fixture
def ask(tmp_path):
    make_database(tmp_path / "sales.db")
    connection = sqlite3.connect(tmp_path / "sales.db")
    connection.executescript(
        "create table mixed (a, b text collate nocase, c real);"
        "insert into mixed values (1, 'x', 1), ('two', 'X', 2.5), (null, 'y', null), (4, null, -1), (x'00ff', 'é', 0)"
    )
    connection.close()

    def get(sql, args):
        spec = {"url": f"sqlite:///{tmp_path}/sales.db", "query": sql}
        try:
            result = read(make_dataset("data", spec, tmp_path), args, True)
        except Refused as error:
            return error.status
        return result.names, [list(row) for row in result.rows], result.meta

    return get


SQLS = [
    "select * from sales", "select * from sales -- all of them", "select *, sales * 1.5 as x from sales;",
    "with x as (select * from sales where id > 1) select * from x", "select a.id, b.id, b.sales from sales a, sales b",
    "select *, count(*) from sales group by region", "select * from mixed", "select 1 as id where 0",
    "select id, region, sales from sales union all select id, region, null from sales", "values (1, 'a')",
]  # fmt: skip
ARGS = [
    {"id": ["1", "3"]}, {"id!": ["1"]}, {"region": ["north"]}, {"region": ["North"]}, {"region!": ["North"]},
    {"region~": ["^N"]}, {"region!*": ["n"]}, {"sales>": ["10"]}, {"sales>": ["1.5"]}, {"growth": []}, {"growth!": []},
    {"active": ["true"]}, {"b": ["x"]}, {"b!": ["x"]}, {"b>": ["a"]}, {"a": ["1"]}, {"a>": ["1"]}, {"c<~": ["1"]},
    {"_sort": ["-region", "id"]}, {"_sort": ["b", "c"]}, {"_sort": ["-c"]}, {"_by": ["region"]}, {"_by": ["b"]},
    {"_by": ["region"], "_c": ["sales|sum", "sales|avg", "id|count", "region|count"], "_sort": ["-sales|sum"]},
    {"_by": [""], "_c": ["sales|median", "sales|std", "growth|sum", "c|sum", "note|nunique"]},
    {"_by": ["region"], "_c": ["sales|sum"], "sales|sum>": ["20"]}, {"_by": ["region"], "_c": ["note|first"]},
    {"_limit": ["2"], "_offset": ["1"], "_sort": ["id"]}, {"_c": ["-id"], "id>": ["2"]}, {"x>": ["16"]}, {"id": ["x"]},
    {"region~": ["("]}, {"id.1": ["2"], "id": ["1"]}, {"count(*)>": ["1"]},
]  # fmt: skip


@pytest.mark.parametrize("sql", SQLS)
def test_the_answer_is_that_of_all_rows(ask, monkeypatch, sql):
    for args in ARGS:
        found = ask(sql, args)
        with monkeypatch.context() as patched:
            patched.setattr(queries, "from_wrapped", lambda *_: None)
            whole = ask(sql, args)
        assert found == whole, args


@pytest.mark.parametrize(
    "args",
    [{"i": ["77777"]}, {"k": ["3"], "_limit": ["5"]}, {"_by": ["k"]}, {"_sort": ["-i"], "_limit": ["3"]}, {"k~": ["^3"],
     "_limit": ["3"]}],
)  # fmt: skip
def test_rows_that_are_not_asked_for_are_not_fetched(ask, args):
    ask(MANY, args)
    tracemalloc.start()
    try:
        _, rows, meta = ask(MANY, args)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows
    assert meta["count"] > 0
    assert peak < 2_000_000  # all rows take ten times as much


def test_columns_change_with_the_data(ask, tmp_path):
    sql = "select region, note as n from sales"
    assert ask(sql, {"n": ["5"]})[1] == []
    connection = sqlite3.connect(tmp_path / "sales.db")
    connection.execute("update sales set note = id")
    connection.execute("alter table sales rename note to other")
    connection.execute("alter table sales add note integer")
    connection.execute("update sales set note = id")
    connection.commit()
    connection.close()
    assert ask(sql, {"n": ["5"]})[1] == [["East", 5]]
    assert ask(sql, {"n": ["x"]}) == 400
