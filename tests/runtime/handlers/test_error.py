"""Error pages."""

import pytest

from gramex.handlers.contenttype import ContentTypes
from gramex.handlers.error import parse_errors

FILES = {
    "404.html": "<p>{{ status_code }} {{ handler.name }} {{ '<' }}</p>",
    "raw.txt": "{{ '<' }}  {{ kwargs['exc_info'][1].status_code }}",
    "one.html": "a\n\n   b",
    "broken.html": "{{ 1/0 }}",
    "pages.py": (
        "def page(status_code, kwargs, handler):\n"
        "    return {'code': status_code, 'error': str(kwargs['exc_info'][1])}\n"
        "def fails(status_code): raise RuntimeError('page')\n"
        "async def later(handler): return 'x'\n"
    ),
}


def entry(name, error, function="1/0"):
    return {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": function, "error": error}}


NOT_FOUND = "handler.send_error(404)"


@pytest.fixture(scope="module")
def app(serve_module):
    url = {
        "path": entry("path", {404: {"path": "404.html", "headers": {"X-Error": "yes", "Server": False}}}, NOT_FOUND),
        "raw": entry("raw", {400: {"path": "raw.txt", "autoescape": False}}, "handler.get_arg('must')"),
        "oneline": entry("oneline", {500: {"path": "one.html", "whitespace": "oneline"}}),
        "function": entry(
            "function", {500: {"function": "pages.page", "headers": {"Content-Type": "application/json"}}}
        ),
        "expression": entry("expression", {500: {"function": "'code %d' % status_code", "path": "404.html"}}),
        "broken": entry("broken", {500: {"path": "broken.html"}}),
        "missing": entry("missing", {500: {"path": "nosuch.html"}}),
        "fails": entry("fails", {500: {"function": "pages.fails"}}),
        "later": entry("later", {500: {"function": "pages.later"}}),
        "badcode": entry("badcode", {200: {"path": "404.html"}}),
        "badpage": entry("badpage", {500: {}}),
        "badspace": entry("badspace", {500: {"path": "one.html", "whitespace": "none"}}),
        "builtin": entry("builtin", {404: {"path": "404.html"}}),
    }
    return serve_module({"url": url}, FILES)


@pytest.mark.parametrize(
    ("url", "status", "text", "kind"),
    [
        ("/path", 404, "<p>404 path &lt;</p>", "text/html; charset=UTF-8"),
        ("/raw", 400, "<  400", "text/plain; charset=UTF-8"),
        ("/oneline", 500, "a b", "text/html; charset=UTF-8"),
        ("/function", 500, '{"code":500,"error":"division by zero"}', "application/json"),
        ("/expression", 500, "code 500", "text/html; charset=UTF-8"),
    ],
)
def test_own_pages(app, url, status, text, kind):
    answer = app.get(url)
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (status, text, kind)


def test_headers_of_a_page(app):
    headers = app.get("/path").headers
    assert (headers["X-Error"], headers["Server"]) == ("yes", None)


@pytest.mark.parametrize(
    "url", ["/broken", "/missing", "/fails", "/later", "/builtin", "/badcode", "/badpage", "/badspace"]
)
def test_built_in_page_stands_in(app, url):
    answer = app.get(url)
    assert answer.status == 500
    assert "<h1>500 Internal Server Error</h1>" in answer.text
    assert str(app.folder) not in answer.text


def test_failing_pages_are_logged(app):
    app.get("/fails")
    assert "url:fails: the page for error 500 failed" in app.log


def test_a_page_that_is_not_there_is_one_line(serve):
    page = {"path": "nowhere.html"}
    listing = {"path": "list", "index": True, "index_template": "none.html"}
    url = {
        "page": {"pattern": "/page", "handler": "FileHandler", "kwargs": {"path": "no.txt", "error": {404: page}}},
        "list": {"pattern": "/list/(.*)", "handler": "FileHandler", "kwargs": listing},
    }
    app = serve({"url": url}, {"list/a.txt": "A"})
    assert app.get("/page").status == 404
    assert "a.txt" in app.get("/list/").text
    app.stop()
    assert f"url:page: error: 404: {app.folder}/nowhere.html: No such file or directory" in app.log
    assert f"index_template: {app.folder}/none.html cannot be read: No such file or directory" in app.log
    assert "Traceback" not in app.log


@pytest.mark.parametrize("escape", [5, "nothing", [1], {"a": 1}, "("])
def test_autoescape_that_is_none(escape, tmp_path):
    with pytest.raises(ValueError, match=r"error: 404: autoescape: must be true, false, or one of xhtml_escape"):
        parse_errors({404: {"path": "a.html", "autoescape": escape}}, tmp_path, ContentTypes())


def test_function_and_path_together_are_warned_of(app):
    assert "error: 500: has both function: and path:, the function is used" in app.log


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (405, "Method Not Allowed"), (403, "Forbidden")])
def test_built_in_pages_are_small_html(app, status, reason):
    method, url = {404: ("GET", "/nosuch"), 405: ("BREW", "/path"), 403: ("GET", "/gramex.yaml")}[status]
    answer = app.request(method, url)
    assert answer.status == status
    assert f"<h1>{status} {reason}</h1>" in answer.text
    assert len(answer.body) < 600
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({}, True),
        ({"Host": "localhost:9988"}, True),
        ({"Host": "app.example"}, False),
        ({"X-Real-IP": "127.0.0.1"}, False),
        ({"X-Forwarded-For": "127.0.0.1"}, False),
        ({"X-Scheme": "https"}, False),
        ({"X-Request-URI": "/n"}, False),
        ({"Forwarded": "for=127.0.0.1"}, False),
        ({"Via": "1.1 proxy"}, False),
    ],
)
def test_traceback_is_shown_to_the_developer(local, headers, shown):
    answer = local.get("/fails", headers=headers)
    assert answer.status == 500
    assert ("ZeroDivisionError" in answer.text) is shown
    assert ("Traceback" in answer.text) is shown
    assert str(local.folder) not in answer.text
    assert "/gramex/" not in answer.text


def test_traceback_is_not_shown_through_a_socket_or_when_switched_off(serve):
    page = {"fails": {"pattern": "/fails", "handler": "FunctionHandler", "kwargs": {"function": "1 / 0"}}}
    conf = {"url": page, "app": {"settings": {"serve_traceback": False}}}
    for app in (serve({"url": page}, unix=True), serve(conf)):
        answer = app.get("/fails")
        assert answer.status == 500
        assert "ZeroDivisionError" not in answer.text


@pytest.fixture(scope="module")
def local(serve_module):
    page = {"fails": {"pattern": "/fails", "handler": "FunctionHandler", "kwargs": {"function": "1 / 0"}}}
    return serve_module({"url": page})


def test_traceback_is_shown_where_that_is_wanted(serve):
    conf = {
        "app": {"settings": {"serve_traceback": True}},
        "url": {"e": entry("e", {}, "int('<x>')"), "n": entry("n", {}, NOT_FOUND)},
    }
    app = serve(conf)
    text = app.get("/e").text
    assert "ValueError: invalid literal for int() with base 10: &#x27;&lt;x&gt;&#x27;" in text
    assert "Traceback" in text
    assert "Traceback" not in app.get("/n").text
