"""The guide's examples do what the guide says: each is started, and asked."""

import json
import re

import pytest

from gramex.handlers.guidepages import FOLDER

FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(serve):
    """Start the example number `number`, from 0, among those with `url:` on a page, with all files of the page."""

    def start(page, number=0, more=()):
        blocks = FENCE.findall((FOLDER / f"{page}.md").read_text(encoding="utf-8"))
        conf = [text for language, _, text in blocks if language == "yaml" and text.startswith("url:")][number]
        files = {name: text for _, name, text in blocks if name and name != "gramex.yaml"}
        return serve(conf, files | dict(more))

    return start


def test_start(example):
    app = example("index")
    assert app.get("/hello?name=Ada").text == "Hello, Ada!"
    assert app.get("/hello").text == "Hello, world!"


def test_handlers(example):
    app = example("handlers", more={"index.html": "home"})
    assert app.get("/").text == "home"
    assert app.get("/report/2026").text == "<h1>Report of 2026</h1>"


def test_files(example):
    more = {"page.html": "<p>page", "data/a.csv": "x\n1\n", "data/b.txt": "b", "data/c.py": "c"}
    app = example("files", more=more)
    assert app.get("/page").text == "<p>page"
    assert app.get("/data/a.csv").headers["Cache-Control"] == "max-age=60"
    assert "a.csv" in app.get("/data/").text
    assert app.get("/data/c.py").status == 403


def test_templates(example):
    text = example("files", 1).get("/pages/hello.html?topic=<b>").text
    assert "<h1>Hello stranger</h1>" in text
    assert "&lt;b&gt;" in text


def test_transforms(example):
    answer = example("files", 2, {"notes/one.txt": "a < b"}).get("/notes/one.txt")
    assert answer.text == "<pre>a &lt; b</pre>"
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


def test_paths_from_urls(example):
    app = example("files", 3, {"reports/2026/index.html": "year", "reports/2026/may.html": "month"})
    assert app.get("/report/2026").text == "year"
    assert app.get("/report/2026/may").text == "month"


def test_functions(example):
    app = example("functions")
    assert json.loads(app.get("/totals").text) == {"year": 2026, "user": None, "total": 4200}
    assert json.loads(app.get("/price?price=2.5&count=3").text) == {"total": 7.5}
    assert app.get("/price").status == app.get("/price?price=x").status == 400


def test_steps(example):
    assert json.loads(example("functions", 1).get("/steps").text)["year"] == 2026


def test_redirects(example):
    app = example("redirects")
    moved = app.get("/old/a/b?c=1")
    assert (moved.status, moved.headers["Location"]) == (301, "/new/a/b?c=1")
    assert app.get("/docs").status == 302


def test_a_handler_of_ones_own(example):
    app = example("code")
    answer = app.get("/clock")
    assert answer.status == 302, "it needs a log in, as its entry says"
    assert answer.headers["Location"].startswith("/login/")


def test_limits(example):
    app = example("handlers", 3)
    assert app.get("/search?year=x").status == 400
    assert app.get("/search?year=2026").headers["X-RateLimit-Limit"] == "100"


def test_log_in_and_members(example):
    app = example("auth")
    browser = app.browser()
    form = browser.get("/login/")
    token = re.findall(r'name="_xsrf"[^>]*value="([^"]*)"', form.text)[0]
    wrong = browser.post("/login/", {"user": "ada", "password": "x", "_xsrf": token})
    assert wrong.status == 401
    right = browser.post("/login/", {"user": "ada", "password": "correct horse battery", "_xsrf": token})
    assert right.status == 302


def test_uploads_need_a_log_in(example):
    app = example("uploads")
    assert app.get("/upload").status == 302
    assert 'name="_xsrf"' in app.get("/upload.template.html").text


def test_data(example):
    app = example("data")
    rows = json.loads(app.get("/sales?region=North&sales>=5&_sort=-sales").text)
    assert rows == [{"id": 1, "region": "North", "sales": 10, "day": "2020-01-05"}]
    assert app.get("/sales?_by=region&_c=sales|sum").text.count("sales|sum") == 2


def test_data_in_a_template(example):
    assert "<li>South: 20</li>" in example("data", 2).get("/report").text
