"""What an app gets without writing a line: the packaged defaults, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

FILES = {
    "index.html": "home",
    "sub/default.template.html": "{{ 1 + 1 }}",
    "sub/index.html": "no",
    "list/a.txt": "a",
    "x.tmpl.html": "{{ 2 + 2 }}",
    "assets/deep/x.css": "css",
    "node_modules/lib/x.js": "js",
    "favicon.ico": "own",
    "gramex.test.yaml": "a: 1",
    ".hidden": "secret",
    ".dir/x.txt": "secret",
    "code.py": "secret",
    "code.pyc": "secret",
    "data.csv": "a,b",
}


@pytest.fixture
def app(serve: Callable[..., Any]) -> Any:
    return serve("", FILES)


def test_files(app: Any) -> None:
    assert app.get("/").text == "home"
    assert app.get("/sub/").text == "2"
    assert app.get("/x.tmpl.html").text == "4"
    assert "a.txt" in app.get("/list/").text
    assert app.get("/data.csv").text == "a,b"
    refused = ["/gramex.yaml", "/gramex.test.yaml", "/.hidden", "/.dir/x.txt", "/code.py", "/code.pyc"]
    assert {path: app.get(path).status for path in refused} == dict.fromkeys(refused, 403)


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/", "max-age=60"),
        ("/list/a.txt", "max-age=60"),
        ("/assets/deep/x.css", "public, max-age=86400"),
        ("/node_modules/lib/x.js", "public, max-age=315360000"),
        ("/favicon.ico", "public, max-age=86400"),
    ],
)
def test_how_long_browsers_keep_them(app: Any, path: str, cache: str) -> None:
    assert app.get(path).headers["Cache-Control"] == cache


def test_the_icon(app: Any) -> None:
    answer = app.get("/favicon.ico")
    assert answer.body[:4] == b"\0\0\1\0"
    assert answer.headers["Content-Type"] == "image/vnd.microsoft.icon"


def test_entries_are_removed_by_null(serve: Callable[..., Any]) -> None:
    app = serve("url: {favicon: null}", {"favicon.ico": "own", "a.txt": "a"})
    assert app.get("/favicon.ico").text == "own"
    app = serve("url: {default: null, favicon: null}", {"favicon.ico": "own", "a.txt": "a"})
    assert (app.get("/favicon.ico").status, app.get("/a.txt").status, app.get("/").status) == (404, 404, 404)


def test_the_packaged_entry_changed_in_part(serve: Callable[..., Any]) -> None:
    app = serve(
        "url: {default: {kwargs: {index: false, default_filename: start.html}}}", {"start.html": "start", "d/x": ""}
    )
    assert app.get("/").text == "start"
    assert app.get("/d/").status == 404


def test_a_broken_configuration_is_an_empty_one(serve: Callable[..., Any]) -> None:
    app = serve("url: {", {"a.txt": "a"})
    assert app.get("/a.txt").text == "a"
    app.wait_log(f"Config error: {app.folder}/gramex.yaml:1: url: a bracket is not closed: close it")
    assert "Traceback" not in app.log
