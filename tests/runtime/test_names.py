"""The Python names that apps import work in an app that runs, and in its templates, over real HTTP."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

Fixture = Callable[..., Any]

APP = """
import datetime
import json
import logging
import os
import threading

import gramex
import gramex.cache
import gramex.config
import gramex.handlers
from gramex import cache, commandline, conf, shutdown
from gramex.config import CustomJSONEncoder, app_log, variables
from gramex.handlers import BaseHandler, FileHandler, FunctionHandler
from gramex.transforms import handler


def configuration(handler):
    return {
        "title": conf.title,
        "nested": conf.app.settings.motto,
        "items": [conf["url"]["names"]["pattern"], gramex.conf.get("missing", "none"), "names" in conf.url],
        "same": gramex.conf is conf,
    }

def variable(handler):
    return {"COLOUR": variables["COLOUR"], "same": gramex.config.variables is variables,
            "folder": variables["GRAMEXDATA"]}

def attributes(handler):
    variables.SIZE = 3
    return [variables.COLOUR, variables["SIZE"], hasattr(variables, "NOBODY")]

def encoded(handler):
    found = {"day": datetime.date(2024, 2, 29), "session": "id" in handler.session}
    return json.dumps(found, cls=CustomJSONEncoder)

def more(handler):
    found = cache.open("more.yaml", "config")
    return [found.tint, found["part"], found.part.deep, variables["YAMLURL"], variables.TINT]

def log(handler):
    app_log.warning("the app says %s", handler.get_argument("what"))
    gramex.config.app_log.info("quiet")
    return app_log.name

@handler
def add(x: int, y: float = 0.5, *rest: int, words: list[str] = ()):
    return {"sum": x + y, "rest": rest, "words": words}

@gramex.transforms.handler
def double(x: int):
    return {"double": 2 * x}

loads = []

def load(path, factor):
    loads.append(path)
    with open(path) as file:
        return int(file.read()) * factor

def opened(handler):
    return {
        "json": gramex.cache.open("data.json"),
        "yaml": cache.open("data.yaml", "yaml"),
        "rows": cache.open("data.csv", "rows"),
        "own": [cache.open("number.txt", load, factor=factor) for factor in (2, 2, 3)],
        "rel": cache.open("number.txt", "text", rel=True),
        "html": cache.open("part.html", "template").generate(who="<x>").decode(),
        "loads": len(loads),
    }

def sheet(handler):
    return cache.open("data.json", "xlsx")

class Own(BaseHandler):
    @classmethod
    def setup(cls, greeting="hello", **kwargs):
        super().setup(**kwargs)
        cls.greeting = greeting

    def get(self, name):
        self.write({"said": f"{self.greeting} {name}", "user": self.current_user, "a": self.get_arg("a", "none")})

class Files(FileHandler):
    def set_extra(self):
        pass

class Calls(gramex.handlers.FunctionHandler):
    def prepare(self):
        self.set_header("X-Own", "yes")
        return super().prepare()

def stop(handler):
    threading.Thread(target=shutdown).start()
    return "stopping"

def stop_here(handler):
    gramex.shutdown()
    return "stopping"
"""

CONF: dict[str, Any] = {
    "title": "names",
    "variables": {"COLOUR": "green"},
    "app": {"settings": {"motto": "ship it"}},
    "log": {"loggers": {"gramex": {"level": "INFO"}}},
    "url": {
        "names": {"pattern": "/conf", "handler": "FunctionHandler", "kwargs": {"function": "names_app.configuration"}},
        **{
            name: {
                "pattern": f"/{name}",
                "handler": "FunctionHandler",
                "kwargs": {"function": f"names_app.{name}", "headers": {"Content-Type": "application/json"}},
            }
            for name in ("variable", "attributes", "encoded", "more", "log", "opened", "sheet", "stop", "stop_here")
        },
        "add": {"pattern": "/add/(.*)", "handler": "FunctionHandler", "kwargs": {"function": "names_app.add"}},
        "double": {"pattern": "/double", "handler": "FunctionHandler", "kwargs": {"function": "names_app.double"}},
        "own": {"pattern": "/own/(.*)", "handler": "names_app.Own", "kwargs": {"greeting": "good day"}},
        "files": {"pattern": "/files/(.*)", "handler": "names_app.Files", "kwargs": {"path": "public"}},
        "calls": {"pattern": "/calls", "handler": "names_app.Calls", "kwargs": {"function": "str(6 * 7)"}},
        "page": {
            "pattern": "/page",
            "handler": "FileHandler",
            "kwargs": {"path": "page.template.html", "colour": "blue", "template": "*.html"},
        },
        "parts": {
            "pattern": "/parts/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "parts", "template": "*.html"},
        },
        "inline": {
            "pattern": "/inline",
            "handler": "FunctionHandler",
            "kwargs": {"function": "gramex.conf.title + gramex.config.variables['COLOUR']"},
        },
    },
}
FILES = {
    "names_app.py": APP,
    "data.json": '{"a": 1}',
    "data.yaml": "a: [1]",
    "data.csv": "x,y\n1,2\n",
    "number.txt": "21",
    "public/a.txt": "public",
    "more.yaml": "variables: {TINT: $COLOUR}\ntint: dark $TINT\nimport: parts/*.yaml\ngone if 1 > 2: 1\n",
    "parts/part.yaml": "part: {deep: $YAMLURL}\n",
    "parts/page.html": "{% module Template('who.html', who='you') %}, {% module Template('beside.html') %}",
    "parts/beside.html": "beside",
    "beside.txt": "elsewhere",
    "part.html": "part for {{ who }}",
    "who.html": "module for {{ who }}",
    "page.template.html": (
        "{% from gramex import conf %}{% import gramex.config %}{% set who = conf.title %}"
        "title={{ conf.title }};colour={{ gramex.config.variables['COLOUR'] }};"
        "kwargs={{ handler.kwargs.colour }}{{ handler.kwargs['colour'] }}{{ handler.conf.kwargs.colour }};"
        "{% include part.html %};{% module Template('who.html', who='me') %};"
        "token={{ handler.xsrf_token }};"
    ),
}


@pytest.fixture(scope="module")
def app(serve_module: Fixture) -> Any:
    return serve_module(CONF, FILES)


def test_conf_is_the_configuration_in_use(app: Any) -> None:
    assert app.get("/conf").json() == {
        "title": "names",
        "nested": "ship it",
        "items": ["/conf", "none", True],
        "same": True,
    }


def test_expressions_use_the_names_without_import(app: Any) -> None:
    assert app.get("/inline").text == "namesgreen"


def test_variables(app: Any) -> None:
    assert app.get("/variable").json() == {"COLOUR": "green", "same": True, "folder": str(app.data)}


def test_variables_are_attributes_too(app: Any) -> None:
    assert app.get("/attributes").json() == ["green", 3, False]


def test_dates_and_sessions_as_json(app: Any) -> None:
    assert app.get("/encoded").json() == {"day": "2024-02-29", "session": True}


def test_cache_open_reads_a_configuration(app: Any) -> None:
    assert app.get("/more").json() == ["dark green", {"deep": "parts"}, "parts", ".", "green"]
    assert app.get("/more").json()[0] == "dark green"


def test_modules_of_templates_are_found_in_the_start_folder_then_beside(app: Any) -> None:
    assert app.get("/parts/page.html").text == "module for you, beside"
    (app.folder / "beside.html").write_text("at the start")
    assert app.get("/parts/page.html").text == "module for you, at the start"


def test_app_log_is_the_log_of_the_runtime(app: Any) -> None:
    assert app.get("/log?what=so").text == "gramex"
    app.wait_log("the app says so")


def test_typed_functions(app: Any) -> None:
    assert app.get("/add/4?y=1.5&words=a&words=b").json() == {"sum": 5.5, "rest": [], "words": ["a", "b"]}
    assert app.get("/add/x").status == 400
    assert app.get("/double?x=4").json() == {"double": 8}


def test_cache_open(app: Any) -> None:
    expected = {
        "json": {"a": 1},
        "yaml": {"a": [1]},
        "rows": [{"x": "1", "y": "2"}],
        "own": [42, 42, 63],
        "rel": "21",
        "html": "part for &lt;x&gt;",
        "loads": 2,
    }
    assert app.get("/opened").json() == expected
    assert app.get("/opened").json() == expected
    (app.folder / "number.txt").write_text("5")
    assert app.get("/opened").json()["own"] == [10, 10, 15]


def test_a_kind_that_needs_pandas_is_one_line_in_the_log(app: Any) -> None:
    assert app.get("/sheet").status == 500
    app.wait_log("data.json: kind xlsx needs pandas: pip install pandas")


def test_handlers_of_the_app(app: Any) -> None:
    assert app.get("/own/all?a=1").json() == {"said": "good day all", "user": None, "a": "1"}
    assert app.get("/files/a.txt").text == "public"
    calls = app.get("/calls")
    assert (calls.text, calls.headers["X-Own"]) == ("42", "yes")


def test_templates(app: Any) -> None:
    answer = app.get("/page")
    assert answer.status == 200, app.log
    *parts, token, _ = answer.text.split(";")
    assert parts == ["title=names", "colour=green", "kwargs=blueblueblue", "part for names", "module for me"]
    name, _, value = token.partition("=")
    assert name == "token"
    assert len(value) > 20
    assert any(line.startswith("_xsrf=") for line in answer.all("Set-Cookie"))


def test_a_form_with_the_token_of_a_template_is_taken(app: Any) -> None:
    browser = app.browser()
    token = browser.get("/page").text.rpartition("token=")[2].rstrip(";")
    assert browser.post("/add/1", {"y": "2"}).status == 403
    assert browser.post("/add/1", {"y": "2", "_xsrf": token}).json()["sum"] == 3.0


@pytest.mark.parametrize("name", ["stop", "stop_here"])
def test_shutdown_finishes_the_request_and_ends_with_0(serve: Fixture, name: str) -> None:
    app = serve(CONF, FILES, "--listen.drain=1")
    assert app.get(f"/{name}").text == "stopping"
    assert app.wait() == 0


def test_commandline_is_the_command(serve: Fixture) -> None:
    code = "import sys, gramex; sys.exit(gramex.commandline(sys.argv[1:]))"
    app = serve(CONF, FILES, command=[sys.executable, "-c", code])
    assert app.get("/inline").text == "namesgreen"
    assert app.stop(signal.SIGTERM) == 0


def test_every_name_is_there_after_import_gramex_alone() -> None:
    import gramex

    for name in ("cache.open", "config.variables", "config.app_log", "transforms.handler", "handlers.BaseHandler"):
        module, _, attribute = name.partition(".")
        assert hasattr(getattr(gramex, module), attribute), name
    assert json.dumps(sorted(gramex.__all__)) == json.dumps(sorted(set(gramex.__all__) & set(dir(gramex))))
