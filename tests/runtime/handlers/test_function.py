"""FunctionHandler over real HTTP."""

import textwrap
import time

import pytest

MODULE = """
import datetime
import gramex
from tornado import gen
from tornado.web import HTTPError
from gramex.transforms import handler as typed

def everything(handler):
    return {"args": handler.args, "path": handler.path_args, "named": handler.path_kwargs, "name": handler.name,
            "method": handler.request.method, "kwargs": handler.kwargs.get("own")}

async def native(handler):
    await gen.sleep(0.01)
    return "native " + handler.get_arg("x", "none")

@gen.coroutine
def decorated(handler):
    yield gen.sleep(0.01)
    raise gen.Return("decorated")

def threaded(handler):
    return gramex.service.threadpool.submit(lambda: {"in": "a thread"})

def threaded_parts(handler):
    for number in range(2):
        yield gramex.service.threadpool.submit(str, number)

def old_generator(handler):
    for number in range(3):
        yield {"n": number}

async def new_generator(handler):
    for number in range(3):
        await gen.sleep(0.001)
        yield f"{number}\\n"

def futures(handler):
    yield native(handler)
    yield " and text "
    yield None
    yield 5

def slow_parts(handler):
    yield "first\\n"
    yield gen.sleep(1.5)
    yield "last\\n"

def breaks(handler):
    yield "begun"
    raise RuntimeError("in the middle")

def endless(handler):
    while True:
        yield "x" * 100000

@typed
def total(items: list[float], start: int = 0):
    return start + sum(items)

def fail(handler):
    raise ValueError("a secret in the message")

def refuse(handler):
    raise HTTPError(418, reason="Short And Stout")

def dates(handler):
    return [datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4)]

def written(handler):
    handler.set_header("Content-Type", "text/plain")
    handler.write("written ")
    return "and returned"

def finished(handler):
    handler.redirect("/elsewhere")

def required(handler):
    return handler.get_arg("must")

def first_last(handler):
    return [handler.get_arg("x"), handler.get_arg("x", first=True), handler.get_arg("y", "default")]

def count(handler):
    handler.application.count = getattr(handler.application, "count", 0) + 1
    return handler.application.count

def injected(handler):
    handler.set_header("X-Injected", handler.get_arg("v"))
    return "ok"

def nothing(handler):
    handler.set_status(204)

async def nothing_later(handler):
    handler.set_status(204)
    return ""

def wrong_length(handler):
    handler.set_header("Content-Length", "3")
    return "four"
"""
NAMES = [
    "everything",
    "native",
    "decorated",
    "threaded",
    "threaded_parts",
    "old_generator",
    "new_generator",
    "futures",
    "slow_parts",
    "breaks",
    "endless",
    "total",
    "fail",
    "refuse",
    "dates",
    "written",
    "finished",
    "required",
    "nothing",
    "nothing_later",
    "first_last",
    "count",
    "injected",
    "wrong_length",
]


def entry(function, pattern=None, **kwargs):
    return {"pattern": pattern, "handler": "FunctionHandler", "kwargs": {"function": function, **kwargs}}


@pytest.fixture(scope="module")
def app(serve_module):
    url = {name: entry(f"fn_module.{name}", f"/{name}") for name in NAMES}
    url |= {
        "groups": entry("fn_module.everything", "/groups/([^/]*)/(.*)", own=5),
        "named": entry("fn_module.everything", "/named/(?P<year>[0-9]+)/(?P<rest>.*)"),
        "headers": entry("'{}'", "/headers", headers={"Content-Type": "application/json", "X-One": 1, "Server": False}),
        "failheaders": entry("fn_module.fail", "/failheaders", headers={"X-One": 1}),
        "pipe": entry([{"name": "a", "function": "fn_module.native"}, "a.upper()"], "/pipe"),
        "args": entry(
            "str.format", "/args", args=["{}-{k}", "=handler.name"], kwargs={"k": "=handler.get_arg('k', '?')"}
        ),
        "expr": entry("handler.get_arg('x', 'none') * 2", "/expr"),
        "template": entry("template('{{ 1 + x }}<', x=2)", "/template"),
        "empty": entry("", "/empty"),
        "nomodule": entry("nosuchmodule.f", "/nomodule"),
        "methods": entry("handler.request.method", "/methods", methods=["GET", "post"], xsrf_cookies=False),
        "badmethods": entry("1", "/badmethods", methods=["GIVE"]),
        "badheaders": entry("1", "/badheaders", headers={"X-Bad": "a\nb"}),
        "any": entry("handler.request.method", "/any", xsrf_cookies=False),
        "totals": entry("fn_module.total", "/totals", xsrf_cookies=False),
    }
    return serve_module({"url": url}, {"fn_module.py": MODULE})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/native", "native none"),
        ("/native?x=1", "native 1"),
        ("/decorated", "decorated"),
        ("/threaded", '{"in":"a thread"}'),
        ("/threaded_parts", "01"),
        ("/old_generator", '{"n":0}{"n":1}{"n":2}'),
        ("/new_generator", "0\n1\n2\n"),
        ("/futures", "native none and text 5"),
        ("/total?items=1&items=2.5&start=1", "4.5"),
        ("/dates", '["2026-01-02","2026-01-02T03:04:00+00:00"]'),
        ("/written", "written and returned"),
        ("/first_last?x=1&x=2", '["2","1","default"]'),
        ("/pipe", "NATIVE NONE"),
        ("/args?k=v", "args-v"),
        ("/expr?x=ab", "abab"),
        ("/template", "3<"),
    ],
)
def test_results(app, url, expected):
    answer = app.get(url)
    assert (answer.status, answer.text) == (200, expected)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/total", 400),
        ("/total?items=x", 400),
        ("/required", 400),
        ("/fail", 500),
        ("/refuse", 418),
        ("/empty", 500),
        ("/nomodule", 500),
        ("/badmethods", 500),
        ("/badheaders", 500),
        ("/finished", 302),
    ],
)
def test_statuses(app, url, status):
    answer = app.get(url, headers={"Host": "app.example"})
    assert answer.status == status
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_what_a_function_sees(app):
    seen = app.get("/groups/a%20b/c/d?x=1&x=2&y=%C3%A9").json()
    assert seen == {
        "args": {"x": ["1", "2"], "y": ["\u00e9"]},
        "path": ["a b", "c/d"],
        "named": {},
        "name": "groups",
        "method": "GET",
        "kwargs": 5,
    }
    assert app.get("/named/2026/x/y").json()["named"] == {"year": "2026", "rest": "x/y"}


def test_form_and_json_bodies(app):
    assert app.post("/totals", {"items": ["1", "2"]}).text == "3.0"
    assert app.post("/totals", json={"items": [1, 2], "start": 5}).text == "8.0"
    assert app.post("/totals", data=b"{", headers={"Content-Type": "application/json"}).status == 400
    body = b'--x\r\nContent-Disposition: form-data; name="items"\r\n\r\n7\r\n--x--\r\n'
    assert app.post("/totals", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}).text == "7.0"
    assert app.post("/totals", data=b"--x", headers={"Content-Type": "multipart/form-data"}).status == 400


def test_invalid_utf8_in_arguments_is_dropped(app):
    assert app.get("/everything?x=1&x=%ff&y=1&z=%C3%A9").json()["args"] == {"y": ["1"], "z": ["\u00e9"]}
    assert "argument 'x' is not UTF-8" in app.log


def test_arguments_have_no_space_around_and_no_control_characters(app):
    args = app.get("/everything?a=%20b%0a&c=%00d%01e&f=g%0ah%09i&j=+").json()["args"]
    assert args == {"a": ["b"], "c": ["d e"], "f": ["g\nh\ti"], "j": [""]}
    assert app.get("/groups/%ff/x").status == 400


def test_type_is_html_unless_set(app):
    assert app.get("/dates").headers["Content-Type"] == "text/html; charset=UTF-8"
    assert app.get("/written").headers["Content-Type"] == "text/plain"
    headers = app.get("/headers").headers
    assert (headers["Content-Type"], headers["X-One"], headers["Server"]) == ("application/json", "1", None)


def test_own_headers_are_for_good_answers_only(app):
    headers = app.get("/failheaders").headers
    assert (headers["X-One"], headers["Server"].partition("/")[0]) == (None, "Gramex")


def test_etag_is_the_hash_of_the_answer_and_gives_304(app):
    import hashlib

    answer = app.get("/dates")
    assert answer.headers["Etag"] == f'"{hashlib.sha1(answer.body).hexdigest()}"'
    assert app.get("/dates", headers={"If-None-Match": answer.headers["Etag"]}).status == 304


def test_parts_arrive_as_they_come(app):
    connection = app.connection()
    begin = time.monotonic()
    connection.request("GET", "/slow_parts")
    response = connection.getresponse()
    assert response.read1(100) == b"first\n"
    assert time.monotonic() - begin < 1.4
    assert response.read() == b"last\n"
    connection.close()


def test_redirect_after_the_function(serve):
    def entry(name, redirect):
        kwargs = {"function": f"pages.{name}", "redirect": redirect, "headers": {"X-Own": "yes"}}
        return {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": kwargs}

    code = """
        done = []
        def plain(handler): done.append('plain')
        def parts(handler):
            yield 'text'
            done.append('parts')
        async def later(handler): done.append('later')
        def elsewhere(handler): handler.redirect('/elsewhere')
        def refused(handler): 1 / 0
    """
    rules = {
        "plain": "/there?x=1",
        "parts": {"query": "next", "url": "/there"},
        "later": {"header": "Referer"},
        "elsewhere": "/there",
        "refused": "/there",
    }
    url = {name: entry(name, rule) for name, rule in rules.items()}
    url["done"] = {"pattern": "/done", "handler": "FunctionHandler", "kwargs": {"function": "pages.done"}}
    app = serve({"url": url}, {"pages.py": textwrap.dedent(code)})
    for path, location in [
        ("/plain", "/there?x=1"),
        ("/parts?next=/on", "/on"),
        ("/parts?next=//evil.example", "/there"),
        ("/later", "/"),
        ("/elsewhere", "/elsewhere"),
    ]:
        answer = app.get(path)
        assert (answer.status, answer.headers["Location"], answer.body) == (302, location, b""), path
    assert app.get("/plain", headers={"X-Gramex-Root": "/app"}).headers["Location"] == "/app/there?x=1"
    assert app.get("/refused").status == 500
    assert app.get("/done").json() == ["plain", "parts", "parts", "later", "plain"]


def test_an_answer_without_content(app):
    for path in ("/nothing", "/nothing_later"):
        answer = app.get(path)
        assert (answer.status, answer.body, answer.headers["Content-Length"]) == (204, b"", None), path


def test_parts_are_not_held_back_by_a_proxy(app):
    for path in ("/old_generator", "/new_generator"):
        assert app.get(path).headers["X-Accel-Buffering"] == "no", path
    assert app.get("/native").headers["X-Accel-Buffering"] is None


def test_generator_that_breaks_ends_the_connection(app):
    import http.client

    connection = app.connection()
    connection.request("GET", "/breaks")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        connection.getresponse().read()
    connection.close()
    assert "in the middle" in app.log


def test_client_that_leaves_stops_an_endless_generator(app):
    with app.connect() as sock:
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.recv(1000)
    assert app.get("/decorated").text == "decorated"
    app.wait_for(lambda: "GET /endless" in app.log, what="the end of /endless")


def test_methods(app):
    assert app.get("/methods").text == "GET"
    assert app.post("/methods", {}).text == "POST"
    answer = app.request("DELETE", "/methods")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert app.request(method, "/any", data=b"").text == method
    assert app.request("HEAD", "/any").status == 200
    assert app.request("BREW", "/any").status == 405


def test_method_override(app):
    assert app.post("/any", {}, headers={"X-HTTP-Method-Override": "put"}).text == "PUT"
    assert app.post("/any?x-http-method-override=DELETE", {}).text == "DELETE"
    assert app.post("/any", {"x-http-method-override": "PATCH"}).text == "PATCH"
    assert app.get("/any", headers={"X-HTTP-Method-Override": "NONSENSE"}).status == 405
    assert app.get("/any", headers={"X-HTTP-Method-Override": "HEAD"}).text == "GET"
    assert app.request("HEAD", "/any?x-http-method-override=PUT").status == 200


def test_overridden_method_needs_the_token(app):
    assert app.get("/everything", headers={"X-HTTP-Method-Override": "POST"}).status == 403
    assert app.get("/everything?x-http-method-override=POST").status == 403


@pytest.mark.parametrize("value", ["a%0d%0aSet-Cookie:%20x=1", "a%0aX-Evil:1", "a%0db"])
def test_header_cannot_be_split(app, value):
    answer = app.get(f"/injected?v={value}")
    assert answer.status in (400, 500)
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["X-Evil"] is None


def test_wrong_length_does_not_upset_the_next_request(app):
    received = app.raw(b"GET /wrong_length HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    assert received.count(b"HTTP/1.1 200") <= 1
    assert app.get("/decorated").status == 200


def test_exception_is_logged_with_its_traceback(app):
    app.get("/fail")
    assert "ValueError: a secret in the message" in app.log
    assert "fn_module.py" in app.log
    log = app.data / "logs" / "requests.csv"
    app.wait_for(lambda: "ValueError: a secret in the message" in log.read_text(), what="the error in requests.csv")


def test_mistakes_name_entry_and_place(app):
    log = app.log
    assert "url:empty (FunctionHandler) invalid configuration: function: must be an expression" in log
    assert "gramex.yaml:" in log.split("url:nomodule")[0].splitlines()[-1]
    assert "methods: unknown GIVE" in log
    assert "X-Bad" in log


def test_changed_module_is_read_at_the_next_request(serve):
    app = serve({"url": {"f": entry("changing.f", "/f")}}, {"changing.py": "def f(handler): return 'one'"})
    assert app.get("/f").text == "one"
    (app.folder / "changing.py").write_text("def f(handler): return 'two'")
    assert app.get("/f").text == "two"
    (app.folder / "changing.py").write_text("def f(handler: return 'three'")
    assert app.get("/f").status == 500
    (app.folder / "changing.py").write_text("def f(handler): return 'four'")
    assert app.get("/f").text == "four"
