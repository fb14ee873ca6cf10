"""Formats of a FormHandler's answers: bodies, types, names of files, templates, and formats of the configuration."""

from __future__ import annotations

import base64
import io
import re
import sqlite3
from typing import Any

import pytest

from formapp import NAMES, ROWS, entry, path_of

FILES: dict[str, Any] = {
    "one": {"url": "sales.csv"},
    "two": {"url": "sqlite:///sales.db", "table": "sales", "default": {"_limit": 1}},
}
FORMATS = {
    "iso": {"format": "json", "date_format": "iso", "headers": {"Content-Type": "application/x-iso"}},
    "bare": {"format": "json"},
    "csv": {"headers": {"X-Format": "own"}},
    "page": {"format": "template", "template": "page.html", "headers": {"Content-Type": "text/plain"}},
    "chart": {"format": "vega", "spec": {}},
}
PAGE = """{{ len(data) }}|{% for row in data %}{{ row['city name'] }};{% end %}|{{ meta['count'] }}|{{ handler.name }}|
{{ meta['filters'] }}"""


@pytest.fixture(scope="module")
def app(form_app):
    app = form_app(
        {
            "csv": entry("/csv", url="sales.csv"),
            "sql": entry("/sql", url="sqlite:///sales.db", table="sales"),
            "query": entry("/query", url="sqlite:///sales.db", query="select * from sales"),
            "loaded": entry("/loaded", url="sqlite:///sales.db", query="select * from sales where 1 order by id"),
            "two": entry("/two", **FILES),
            "own": entry("/own", url="sales.csv", formats=FORMATS, headers={"X-Format": "handler", "X-Own": "1"}),
            "n": entry("/n", url="n.csv"),
            "html": entry("/html", url="sales.csv", default={"_format": "html", "_limit": 1}),
            "kinds": entry("/kinds", url="sqlite:///kinds.db", table="kinds", formats=FORMATS),
            "moments": entry("/moments", url="moments.csv", parse_dates=["day", "moment"], formats=FORMATS),
            "bad": entry("/bad", url="sales.csv", formats={"x": {"format": "nosuch"}}),
            "notemplate": entry(
                "/notemplate", url="sales.csv", formats={"x": {"format": "template", "template": "no"}}
            ),
        },
        {
            "page.html": PAGE,
            "moments.csv": "day,moment,t\n2020-01-05,2020-01-05 10:11:12,=1+1\n,2020-01-06 00:00:00.5,\n",
        },
    )
    with sqlite3.connect(app.folder / "kinds.db") as connection:
        connection.execute("create table kinds (d date, m datetime, f real, b blob, n numeric, t text, x)")
        connection.execute(
            "insert into kinds values ('2020-01-05', '2020-01-05 10:11:12', 9e999, x'00ff', 1.50, '</b>é/', 'any')"
        )
        connection.execute("insert into kinds values ('odd', '2020-01-05T10:11:12.25', 1.0, null, 7, null, 5)")
    connection.close()
    return app


def test_json(app):
    answer = app.get("/csv?_limit=1&_c=id&_c=growth")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.text == '[{"id":1,"growth":0.5}]'
    assert "Content-Disposition" not in answer.headers


@pytest.mark.parametrize("name", ["json", "", "nosuch", "JSON"])
def test_what_is_not_known_is_json(app, name):
    assert app.get(path_of("/csv", _format=name)).json() == app.get("/csv").json()


def test_only_the_first_format_counts(app):
    assert app.get("/csv?_format=csv&_format=html").headers["Content-Type"].startswith("text/csv")


def test_values_in_json(app):
    first, second = app.get("/kinds").json()
    # a date that is none is shown as it is, infinity is null, bytes are base64
    assert first == {"d": 1578182400000, "m": 1578219072000, "f": None, "b": base64.b64encode(b"\0\xff").decode(),
                     "n": 1.5, "t": "</b>é/", "x": "any"}  # fmt: skip
    assert second == {"d": "odd", "m": 1578219072250, "f": 1.0, "b": None, "n": 7, "t": None, "x": 5}
    assert type(second["n"]) is int
    iso = app.get("/kinds?_format=iso")
    assert (iso.json()[0]["d"], iso.json()[1]["m"]) == ("2020-01-05T00:00:00.000", "2020-01-05T10:11:12.250")
    assert app.get("/moments").json() == [
        {"day": 1578182400000, "moment": 1578219072000, "t": "=1+1"},
        {"day": None, "moment": 1578268800500, "t": None},
    ]


@pytest.mark.parametrize(
    ("pair", "count"),
    [(("d", "2020-01-05"), 1), (("d>", "2020-01-04"), 2), (("m", "2020-01-05T10:11:12"), 1),
     (("m>", "2020-01-05 10:11:12"), 1), (("m>~", "2020-01-05 10:11:12"), 2), (("m<", "2020-01-05"), 0),
     (("f~", "1"), 1), (("b", ""), 1), (("x", "5"), 1), (("x", "any"), 1)],
)  # fmt: skip
def test_filters_on_kinds_of_a_database(app, pair, count):
    if pair == ("d>", "2020-01-04"):
        count = 1  # what is no date has no place among dates
    assert len(app.get(path_of("/kinds", pair)).json()) == count


def test_csv(app):
    answer = app.get("/csv?_format=csv")
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8"
    assert answer.headers["Content-Disposition"] == "attachment;filename=data.csv"
    assert (
        answer.body
        == (
            "\ufeffid,region,city name,sales,growth,active,note\n1,North,Aarhus,10,0.5,True,a%b\n"
            '2,North,Bergen,20,1.5,False,a_b\n3,South,Cádiz,30,,True,"two\nlines"\n'
            '4,South,delhi,40,2.0,False,"q ""x"""\n'
            "5,East,Essen,5,-1.0,,<b>&\n6,,Faro,15,3.0,True,\n"
        ).encode()
    )
    assert app.get("/csv?_format=csv&id=99").body == b"\xef\xbb\xbf" + ",".join(NAMES).encode() + b"\n"
    # a column with only midnights is dates without a time
    assert app.get("/moments?_format=csv&_c=day&_c=moment").text == (
        "\ufeffday,moment\n2020-01-05,2020-01-05 10:11:12\n,2020-01-06 00:00:00.500000\n"
    )
    assert app.get("/kinds?_format=csv&_c=d&d=2020-01-05").text == "\ufeffd\n2020-01-05\n"


def test_several_datasets(app):
    assert list(app.get("/two").json()) == ["one", "two"]
    text = app.get("/two?_format=csv&_c=id&one:_limit=2").text
    assert text == "\ufeffone\nid\n1\n2\n\ntwo\nid\n1\n"
    html = app.get("/two?_format=html&_c=id&_limit=1").text
    assert html.startswith("<h1>one</h1><table")
    assert html.index("<h1>two</h1>") > html.index("<h1>one</h1>")


def test_html(app):
    answer = app.get("/csv?_format=html&id=5")
    assert answer.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert answer.text.startswith('<table border="1" class="dataframe">')
    assert "<th>city name</th>" in answer.text
    assert "<td>&lt;b&gt;&amp;</td>" in answer.text
    assert "<td>NaN</td>" in answer.text
    assert "<html" not in answer.text
    for source in ("sql", "query", "loaded"):
        assert "<td>None</td>" in app.get(f"/{source}?_format=html&id=5").text
    assert app.get("/html").text.count("<tr>") == 1  # by default: both the format and the page


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ("1.5 2.25 -3", "1.50 2.25 -3.00"),
        ("1.5 2.5", "1.5 2.5"),
        ("0.333333333 2.0", "0.333333 2.000000"),
        ("83.93999999999998 1e0", "83.94 1.00"),
        ("10000000 0.5", "10000000.0 0.5"),
        ("123456789.123 1.5", "1.234568e+08 1.500000e+00"),
        ("0.0000001 1", "1.000000e-07 1.000000e+00"),
        ("-1.5 inf NA", "-1.5 inf NaN"),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(app, numbers, shown):
    (app.folder / "n.csv").write_text("n\n" + numbers.replace(" ", "\n") + "\n")
    assert re.findall("<td>(.*)</td>", app.get("/n?_format=html").text) == shown.split()


def sheets(body):
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(body))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


def test_excel(app):
    answer = app.get("/csv?_format=xlsx")
    assert answer.headers["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert answer.headers["Content-Disposition"] == "attachment;filename=data.xlsx"
    assert sheets(answer.body) == {"data": [NAMES, *map(list, ROWS)]}
    assert list(sheets(app.get("/two?_format=xlsx").body)) == ["one", "two"]
    [_, first, _] = sheets(app.get("/moments?_format=xlsx").body)["data"]
    assert [first[0].isoformat(), first[1].isoformat(), first[2]] == [
        "2020-01-05T00:00:00",
        "2020-01-05T10:11:12",
        "=1+1",
    ]
    from openpyxl import load_workbook

    cell = load_workbook(io.BytesIO(app.get("/moments?_format=xlsx").body))["data"]["C2"]
    assert cell.data_type == "s"  # text that looks like a formula is none


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("my.csv", "attachment;filename=my.csv"),
        ("my file.csv", "attachment;filename=\"my file.csv\";filename*=UTF-8''my%20file.csv"),
        ("a\r\nX-Bad: 1", "attachment;filename=\"aX-Bad: 1\";filename*=UTF-8''aX-Bad%3A%201"),
        ('a"b', "attachment;filename=ab"),
        ("../etc/x", "attachment;filename=..etcx"),
        ("é.csv", "attachment;filename=\".csv\";filename*=UTF-8''%C3%A9.csv"),
        ('"/"', "attachment;filename=data"),
    ],
)
@pytest.mark.parametrize("format", ["json", "html", "csv"])
def test_download(app, name, header, format):
    answer = app.get(path_of("/csv", _download=name, _format=format))
    assert (answer.status, answer.headers["Content-Disposition"]) == (200, header)
    assert "X-Bad" not in answer.headers


def test_headers_of_formats(app):
    assert app.get("/own").headers["X-Format"] == "handler"
    answer = app.get("/own?_format=csv")  # changed, not replaced
    assert (answer.headers["X-Format"], answer.headers["X-Own"]) == ("own", "1")
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8"
    assert app.get("/own?_format=iso").headers["Content-Type"] == "application/x-iso"
    bare = app.get("/own?_format=bare&_limit=1&_c=id")  # a new name has no type of its own
    assert bare.headers["Content-Type"].startswith("text/html")
    assert bare.json() == [{"id": 1}]


def test_templates(app):
    answer = app.get("/own?_format=page&region=South&_limit=1")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.text.split("|")[:4] == ["1", "Cádiz;", "2", "own"]
    assert "South" in answer.text
    assert app.get("/notemplate?_format=x").status == 500
    assert str(app.folder) not in app.get("/notemplate?_format=x").text


@pytest.mark.parametrize("name", ["pptx", "vega", "vegam", "vega-lite", "seaborn", "sns"])
def test_charts_are_not_made(app, name):
    answer = app.get(path_of("/csv", _format=name))
    assert answer.status == 501
    app.wait_log(f"_format={name}: charts are not made by this runtime")
    assert app.get("/own?_format=chart").status == 501


def test_a_mistake_in_formats(app):
    assert app.get("/bad").status == 500
    assert "url:bad (FormHandler) invalid configuration: formats.x: format: must be one of json, csv" in app.log
