"""Files as sources: what is read from CSV, TSV, JSON, Excel and folders, with which types, and when again."""

from __future__ import annotations

import datetime
import io
import os
import time

import pytest

from gramex.data import files, web
from gramex.data.dataset import make_dataset
from gramex.data.reading import read
from gramex.data.refused import Refused


@pytest.fixture
def rows(tmp_path):
    """The rows of a file with some content: ``rows('a,b\\n1,2', sep=';')``."""

    def get(content, file="data.csv", args=None, **spec):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / file).write_bytes(data)
        result = read(make_dataset("data", {"url": file, **spec}, tmp_path), args or {}, False)
        return [dict(zip(result.names, row, strict=True)) for row in result.rows]

    return get


@pytest.fixture
def column(rows):
    """The values of the only column `a` of a CSV file, from its cells."""

    def get(*cells, **spec):
        text = "a,z\n" + "".join(f"{cell},\n" for cell in cells)
        return [row["a"] for row in rows(text, **spec)]

    return get


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2"], [1, 2]),
        (["007", "-3", "+4"], [7, -3, 4]),
        (["1", "", "3"], [1, None, 3]),  # whole numbers stay whole beside a null
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", ".5", "inf", "-INF"], [1000.0, 0.5, float("inf"), float("-inf")]),
        (["1", "x"], ["1", "x"]),
        (["true", "False", "TRUE"], [True, False, True]),
        (["true", ""], [True, None]),
        (["true", "1"], ["true", "1"]),
        (["yes", "no"], ["yes", "no"]),
        ([" a", "b "], [" a", "b "]),
        (["2020-01-05", "2020-01-06"], ["2020-01-05", "2020-01-06"]),  # text, unless parse_dates
        (["1_000", "2"], ["1_000", "2"]),
        (["٣", "4"], ["٣", "4"]),
        (["99999999999999999999", "1"], ["99999999999999999999", "1"]),  # its digits count
        (["9223372036854775807"], [9223372036854775807]),
        (["0x10"], ["0x10"]),
        (["1,5".replace(",", ".")], [1.5]),
        (["'x", '"q ""y"""'], ["'x", 'q "y"']),
        (['"two\nlines"', "b"], ["two\nlines", "b"]),
        (["", ""], [None, None]),
        (["nan", "1.5"], [None, 1.5]),
        (["x", *["NA", "N/A", "null", "NaN", "nan", "None", "#N/A", "n/a", ""]], ["x", *[None] * 9]),
        (["na", "Null", "none"], ["na", "Null", "none"]),
    ],
    ids=str,
)
def test_types_of_columns(column, cells, values):
    found = column(*cells)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", [{"a": 1, "b": 2}]),
        ("a,b\r\n1,2\r\n", [{"a": 1, "b": 2}]),
        ("a,b\r1,2\r", [{"a": 1, "b": 2}]),
        ("a,b\n1,2", [{"a": 1, "b": 2}]),
        ("\ufeffa,b\n1,2", [{"a": 1, "b": 2}]),
        ("\n\na,b\n\n1,2\n\n", [{"a": 1, "b": 2}]),
        ("a,b\n1\n", [{"a": 1, "b": None}]),
        ("a,b\n", []),
        ("a,a,a.1,a\n1,2,3,4\n", [{"a": 1, "a.1": 2, "a.1.1": 3, "a.2": 4}]),
        ("a,,\n1,2,3\n", [{"a": 1, "Unnamed: 1": 2, "Unnamed: 2": 3}]),
        ("a,A,Ä,ä\n1,2,3,4\n", [{"a": 1, "A": 2, "Ä": 3, "ä": 4}]),
        ('"x;,y",t\n"a,b",2\n', [{"x;,y": "a,b", "t": 2}]),
        ("select,from,order by,'; drop table t; --\n1,2,3,4\n",
         [{"select": 1, "from": 2, "order by": 3, "'; drop table t; --": 4}]),
        ("n,rowid,t\n5,6,7\n", [{"n": 5, "rowid": 6, "t": 7}]),
    ],
)  # fmt: skip
def test_csv(rows, text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"a,b\n1,2,3\n", b"a\n\xff\xfe\n", b"a\n\xe9\n", b"a,b\nx,y,z"]
)
def test_no_csv(rows, content):
    with pytest.raises(Refused) as caught:
        rows(content)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("spec", "text", "expected"),
    [
        ({"sep": ";"}, "a;b\n1,5;2", [{"a": "1,5", "b": 2}]),
        ({"encoding": "latin-1"}, "a\né".encode("latin-1"), [{"a": "é"}]),
        ({"encoding": "utf-16"}, "a\né".encode("utf-16"), [{"a": "é"}]),
        ({"skiprows": 2}, "x\ny,z\na\n1", [{"a": 1}]),
        ({"skiprows": [1]}, "a\nunits\n1", [{"a": 1}]),
        ({"nrows": 1}, "a\n1\nx", [{"a": 1}]),
        ({"usecols": ["c", "a"]}, "a,b,c\n1,2,3", [{"a": 1, "c": 3}]),
        ({"usecols": [0, 2]}, "a,b,c\n1,2,3", [{"a": 1, "c": 3}]),
        ({"dtype": {"a": "str"}}, "a,b\n007,1", [{"a": "007", "b": 1}]),
        ({"dtype": "str"}, "a,b\n007,1", [{"a": "007", "b": "1"}]),
        ({"dtype": {"a": "float64"}}, "a\n1", [{"a": 1.0}]),
        ({"names": ["x", "y"]}, "1,2\n3,4", [{"x": 1, "y": 2}, {"x": 3, "y": 4}]),
        ({"names": ["x", "y"], "header": 0}, "a,b\n3,4", [{"x": 3, "y": 4}]),
        ({"header": False}, "1,2", [{"0": 1, "1": 2}]),
        ({"header": 1}, "t\na\n1", [{"a": 1}]),
        ({"na_values": ["-", "?"]}, "a\n1\n-\n?", [{"a": 1}, {"a": None}, {"a": None}]),
        ({"ext": "csv"}, "a\n1", [{"a": 1}]),
    ],
    ids=str,
)
def test_options(rows, spec, text, expected):
    assert rows(text, "data.txt" if "ext" in spec else "data.csv", **spec) == expected


@pytest.mark.parametrize("spec", [{"usecols": ["x"]}, {"usecols": [9]}, {"dtype": {"a": "int"}}, {"header": 5}])
def test_options_that_do_not_fit_the_file(rows, spec):
    with pytest.raises(Refused) as caught:
        rows("a,b\nx,2\n", **spec)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "spec",
    [{"sep": "::"}, {"nrows": "x"}, {"skiprows": -1}, {"usecols": "a"}, {"names": "a"}, {"header": "x"},
     {"encoding": "nosuch"}, {"default": 5}, {"id": 5}, {"columns": "x"}, {"url": 5}, {"url": ""}],
)  # fmt: skip
def test_options_that_cannot_be_meant(tmp_path, spec):
    with pytest.raises(ValueError, match=next(iter(spec))):
        make_dataset("data", {"url": "data.csv", **spec}, tmp_path)


@pytest.mark.parametrize(
    ("cells", "moments"),
    [
        (["2020-01-05", "2020-01-06"], [(2020, 1, 5), (2020, 1, 6)]),
        (
            ["2020-01-05 10:11:12", "2020-01-05T10:11:12.5Z"],
            [(2020, 1, 5, 10, 11, 12), (2020, 1, 5, 10, 11, 12, 500000)],
        ),
        (["1/31/2020", "12/1/2020"], [(2020, 1, 31), (2020, 12, 1)]),
        (["5-Jan-2020"], [(2020, 1, 5)]),
        (["2020-01-05", ""], [(2020, 1, 5), None]),
    ],
)
def test_dates(column, cells, moments):
    found = column(*cells, parse_dates=["a"])
    assert found == [moment and datetime.datetime(*moment) for moment in moments]


def test_what_is_no_date_stays_text(column):
    assert column("2020-01-05", "soon", parse_dates=["a"]) == ["2020-01-05", "soon"]


def test_filters_on_dates(rows):
    text = "id,a\n1,2020-01-05\n2,2020-01-06 12:00\n3,\n"

    def ids(**args):
        return [row["id"] for row in rows(text, parse_dates=["a"], args={k: [v] for k, v in args.items()})]

    assert ids(a="2020-01-05") == [1]
    assert ids(**{"a>": "2020-01-05"}) == [2]
    assert ids(**{"a<~": "2020-01-06T12:00"}) == [1, 2]
    with pytest.raises(Refused):
        ids(a="soon")


def test_a_boolean_column_with_nulls_can_be_matched(rows):
    text = "id,a\n1,true\n2,\n3,false\n"
    assert [row["id"] for row in rows(text, args={"a": ["true"]})] == [1]
    assert [row["id"] for row in rows(text, args={"a": ["no"]})] == [3]


@pytest.mark.parametrize(
    ("content", "name", "spec", "expected"),
    [
        ("a\tb\n1\tx y\n", "data.tsv", {}, [{"a": 1, "b": "x y"}]),
        ('[{"a": 1, "b": "x"}, {"a": 2.5}]', "data.json", {}, [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": None}]),
        ('[{"a": [1, {"b": 2}], "t": true}]', "data.json", {}, [{"a": [1, {"b": 2}], "t": True}]),
        ('{"a": [1, 2], "b": ["x"]}', "data.json", {}, [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        ('[{"a": 1}, {"a": "x"}]', "data.json", {}, [{"a": 1}, {"a": "x"}]),
        ('[{"a": "é"}]', "data.dat", {"ext": "jsondata"}, [{"a": "é"}]),
        ("[]", "data.json", {}, []),
    ],
)
def test_other_text_files(rows, content, name, spec, expected):
    assert rows(content, name, **spec) == expected


@pytest.mark.parametrize("content", ["", "{", "5", "[1]", '{"a": 1}'])
def test_no_json(rows, content):
    with pytest.raises(Refused) as caught:
        rows(content, "data.json")
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["data.xls", "data.parquet", "data", "data.db"])
def test_kinds_of_files_that_are_not_read(rows, name):
    with pytest.raises(Refused) as caught:
        rows("x", name)
    assert (caught.value.status, "is not read" in str(caught.value).replace("are not", "is not")) == (501, True)


def workbook(**sheets):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    return book


def saved(book):
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def test_excel(rows):
    day, moment = datetime.date(2020, 1, 5), datetime.datetime(2020, 1, 5, 10, 11, 12)
    lines = [
        ["i", "f", "t", "b", "d", "m", "mixed", None, "i"],
        [1, 1.5, "x", True, day, moment, 5, "u", 7],
        [None, 2.0, "NA", None, None, None, "five", "v", 8],
        [None] * 9,
        [3, None, " y ", False, day, moment, True, None, 9],
    ]
    found = rows(saved(workbook(first=lines, second=[["z"], [1]])), "data.xlsx")
    midnight = datetime.datetime(2020, 1, 5)
    assert found == [
        {"i": 1, "f": 1.5, "t": "x", "b": True, "d": midnight, "m": moment, "mixed": 5, "Unnamed: 7": "u", "i.1": 7},
        {"i": None, "f": 2.0, "t": None, "b": None, "d": None, "m": None, "mixed": "five", "Unnamed: 7": "v", "i.1": 8},
        {"i": 3, "f": None, "t": " y ", "b": False, "d": midnight, "m": moment, "mixed": "True", "Unnamed: 7": None,
         "i.1": 9},
    ]  # fmt: skip
    assert type(found[0]["i"]) is int
    assert type(found[1]["f"]) is float


def test_parts_of_workbooks(rows):
    from openpyxl.workbook.defined_name import DefinedName
    from openpyxl.worksheet.table import Table

    lines = [["x", "a", "b"], ["y", 1, 2], ["y", 3, 4], ["z", 5, 6]]
    book = workbook(**{"first": [["q"], [0]], "My sheet": lines})
    book["My sheet"].add_table(Table(displayName="Part", ref="B1:C3"))
    book.defined_names["area"] = DefinedName("area", attr_text="'My sheet'!$A$1:$B$4")
    data = saved(book)
    assert rows(data, "data.xlsx") == [{"q": 0}]
    assert rows(data, "data.xlsx", sheet_name="My sheet", usecols=["a"]) == [{"a": 1}, {"a": 3}, {"a": 5}]
    assert rows(data, "data.xlsx", sheet_name=1, nrows=1) == [{"x": "y", "a": 1, "b": 2}]
    assert rows(data, "data.xlsx", table="Part") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert rows(data, "data.xlsx", sheet_name="My sheet", range="B1:B3") == [{"a": 1}, {"a": 3}]
    assert rows(data, "data.xlsx", name="area", nrows=1) == [{"x": "y", "a": 1}]
    assert rows(data, "data.xlsx", sheet_name="{s}", args={"s": ["first"]}) == [{"q": 0}]
    for spec in ({"sheet_name": "none"}, {"sheet_name": 7}, {"table": "none"}, {"name": "none"}, {"range": "?"}):
        with pytest.raises(Refused) as caught:
            rows(data, "data.xlsx", **spec)
        assert caught.value.status == 400
    with pytest.raises(Refused) as caught:
        rows(b"PK no workbook", "data.xlsx")
    assert caught.value.status == 400


def test_excel_without_openpyxl_says_what_to_install(rows, monkeypatch):
    find = files.importlib.util.find_spec
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None if name == "openpyxl" else find(name))
    with pytest.raises(Refused, match="install openpyxl") as caught:
        rows(b"", "data.xlsx")
    assert caught.value.status == 501


def test_files_are_read_once_and_again_when_they_change(tmp_path, monkeypatch):
    calls = []
    reader = files.READERS["csv"]

    def read_and_count(*args):
        calls.append(1)
        return reader(*args)

    monkeypatch.setitem(files.READERS, "csv", read_and_count)
    path = tmp_path / "data.csv"
    dataset = make_dataset("data", {"url": "data.csv"}, tmp_path)

    def values(**args):
        return [row[0] for row in read(dataset, {key: [value] for key, value in args.items()}, False).rows]

    path.write_text("a\n1\n")
    long_ago = time.time() - 100
    os.utime(path, (long_ago, long_ago))
    assert [values(), values(_limit=0), values(a=1)] == [[1], [], [1]]
    assert len(calls) == 1
    for text in ("a\n2\n", "a\n3\n", "a\n4\n"):  # the same size, within the same second
        path.write_text(text)
        assert values() == [int(text[2])]
    path.write_text("a\n10\n")
    assert values() == [10]
    other = make_dataset("data", {"url": "data.csv", "dtype": "str"}, tmp_path)
    assert read(other, {}, False).rows[0][0] == "10"  # options count
    path.unlink()
    with pytest.raises(Refused) as caught:
        values()
    assert caught.value.status == 404


def test_a_folder_as_a_table(tmp_path):
    (tmp_path / "top" / "in ner").mkdir(parents=True)
    (tmp_path / "top" / "a.csv").write_text("12345")
    (tmp_path / "top" / "in ner" / "b").write_text("")
    os.utime(tmp_path / "top" / "a.csv", (86400, 86400))

    def rows(url, **args):
        result = read(make_dataset("data", {"url": url}, tmp_path), {k: [v] for k, v in args.items()}, True)
        return result.meta["count"], [dict(zip(result.names, row, strict=True)) for row in result.rows]

    count, found = rows(f"dir://{tmp_path}/top", _sort="path")
    assert count == 3
    first = found[0]
    assert first == {"path": "a.csv", "dir": "/", "name": "a.csv", "type": ".csv", "size": 5, "level": 1,
                     "mtime": 86400.0}  # fmt: skip
    assert [(row["path"], row["dir"], row["type"], row["level"]) for row in found[1:]] == [
        ("in ner", "/", "dir", 1),
        ("in ner/b", "/in ner/", "", 2),
    ]
    assert str(tmp_path) not in str(found)
    assert [row["name"] for row in rows(f"dir://{tmp_path}/top", type="dir")[1]] == ["in ner"]
    assert rows("dir:top", size="5")[0] == rows("top", size="5")[0] == rows("top/", size="5")[0] == 1
    with pytest.raises(Refused) as caught:
        rows("dir:none")
    assert caught.value.status == 404


def test_web_addresses_are_read_once(monkeypatch, tmp_path):
    fetched = []

    def fetch(url):
        fetched.append(url)
        return b"a,b\n1,2\n3,4\n"

    monkeypatch.setattr(web, "fetch", fetch)
    dataset = make_dataset("data", {"url": "http://127.0.0.1:1/x?y={y}", "ext": "csv"}, tmp_path)
    for y in ("1", "1", "a/b", "q&z=1#f"):
        assert len(read(dataset, {"y": [y], "a>": ["1"]}, False).rows) == 1
    assert fetched == [f"http://127.0.0.1:1/x?y={y}" for y in ("1", "a/b", "q%26z%3D1%23f")]


def test_a_web_address_that_does_not_answer(tmp_path):
    dataset = make_dataset("data", {"url": "http://127.0.0.1:1/none", "ext": "csv"}, tmp_path)
    with pytest.raises(Refused) as caught:
        read(dataset, {}, False)
    assert caught.value.status == 502


def test_an_index_is_made_for_what_is_asked_again(tmp_path):
    (tmp_path / "data.csv").write_text("id,a\n" + "".join(f"{n},{n % 7}\n" for n in range(5000)))
    dataset = make_dataset("data", {"url": "data.csv"}, tmp_path)
    for _ in range(3):
        found = [row[0] for row in read(dataset, {"a": ["3"], "_limit": ["3"]}, False).rows]
        assert found == [3, 10, 17]
        assert [row[0] for row in read(dataset, {"a": ["3", "4"], "_limit": ["3"]}, False).rows] == [3, 4, 10]
        assert [row[0] for row in read(dataset, {"_sort": ["-a"], "_limit": ["2"]}, False).rows] == [6, 13]
    memory = files.open_file(tmp_path / "data.csv", "csv", {})
    plan = memory.connection.execute("EXPLAIN QUERY PLAN SELECT * FROM t WHERE c1 = 3").fetchall()
    assert "USING INDEX" in plan[0][-1]
