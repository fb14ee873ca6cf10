"""`gramex.cache.open`: kinds of files, what is kept and for how long, threads, bounds, and what needs pandas."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gramex import cache
from gramex.config import inuse

NO_PANDAS = importlib.util.find_spec("pandas") is None


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No file is kept yet, and no app that other tests loaded says how much may be."""
    monkeypatch.setattr(inuse, "loaded", None)
    cache.entries.clear()
    yield
    cache.entries.clear()


class Counting:
    """A loader that counts its calls, and returns the text."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: str, **kwargs: Any) -> Any:
        self.calls += 1
        return [Path(path).read_text(), kwargs]


def age(path: Path) -> None:
    """Let a file be old enough for its time to be trusted."""
    os.utime(path, (time.time() - 100, time.time() - 100))


@pytest.mark.parametrize(
    ("name", "content", "kind", "expected"),
    [
        ("a.txt", "gr\u00fc\u00df", None, "gr\u00fc\u00df"),
        ("a.txt", "text", "text", "text"),
        ("a.json", '{"a": [1, null]}', None, {"a": [1, None]}),
        ("a.json", '\ufeff{"a": 1}', "json", {"a": 1}),
        ("a.data", "a: [1, x]", "yaml", {"a": [1, "x"]}),
        ("a.yml", "", None, None),
        ("a.csv", "x,y\n1,\"two, 2\"\n3,4\n", "rows", [{"x": "1", "y": "two, 2"}, {"x": "3", "y": "4"}]),
        ("a.JSON", "[1]", None, [1]),
    ],
)  # fmt: skip
def test_kinds(tmp_path: Path, name: str, content: str, kind: str | None, expected: Any) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert cache.open(tmp_path / name, kind) == expected


@pytest.mark.skipif(not NO_PANDAS, reason="a DataFrame then")
def test_csv_is_a_list_of_mappings_without_pandas(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n1;2\n")
    assert cache.open(tmp_path / "a.csv", "csv", sep=";") == [{"x": "1", "y": "2"}]
    with pytest.raises(ImportError, match=r"a\.csv: index_col= needs pandas: pip install pandas$"):
        cache.open(tmp_path / "a.csv", "csv", index_col=0)


@pytest.mark.skipif(not NO_PANDAS, reason="pandas would be used")
@pytest.mark.parametrize("kind", ["xlsx", "parquet", "table", "hdf", "jsondata"])
def test_tables_say_in_one_line_that_they_need_pandas(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ImportError) as caught:
        cache.open(tmp_path / "a", kind)
    assert str(caught.value) == f"{tmp_path}/a: kind {kind} needs pandas: pip install pandas"


def test_pandas_is_used_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pandas.py").write_text(
        "def read_csv(path, **kwargs): return ('frame', path, kwargs)\ndef read_excel(path, **kwargs): return 'sheet'\n"
    )
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.xlsx").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    path = str(tmp_path / "a.csv")
    assert cache.open(path, index_col=0) == ("frame", path, {"index_col": 0})
    assert cache.open(path, "rows") == [{"x": "1"}]
    assert cache.open(tmp_path / "a.xlsx") == "sheet"
    sys.modules.pop("pandas", None)


def test_a_template_renders_escapes_and_follows_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<{{ x }}> {% include part.html %}")
    part = tmp_path / "part.html"
    part.write_text("one")
    age(part)
    template = cache.open(tmp_path / "a.html", "template")
    assert template.generate(x="&") == b"<&amp;> one"
    assert cache.open(tmp_path / "a.html", "template", autoescape=None).generate(x="&") == b"<&> one"
    (tmp_path / "b.html").write_text("alone")
    assert cache.open(tmp_path / "b.html", "template") is cache.open(tmp_path / "b.html", "template")
    part.write_text("two")
    assert cache.open(tmp_path / "a.html", "template").generate(x="") == b"<> two"


def test_what_did_not_change_is_not_loaded_again(tmp_path: Path) -> None:
    path, load = tmp_path / "a", Counting()
    path.write_text("x")
    first = cache.open(path, load)
    assert cache.open(path, load) is first
    age(path)
    again = cache.open(path, load)
    assert cache.open(str(path), load) is again
    assert load.calls == 2
    assert cache.open(path, load, _reload_status=True) == (again, False)
    path.write_text("y")
    assert [cache.open(path, load, _reload_status=True)[1] for _ in range(2)] == [True, False]
    assert cache.open(path, load, _reload_status=True, one=[{}])[1]  # never kept


def test_arguments_and_loaders_are_told_apart(tmp_path: Path) -> None:
    path, load = tmp_path / "a", Counting()
    path.write_text("x")
    for kwargs in ({}, {"n": 1}, {"n": True}, {"n": [1, {"a": {2}}]}, {"n": (1, {"a": {2}})}):
        assert cache.open(path, load, **kwargs) == ["x", kwargs]
        assert cache.open(path, load, **kwargs)[1] == kwargs
    assert load.calls == 5
    assert cache.open(path, "text") == "x"
    assert cache.open(path, "text", transform=str.upper) == "X"
    assert cache.open(path, "text") == "x"


def test_an_argument_that_cannot_be_compared_is_passed_and_nothing_kept(tmp_path: Path) -> None:
    path, load = tmp_path / "a", Counting()
    path.write_text("x")
    assert cache.open(path, load, n=bytearray(b"y")) == ["x", {"n": bytearray(b"y")}]
    cache.open(path, load, n=bytearray(b"y"))
    assert load.calls == 2
    assert not cache.entries


def test_every_change_shows_at_once(tmp_path: Path) -> None:
    """Also one of the same size within a tick of the file's clock."""
    path = tmp_path / "a"
    for number in range(200):
        path.write_text(f"{number:03}")
        assert cache.open(path, "text") == f"{number:03}"


def test_a_change_of_time_or_size_alone_shows(tmp_path: Path) -> None:
    path, load = tmp_path / "a", Counting()
    path.write_text("x")
    age(path)
    cache.open(path, load)
    os.utime(path, (1, 1))
    cache.open(path, load)
    assert load.calls == 2
    path.write_text("xy")
    os.utime(path, (1, 1))
    assert cache.open(path, load)[0] == "xy"


def test_a_file_replaced_by_rename_shows(tmp_path: Path) -> None:
    path, new = tmp_path / "a", tmp_path / "new"
    path.write_text("x")
    new.write_text("y")
    for each in (path, new):
        os.utime(each, (1, 1))
    assert cache.open(path, "text") == "x"
    new.rename(path)
    assert cache.open(path, "text") == "y"


def test_failures_are_told_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(FileNotFoundError):
        cache.open(path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"a\.json is no JSON: .*line 1"):
        cache.open(path)
    (tmp_path / "a.yaml").write_text("a: [")
    with pytest.raises(ValueError, match=r"a\.yaml is no YAML: [^\n]*line"):
        cache.open(tmp_path / "a.yaml")
    with pytest.raises(ValueError, match="no kind of file 'toml'; give a function, or one of bin, config, css"):
        cache.open(path, "toml")
    with pytest.raises(ValueError, match="must be a kind of file or a function, not 3"):
        cache.open(path, 3)  # type: ignore[arg-type]
    assert not cache.entries
    path.write_text("{}")
    assert cache.open(path) == {}
    path.unlink()
    with pytest.raises(FileNotFoundError):
        cache.open(path)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(ValueError, match="is no YAML"):
        cache.open(tmp_path / "a.yaml")


def test_threads_load_once(tmp_path: Path) -> None:
    path, barrier, calls = tmp_path / "a", threading.Barrier(8), []
    path.write_text("x")

    def load(name: str) -> object:
        calls.append(name)
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        barrier.wait(10)
        return cache.open(path, load)

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(ask, range(8)))
    assert len(results) == len(calls) == 1


def test_threads_see_whole_results_while_files_change(tmp_path: Path) -> None:
    path, new = tmp_path / "a.json", tmp_path / "new"
    path.write_text("[0, 0]")

    def ask(_: int) -> bool:
        return all(len(set(cache.open(path))) == 1 for _ in range(100))

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(4))
        for number in range(50):
            new.write_text(f"[{number}, {number}]")
            new.rename(path)
        assert all(answers)


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("x" * 100)
    monkeypatch.setattr(cache, "KEPT", 10)
    for number in range(30):
        cache.open(path, Counting(), number=number)
    assert len(cache.entries) == 10
    monkeypatch.setattr(cache, "KEPT_BYTES", 350)
    last = cache.open(path, "text")
    assert len(cache.entries) == 3
    assert cache.open(path, "text") is last
    monkeypatch.setattr(cache, "KEPT_BYTES", 99)
    assert cache.open(path, "bin") == b"x" * 100
    assert not cache.entries


def test_rel_is_beside_the_file_that_calls() -> None:
    assert '"""`gramex.cache.open`' in cache.open("test_cache.py", "text", rel=True)
    with pytest.raises(FileNotFoundError):
        cache.open("test_cache.py.missing", "text", rel=True)


def test_a_loader_may_open_other_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("b")
    (tmp_path / "b").write_text("end")
    assert cache.open(tmp_path / "a", lambda path: cache.open(tmp_path / cache.open(path, "text"), "text")) == "end"


def test_importing_it_is_cheap() -> None:
    code = "import sys, gramex.cache; print([n for n in ('yaml', 'pandas') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
