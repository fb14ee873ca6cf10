"""The short way for plain files answers exactly as the handler does."""

import os
import time

import pytest

SLOW = {"Content-Length": "0"}  # a request with a body, even an empty one, goes to a handler
FILES = {
    "small.txt": "small",
    "text.txt": "text " * 1000,
    "big.bin": os.urandom(200_000),
    "big.txt": "big text " * 200_000,
    "sub/index.html": "sub",
    "empty/.keep": "",
    "code.py": "x",
    ".env": "x",
    "page.template.html": "{{ 1 + 1 }}",
    "err404.html": "own page {{ status_code }}",
    "secret/a.txt": "for members",
    "headers/a.css": "css",
}
CONF = {
    "handlers": {"BaseHandler": {"headers": {"X-Frame-Options": "SAMEORIGIN", "Server": False}}},
    "url": {
        "secret": {"pattern": "/secret/(.*)", "handler": "FileHandler", "kwargs": {"path": "secret", "auth": True}},
        "own404": {
            "pattern": "/own404/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "sub", "error": {404: {"path": "err404.html"}}},
        },
        "headers": {
            "pattern": "/headers/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "headers", "headers": {"*.css": {"X-Css": "1", "Cache-Control": "no-cache"}}},
        },
        "set": {"pattern": "/set/(.*)", "handler": "FileHandler", "kwargs": {"path": "sub", "set_xsrf": True}},
        "post": {"pattern": "/post/(.*)", "handler": "FileHandler", "kwargs": {"path": "sub", "methods": ["POST"]}},
    },
}


@pytest.fixture(scope="module")
def app(serve_module):
    (gramex := serve_module(CONF, FILES)).folder.joinpath("sub/link").symlink_to("/etc/passwd")
    yesterday = time.time() - 86400
    for name in [*FILES, "sub", "."]:
        os.utime(gramex.folder / name, (yesterday, yesterday))
    return gramex


URLS = [
    "/small.txt",
    "/small.txt?v=2",
    "/text.txt",
    "/big.bin",
    "/big.txt",
    "/sub/",
    "/sub",
    "/sub/index.html",
    "/",
    "/empty/",
    "/nosuch",
    "/code.py",
    "/.env",
    "/gramex.yaml",
    "/page.template.html",
    "/secret/a.txt",
    "/own404/nosuch",
    "/own404/index.html",
    "/headers/a.css",
    "/headers/b.css",
    "/set/index.html",
    "/post/index.html",
    "/%73mall.txt",
    "/sub/%2e%2e/small.txt",
    "/a%00b",
    "/%ff",
    "/" + "x" * 300,
    "/sub/link",
    "/small.txt?x-http-method-override=POST",
    "/small.txt%5c",
    "/small.txt/",
    "//small.txt",
    "/./small.txt",
    "/favicon.ico",
]
VARIANTS = [
    {},
    {"Accept-Encoding": "gzip"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"},
    {"If-None-Match": '"x"', "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"},
    {"Cookie": "sid=junk; other=1"},
    {"X-Real-IP": "10.0.0.1", "X-Request-URI": "/outer/x"},
    {"Connection": "close"},
]


def seen(answer):
    headers = {name.lower(): value for name, value in answer.headers.items()}
    headers.pop("date")
    for name in ("set-cookie",):
        if name in headers:
            headers[name] = headers[name].partition("=")[0]
    return answer.status, answer.reason, headers, answer.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("url", URLS)
def test_both_ways_answer_alike(app, url, method):
    for headers in VARIANTS:
        for _ in range(2):  # made, then kept
            short = seen(app.request(method, url, headers=headers))
        assert short == seen(app.request(method, url, headers=headers | SLOW)), headers


def test_the_short_way_is_taken(app):
    """Otherwise the tests of this module would compare the handler with itself."""
    app.get("/small.txt")
    from gramex import config, services
    from gramex.handlers.routing import build

    loaded = config.load(app.folder, {})
    os.environ["GRAMEXDATA"] = str(app.data)
    application = build(loaded, services.start(loaded))
    plain = {name: application.fast._is_plain(cls) for name, cls in application.entries.items()}
    assert plain == {
        "default": True,
        "favicon": True,
        "headers": True,
        "own404": True,
        "post": False,
        "secret": False,
        "set": False,
    }


def test_base_headers_are_on_every_answer(app):
    for url in ("/small.txt", "/nosuch", "/code.py", "/sub", "/secret/a.txt", "/page.template.html"):
        headers = app.get(url).headers
        assert (headers["X-Frame-Options"], headers["Server"]) == ("SAMEORIGIN", None)


def test_nothing_without_a_log_in_comes_from_memory(app):
    for headers in ({}, {"If-None-Match": "*"}, SLOW):
        answer = app.get("/secret/a.txt", headers=headers)
        assert (answer.status, "for members" in answer.text) == (302, False)


def test_request_log_has_both_ways(app):
    app.get("/small.txt?short")
    app.get("/small.txt?long", headers=SLOW)
    app.get("/nosuch?short")
    log = app.data / "logs" / "requests.csv"
    app.wait_for(lambda: log.exists() and "/nosuch?short" in log.read_text(), what="rows in requests.csv")
    rows = [line.split(",") for line in log.read_text().splitlines()]
    found = {row[6]: row for row in rows}
    for uri in ("/small.txt?short", "/small.txt?long"):
        assert found[uri][1:4] + found[uri][5:8] == ["127.0.0.1", "", "200", "GET", uri, ""]
    assert found["/nosuch?short"][3] == "404"


def test_file_that_shrinks_while_it_is_sent_ends_the_connection(app):
    path = app.folder / "shrinks.bin"
    path.write_bytes(b"x" * 20_000_000)
    os.utime(path, (1, 1))
    app.get("/shrinks.bin")
    with app.connect() as sock:
        sock.sendall(b"GET /shrinks.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        received = len(sock.recv(1000))
        path.write_bytes(b"short")
        while data := sock.recv(65536):
            received += len(data)
    assert received < 20_000_000
    assert app.get("/small.txt").status == 200
    assert app.get("/shrinks.bin").text == "short"


def test_memory_of_prepared_files_is_bounded(tmp_path):
    from gramex.handlers.staticfile import FileCache, StaticFile

    cache = FileCache(limit=50_000)
    for number in range(50):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(b"x" * 3000)
        os.utime(path, (1, 1))
        time_of_change = path.stat()
        file = StaticFile(str(path), time_of_change, {"Content-Type": "text/plain"}, {})
        file.checks = file.checks or [(str(path), (0, 0, 0, 0, 0))]  # ctime is now: it would not be kept
        cache.put(number, file)
    assert 0 < cache.size <= 50_000
    assert cache.size == sum(each.cost for each in cache.items.values())
    assert 49 in cache.items
    assert 0 not in cache.items


def test_goodbye_of_a_draining_server(serve):
    import signal

    app = serve({}, {"small.txt": "small", "big.bin": b"x" * 200_000}, "--listen.drain=5")
    os.utime(app.folder / "small.txt", (1, 1))
    connections = [app.connection() for _ in range(3)]
    for connection in connections:
        connection.request("GET", "/small.txt")
        assert connection.getresponse().read() == b"small"
    app.kill(signal.SIGTERM)
    app.wait_for(lambda: [app.notify.poll(), "STOPPING=1" in app.notify.messages][1], what="the drain")
    for connection, url in zip(connections, ("/small.txt", "/big.bin", "/nosuch"), strict=True):
        connection.request("GET", url)
        response = connection.getresponse()
        assert response.headers["Connection"] == "close"
        response.read()
        connection.close()
    assert app.wait() == 0


def test_requests_have_what_tornado_gives_them():
    from types import SimpleNamespace

    from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

    from gramex.handlers.request import Request, make_request

    line = RequestStartLine("GET", "/path?a=1&a=2&b=&c=%C3%A9", "HTTP/1.1")
    connection = SimpleNamespace(context=SimpleNamespace(remote_ip="1.2.3.4", protocol="https"))
    given = {"connection": connection, "start_line": line, "headers": HTTPHeaders({"Host": "EXAMPLE.com:80"})}
    theirs = HTTPServerRequest(server_connection=None, **given)
    ours = make_request(server_connection=None, **given)
    assert type(ours) is Request
    ours.remote_ip, ours.protocol = "1.2.3.4", "https"
    assert ours.host_name == theirs.host_name
    different = {"_start_time"}
    assert set(vars(theirs)) <= set(vars(ours))
    for name in set(vars(theirs)) - different:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.full_url() == theirs.full_url()
    ours.arguments["a"].append(b"3")
    assert ours.query_arguments["a"] == [b"1", b"2"]
    given["headers"]["Host"] = "ex*mple"
    assert type(make_request(server_connection=None, **given)) is HTTPServerRequest
