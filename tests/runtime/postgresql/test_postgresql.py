"""FormHandler on a real PostgreSQL: types, filters, groups, queries that only read, writing."""

from __future__ import annotations

import json
import re
import threading

import pytest

from formapp import AJAX, entry, path_of

TABLES = """
drop schema public cascade; create schema public; drop schema if exists other cascade;
create type mood as enum ('happy', 'sad');
create table kinds (
  id serial primary key, region text, sales integer, amount numeric(10, 2), growth double precision, active boolean,
  day date, at timestamp, zoned timestamptz, note varchar(40), code uuid, raw bytea, data jsonb, tags text[], mood mood,
  big bigint, clock time
);
insert into kinds
  (region, sales, amount, growth, active, day, at, zoned, note, code, raw, data, tags, mood, big, clock) values
  ('North', 10, 1.50, 0.5, true, '2020-01-05', '2020-01-05 10:11:12.5', '2020-01-05 12:00+02', 'a%b',
   '00000000-0000-0000-0000-000000000001', '\\x00ff', '{"a": [1, 2]}', '{x,y}', 'happy', 9000000000000000000, '10:11'),
  ('north', 20, 7, 'NaN', false, '2020-01-06', '2020-01-06', '2020-01-06 00:00+00', 'A_b', null, null, null, null,
   'sad', 1, null),
  (null, 30, null, 'Infinity', null, null, null, null, null, null, null, null, null, null, null, null);
create table "odd name" ("a b" integer primary key, "x%(y)s" text, "select" text, "q""q" text);
insert into "odd name" values (1, 'one', 's', 'z');
create table secret (word text); insert into secret values ('xyzzy');
create sequence numbers;
create schema other; create table other.things (id integer); insert into other.things values (7);
create view sums as select region, sum(sales) as total from kinds group by region;
"""


@pytest.fixture(scope="module")
def app(serve_module, postgresql):
    def at(pattern, **kwargs):
        return entry(pattern, url=postgresql, **kwargs)

    return serve_module(
        {
            "url": {
                "kinds": at("/kinds", table="kinds", id="id"),
                "odd": at("/odd", table="odd name", id="a b"),
                "other": at("/other", table="other.things"),
                "sums": at("/sums", table="sums"),
                "any": at("/any/(.*)", table="{_0}"),
                "query": at("/query", query="select * from kinds where sales >= :n", argstype={"n": {"type": "int"}}),
                "in": at(
                    "/in",
                    query="select id from kinds where id in :ids",
                    argstype={"ids": {"type": "int", "expanding": True}},
                ),
                "text": at(
                    "/text", query="select '%x' as t, ':n' as n, id::text as i, region from kinds where region = :r"
                ),
                "quoted": at("/quoted", query="select id from kinds where note like '%{x}%'"),
                "percent": at("/percent", query="select '50%' as a"),
                "writes": at("/writes", query="with d as (delete from kinds returning id) select * from d"),
                "next": at("/next", query="select nextval('numbers') as n"),
                "two": at("/twice", query="select 1 as a; delete from kinds"),
                "made": at("/made", table="made", id="id", columns={
                    "id": {"type": "INTEGER", "primary_key": True, "autoincrement": True},
                    "name": "TEXT", "score": {"type": "DOUBLE PRECISION", "default": 1.5}}),
                "frombody": at("/frombody", table="frombody", id="id"),
                "nowhere": entry("/nowhere", url="postgresql://app@/postgres?host=/nonexistent", table="kinds"),
            }
        }
    )  # fmt: skip


@pytest.fixture(autouse=True)
def tables(run):
    run(TABLES)


def ids(app, *pairs):
    answer = app.get(path_of("/kinds", *pairs))
    return [row["id"] for row in answer.json()] if answer.status == 200 else answer.status


def test_values_of_all_types(app):
    first, second, third = app.get("/kinds?_sort=id").json()
    assert first == {
        "id": 1, "region": "North", "sales": 10, "amount": 1.5, "growth": 0.5, "active": True, "day": 1578182400000,
        "at": 1578219072500, "zoned": 1578218400000, "note": "a%b", "code": "00000000-0000-0000-0000-000000000001",
        "raw": "AP8=", "data": {"a": [1, 2]}, "tags": ["x", "y"], "mood": "happy", "big": 9000000000000000000,
        "clock": "10:11:00",
    }  # fmt: skip
    assert (second["growth"], third["growth"], second["amount"]) == (None, None, 7.0)
    for name in ("csv", "html", "xlsx"):
        assert app.get(f"/kinds?_format={name}").status == 200


FILTERS = [
    ([("region", "North")], [1]),
    ([("region!", "North")], [2]),
    ([("region", "")], [1, 2]),
    ([("region!", "")], [3]),
    ([("region~", "Nor")], [1]),  # case counts here
    ([("region*", "NOR")], [1, 2]),
    ([("region!~", "Nor")], [2]),
    ([("note~", "%")], [1]),
    ([("note*", "a_b")], [2]),
    ([("sales>", 10), ("sales<~", 30)], [2, 3]),
    ([("sales~", "0")], [1, 2, 3]),
    ([("amount", "1.5")], [1]),
    ([("amount>", "1.50")], [2]),
    ([("growth", "0.5")], [1]),
    ([("growth", "inf")], [3]),
    ([("active", "yes")], [1]),
    ([("day", "2020-01-05")], [1]),
    ([("day>", "2020-01-05")], [2]),
    ([("at", "2020-01-05T10:11:12.5")], [1]),
    ([("at<", "2020-01-06")], [1]),
    ([("zoned", "2020-01-05T10:00:00Z")], [1]),
    ([("zoned<~", "2020-01-05T12:00:00+02:00")], [1]),
    ([("code", "00000000-0000-0000-0000-000000000001")], [1]),
    ([("mood", "sad")], [2]),
    ([("tags~", "x")], [1]),
    ([("data~", '"a"')], [1]),
    ([("big>", "8999999999999999999")], [1]),
    ([("clock", "10:11:00")], [1]),
    ([("sales", "x")], 400),
    ([("day", "x")], 400),
    ([("code", "x")], 400),
    ([("amount", "x")], 400),
    ([("region", "a\0b")], []),
    ([("_sort", "-sales"), ("_limit", 1)], [3]),
    ([("_sort", "region"), ("_sort", "-id"), ("_offset", 2)], [3]),  # nulls as the database sorts them
]


@pytest.mark.parametrize(("pairs", "expected"), FILTERS, ids=str)
def test_filters(app, pairs, expected):
    assert ids(app, *pairs, ("_sort", "id")) == expected


def groups(app, *pairs):
    answer = app.get(path_of("/kinds", *pairs))
    return answer.json() if answer.status == 200 else answer.status


def test_groups(app):
    found = groups(
        app,
        ("_by", "active"),
        ("_c", "sales|sum"),
        ("_c", "amount|avg"),
        ("_c", "region|count"),
        ("_sort", "sales|sum"),
    )
    assert found == [
        {"active": True, "sales|sum": 10, "amount|avg": 1.5, "region|count": 1},
        {"active": False, "sales|sum": 20, "amount|avg": 7.0, "region|count": 1},
        {"active": None, "sales|sum": 30, "amount|avg": None, "region|count": 0},
    ]
    assert type(found[0]["sales|sum"]) is int
    assert groups(
        app, ("_by", ""), ("_c", "sales|stddev_pop"), ("_c", "active|bool_or"), ("_c", "id|max"), ("id<", 3)
    ) == [{"sales|stddev_pop": 5.0, "active|bool_or": True, "id|max": 2}]
    assert groups(app, ("_by", "region"), ("_c", "sales|sum"), ("sales|sum>", 15), ("_sort", "-sales|sum")) == [
        {"region": None, "sales|sum": 30},
        {"region": "north", "sales|sum": 20},
    ]
    for name in ("pg_sleep", "pg_read_file", "query_to_xml", "lo_export", "group_concat"):
        assert groups(app, ("_by", "id"), ("_c", f"sales|{name}")) == 400
    assert groups(app, ("_by", "id"), ("_c", "region|sum")) == 400  # the database says no


def test_odd_names(app):
    assert app.get("/odd").json() == [{"a b": 1, "x%(y)s": "one", "select": "s", 'q"q': "z"}]
    for name, value in (("x%(y)s", "one"), ("select", "s"), ('q"q', "z"), ("x%(y)s~", "n"), ("a b>", "0")):
        assert len(app.get(path_of("/odd", (name, value))).json()) == 1
        assert app.get(path_of("/odd", (name, "no" if ">" not in name else 9), _sort=name)).json() == []
    answer = app.request("PUT", path_of("/odd", ("a b", 1), ("x%(y)s", "100% :x"), ('q"q', "'")), headers=AJAX)
    assert answer.headers["Count-Data"] == "1"
    assert app.get("/odd?_c=x%25(y)s&_c=q%22q").json() == [{"x%(y)s": "100% :x", 'q"q': "'"}]


def test_tables(app):
    assert app.get("/other").json() == [{"id": 7}]
    assert {row["region"]: row["total"] for row in app.get("/sums").json()} == {None: 30, "North": 10, "north": 20}
    assert len(app.get("/any/kinds").json()) == 3
    for name in (
        "nosuch",
        "kinds;drop table kinds",
        "kinds k",
        "(select 1)x",
        '"kinds"',
        "kinds--",
        "pg_sleep(5)",
        "pg_catalog.pg_authid",
        "pg_roles",
        "information_schema.tables",
    ):
        assert app.get(path_of(f"/any/{name}".replace(" ", "%20"))).status in (400, 404)


def test_queries(app):
    assert app.get("/percent").json() == [{"a": "50%"}]
    assert [row["id"] for row in app.get("/query?n=15").json()] == [2, 3]
    assert app.get("/query").status == 400
    assert app.get("/query?n=x").status == 400
    answer = app.get("/query?n=15&region*=^NOR&_meta=y")  # the rules of files
    assert [row["id"] for row in answer.json()] == [2]
    assert answer.headers["Fh-Data-Count"] == "1"
    assert json.loads(answer.headers["Fh-Data-Ignored"]) == [["n", ["15"]]]
    assert [row["id"] for row in app.get("/query?n=1&_limit=1&_offset=1").json()] == [2]
    assert len(app.get("/query?n=1&_limit=0").json()) == 0
    assert [row["id"] for row in app.get("/in?ids=1&ids=3").json()] == [1, 3]
    assert app.get("/in?ids=1&ids=x").status == 400
    assert app.get("/text?r=North").json() == [{"t": "%x", "n": ":n", "i": "1", "region": "North"}]
    assert app.get(path_of("/text", r="x' or '1'='1")).json() == []
    assert [row["id"] for row in app.get("/quoted?x=a").json()] == [1]
    assert app.get(path_of("/quoted", x="'or'1'='1")).json() == []


@pytest.mark.parametrize("path", ["/writes", "/next", "/twice"])
def test_a_query_only_reads(app, path):
    assert app.get(path).status >= 400
    assert ids(app, ("_sort", "id")) == [1, 2, 3]


def test_writing(app):
    answer = app.request("POST", "/kinds", headers=AJAX, json={
        "region": ["a", "b"], "amount": ["2.50", 3], "active": [True, "no"], "day": "2021-02-03", "data": {"k": [1]},
        "at": "2021-02-03T04:05:06", "zoned": "2021-02-03T04:05:06Z", "code": "00000000-0000-0000-0000-00000000000a",
        "raw": "AP8=", "mood": "sad", "sales": ["", None]})  # fmt: skip
    assert answer.status == 200
    assert answer.json()["data"]["inserted"] == [{"id": 4}, {"id": 5}]
    row = app.get("/kinds?id=4").json()[0]
    assert (row["amount"], row["day"], row["data"], row["raw"], row["sales"]) == (
        2.5,
        1612310400000,
        {"k": [1]},
        "AP8=",
        None,
    )
    assert app.request("PUT", path_of("/kinds", id=4, sales=9, mood="happy"), headers=AJAX).headers["Count-Data"] == "1"
    assert app.request("PUT", path_of("/kinds", id=4, sales="x"), headers=AJAX).status == 400
    assert app.request("PUT", path_of("/kinds", id=4, mood="angry"), headers=AJAX).status == 400
    assert app.request("PUT", path_of("/kinds", id=4, sales="99999999999"), headers=AJAX).status == 400
    assert app.request("POST", path_of("/kinds", id=1, sales=1), headers=AJAX).status == 400
    assert app.request("POST", path_of("/kinds", note="x" * 50), headers=AJAX).status == 400
    assert (
        app.request("DELETE", path_of("/kinds", ("id", 4), ("id", 5), ("region", "a")), headers=AJAX).headers[
            "Count-Data"
        ]
        == "1"
    )
    assert ids(app, ("_sort", "id")) == [1, 2, 3, 5]
    for pairs in ([("id", "")], [("id>", 0)], [("region", "North")]):
        assert app.request("DELETE", path_of("/kinds", *pairs), headers=AJAX).status == 400


def test_tables_that_are_made(app):
    assert app.get("/made").json() == []
    assert app.request("POST", "/made?name=x", headers=AJAX).json()["data"]["inserted"] == [{"id": 1}]
    assert app.get("/made").json() == [{"id": 1, "name": "x", "score": 1.5}]
    assert app.get("/frombody").status == 404
    assert app.request("POST", "/frombody?id=5&t=x&f=1.5", headers=AJAX).json()["data"]["inserted"] == [{"id": 5}]
    assert app.get("/frombody").json() == [{"id": 5, "t": "x", "f": 1.5}]


def test_a_table_that_changes(app, run):
    assert ids(app) == [1, 2, 3]
    run("alter table kinds rename column note to remark")
    assert set(ids(app, ("_sort", "-remark"), ("_sort", "id"))) == {1, 2, 3}


def test_many_at_once(app):
    wrong = []

    def ask(number):
        for _ in range(10):
            if ids(app, ("id", number % 3 + 1)) != [number % 3 + 1]:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_errors_tell_nothing(app):
    answer = app.get("/nowhere")
    assert answer.status == 500
    assert "nonexistent" not in answer.text
    for path in ("/kinds?_by=id&_c=region%7Csum", "/any/nosuch", "/query?n=x"):
        assert not re.search("select|kinds|psycopg|Traceback", app.get(path).text)
