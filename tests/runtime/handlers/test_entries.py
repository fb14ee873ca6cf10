"""Entries of url: who answers, and what mistakes cost."""

import pytest

OWN = """
from gramex.handlers import BaseHandler
from tornado.web import RequestHandler

class Own(BaseHandler):
    @classmethod
    def setup(cls, **kwargs):
        super().setup(**kwargs)
        cls.text = kwargs.get("text", "?")
    def get(self, *args):
        self.write({"text": self.text, "name": self.name, "kwargs": self.kwargs.get("text"), "args": args})

class Asks(BaseHandler):
    def initialize(self, **kwargs):
        super().initialize(**kwargs)
        self.mine = kwargs["text"]
    async def get(self):
        self.write(self.mine)

class Bare(RequestHandler):
    def initialize(self, text=""):
        self.text = text
    def get(self):
        self.write("bare " + self.text)

class Fails(BaseHandler):
    @classmethod
    def setup(cls, **kwargs):
        raise RuntimeError("cannot be set up")

class Breaks(RequestHandler):
    def initialize(self):
        raise RuntimeError("cannot begin")

NotAHandler = 5
"""
FN = "FunctionHandler"


def entry(pattern, function="handler.name", handler=FN, **more):
    return {"pattern": pattern, "handler": handler, "kwargs": {"function": function}, **more}


@pytest.fixture(scope="module")
def app(serve_module):
    url = {
        "dot": entry("/./dot"),
        "up": entry("/app/../up"),
        "double": entry("//double"),
        "short": entry("/short", handler="Function"),
        "full": entry("/full", handler="gramex.handlers.FunctionHandler"),
        "service": {"pattern": "/service", "service": FN, "handler": "NoSuch", "kwargs": {"function": "1"}},
        "general": entry("/prio/(.*)"),
        "slashes": entry("/prio/a/(.*)"),
        "exact": entry("/prio/a/b"),
        "high": entry("/prio/(high)", priority=1),
        "low": entry("/prio/a/b/c/d", priority=-1),
        "own": {"pattern": "/own/(.*)", "handler": "own_handlers.Own", "kwargs": {"text": "T"}},
        "asks": {"pattern": "/asks", "handler": "own_handlers.Asks", "kwargs": {"text": "asked"}},
        "bare": {"pattern": "/bare", "handler": "own_handlers.Bare", "kwargs": {"text": "T"}},
        "breaks": {"pattern": "/breaks", "handler": "own_handlers.Breaks"},
        "fails": {"pattern": "/fails", "handler": "own_handlers.Fails"},
        "failsgroup": {"pattern": "/fails/(.*)", "handler": "own_handlers.Fails"},
        "nothandler": {"pattern": "/nothandler", "handler": "own_handlers.NotAHandler"},
        "nomodule": {"pattern": "/nomodule", "handler": "nosuchmodule.Class"},
        "missing": {"pattern": "/missing", "handler": "NoSuchHandler"},
        "drive": {"pattern": "/drive", "handler": "DriveHandler", "kwargs": {"path": "x"}},
        "chart": {"pattern": "/chart/(.*)", "handler": "gramex.handlers.ChartHandler"},
        "nopattern": {"handler": FN},
        "nohandler": {"pattern": "/nohandler"},
        "badregex": entry("/bad(regex"),
        "nomapping": "text",
        "oddkwargs": {"pattern": "/oddkwargs", "handler": FN, "kwargs": {"function": "1", 5: "x"}},
        "badkwargs": {"pattern": "/badkwargs", "handler": FN, "kwargs": ["x"]},
        "badpriority": entry("/badpriority", priority="high"),
        "red": {"pattern": "/red/(.*)", "handler": "RedirectHandler", "kwargs": {"url": "/to/{0}"}},
        "rednamed": {
            "pattern": "/rednamed/(?P<x>.*)",
            "handler": "RedirectHandler",
            "kwargs": {"url": "https://{x}.example.com/p?q=1#f", "permanent": False},
        },
        "redopen": {"pattern": "/redopen(.*)", "handler": "RedirectHandler", "kwargs": {"url": "{0}"}},
        "redrel": {"pattern": "/redrel/x", "handler": "RedirectHandler", "kwargs": {"url": "../y"}},
        "redbad": {"pattern": "/redbad", "handler": "RedirectHandler", "kwargs": {}},
        "defaults": {"pattern": "/defaults", "handler": FN, "kwargs": {"headers": {"X-Own": "own"}}},
        "default": None,
    }
    conf = {
        "handlers": {
            "FunctionHandler": {
                "function": "handler.name + ' by default'",
                "headers": {"X-Own": "no", "X-Kind": "function"},
            },
            "BaseHandler": {"headers": {"X-Base": "base", "X-Kind": "base"}, "error": {404: {"path": "404.html"}}},
        },
        "url": url,
    }
    return serve_module(conf, {"own_handlers.py": OWN, "404.html": "no {{ status_code }}"})


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("/dot", "dot"),
        ("/up", "up"),
        ("/double", "double"),
        ("/short", "short"),
        ("/full", "full"),
        ("/service", "1"),
        ("/prio/x", "general"),
        ("/prio/a/x", "slashes"),
        ("/prio/a/b", "exact"),
        ("/prio/high", "high"),
        ("/prio/a/b/c/d", "slashes"),
        ("/own/x%20y", '{"text": "T", "name": "own", "kwargs": "T", "args": ["x y"]}'),
        ("/asks", "asked"),
        ("/bare", "bare T"),
        ("/badpriority", "badpriority"),
        ("/defaults", "defaults by default"),
    ],
)
def test_who_answers(app, url, text):
    answer = app.get(url)
    assert (answer.status, answer.text) == (200, text)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/fails", 500),
        ("/fails/group", 500),
        ("/badkwargs", 500),
        ("/oddkwargs", 500),
        ("/breaks", 500),
        ("/redbad", 500),
        ("/drive", 501),
        ("/chart/x", 501),
        ("/missing", 404),
        ("/nomodule", 404),
        ("/nothandler", 404),
        ("/nohandler", 404),
        ("/dot/", 404),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_what_mistakes_cost(app, url, status, method):
    answer = app.request(method, url, data=b"" if method == "POST" else None)
    assert answer.status == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "line",
    [
        "url:nopattern: no pattern: specified",
        "url:nohandler: no service: or handler: specified",
        "url:missing: ignoring missing handler NoSuchHandler",
        "url:nomodule: ignoring missing handler nosuchmodule.Class",
        "url:nothandler: ignoring missing handler own_handlers.NotAHandler",
        "url:badregex: pattern: '/bad(regex' is invalid",
        "url:fails (own_handlers.Fails) invalid configuration: RuntimeError: cannot be set up",
        "url:drive: this runtime has no DriveHandler",
        "url:chart: this runtime has no gramex.handlers.ChartHandler",
        "url:nomapping: must be a mapping",
        "url:badkwargs (FunctionHandler) invalid configuration: kwargs: must be a mapping",
        "url:oddkwargs (FunctionHandler) invalid configuration: kwargs: a key must be text, not 5",
        "url:badpriority: priority: must be a number",
    ],
)
def test_mistakes_are_logged(app, line):
    assert line in app.log


def test_defaults_of_the_handler_win_over_those_of_all(app):
    headers = app.get("/defaults").headers
    assert (headers["X-Own"], headers["X-Kind"], headers["X-Base"]) == ("own", "function", "base")


def test_error_pages_of_all_handlers(app):
    answer = app.get("/nosuch")
    assert (answer.status, answer.text, answer.headers["X-Base"]) == (404, "no 404", "base")


@pytest.mark.parametrize(
    ("url", "status", "location"),
    [
        ("/red/x/y", 301, "/to/x/y"),
        ("/red/a%20b%3Fc", 301, "/to/a%20b%3Fc"),
        ("/red/x?a=1&b=2", 301, "/to/x?a=1&b=2"),
        ("/rednamed/sub", 302, "https://sub.example.com/p?q=1#f"),
        ("/rednamed/sub?z=1", 302, "https://sub.example.com/p?q=1&z=1#f"),
        ("/rednamed/evil.com%2F", 302, "https://evil.com%2F.example.com/p?q=1#f"),
        ("/rednamed/evil.com%23", 302, "https://evil.com%23.example.com/p?q=1#f"),
        ("/rednamed/u@evil.com%3A80", 302, "https://u%40evil.com%3A80.example.com/p?q=1#f"),
        ("/redopen//evil.com", 301, "/evil.com"),
        ("/redopen/%5Cevil.com", 301, "/%5Cevil.com"),
        ("/redopen%2F%2Fevil.com", 301, "/evil.com"),
        ("/redrel/x", 301, "/y"),
        ("/red/%0d%0aSet-Cookie:x=1", 301, "/to/%0D%0ASet-Cookie:x=1"),
    ],
)
def test_redirects(app, url, status, location):
    answer = app.get(url)
    assert (answer.status, answer.headers["Location"]) == (status, location)


def test_redirects_stay_below_the_outer_root(app):
    answer = app.get("/red/x", headers={"X-Gramex-Root": "/outer"})
    assert answer.headers["Location"] == "/outer/to/x"


def test_names_that_apps_import():
    from gramex.handlers import BaseHandler, FileHandler, FunctionHandler

    assert issubclass(FileHandler, BaseHandler)
    assert issubclass(FunctionHandler, BaseHandler)
    with pytest.raises(ImportError):
        from gramex.handlers import NoSuch  # noqa: F401


def test_reload_keeps_classes_of_entries_that_did_not_change(tmp_path, monkeypatch):
    from gramex import config, services
    from gramex.handlers.routing import build

    monkeypatch.setenv("GRAMEXDATA", str(tmp_path / "data"))
    conf = "url:\n  a: {pattern: /a, handler: FunctionHandler, kwargs: {function: '1'}}\n"
    more = "  b: {pattern: /b, handler: FunctionHandler, kwargs: {function: '2'}}\n"
    (tmp_path / "gramex.yaml").write_text(conf + more)
    loaded = config.load(tmp_path, {})
    first_services = services.start(loaded)
    first = build(loaded, first_services)
    (tmp_path / "gramex.yaml").write_text(conf + more.replace("'2'", "'3'"))
    again = config.load(tmp_path, {})
    second_services = services.start(again, first_services)
    second = build(again, second_services, first)
    assert second.entries["a"] is first.entries["a"]
    assert second.entries["a"].services is second_services
    assert second.entries["b"] is not first.entries["b"]
    first_services.close()
    second_services.close()
