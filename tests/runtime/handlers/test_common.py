"""What every entry can have: validate, cors, ratelimit, cache, argparse."""

import gzip

import pytest

MODULE = """
import time
from tornado.web import HTTPError

def count(handler):
    handler.application.counts = counts = getattr(handler.application, 'counts', {})
    counts[handler.name] = counts.get(handler.name, 0) + 1
    return {'count': counts[handler.name], 'user': (handler.current_user or {}).get('id')}

async def later(handler):
    return handler.get_arg('ok', None)

def refuse(handler):
    raise HTTPError(418)

def login(handler):
    handler.log_in({'id': handler.get_arg('user')})
    return 'in'

def cookie(handler):
    handler.set_cookie('seen', '1')
    return count(handler)

def headers(handler):
    handler.set_header('X-Own', 'yes')
    handler.add_header('Link', '<a>')
    handler.add_header('Link', '<b>')
    handler.set_status(203)
    return 'x' * 5000

def parts(handler):
    yield 'a'
    yield str(count(handler)['count'])

def fails(handler):
    count(handler)
    raise ValueError('x')

def described(handler):
    args = handler.argparse('a', n={'type': int, 'default': 5}, many={'nargs': '*', 'type': float}, other={'name': 'o',
        'required': False}, one={'choices': ['x', 'y'], 'default': 'x'}, two={'nargs': 2, 'default': None}, f=float)
    return dict(args)
"""


def entry(name, function="common_fn.count", **kwargs):
    return {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": function, **kwargs}}


ORIGIN = "https://other.example"
URL = {
    "login": entry("login", "common_fn.login"),
    "v1": entry("v1", "1", validate="'ok' in handler.args"),
    "v2": entry(
        "v2",
        "2",
        validate=["handler.get_arg('a', None)", {"function": "common_fn.later", "code": 409, "reason": "Not OK"}],
    ),
    "v3": entry("v3", "3", validate="common_fn.refuse"),
    "v4": entry("v4", "4", validate="1/0"),
    "v5": entry("v5", "5", validate={"code": 400}),
    "v6": entry("v6", "6", validate={"function": "1", "code": 200}),
    "c1": entry("c1", "handler.request.method", cors=True),
    "c2": entry(
        "c2",
        "1",
        cors={"origins": [ORIGIN, "*.trusted.example"], "methods": "GET, PUT", "headers": "X-One", "auth": True},
    ),
    "c3": entry("c3", "1", cors={"auth": True}),
    "c4": entry("c4", "1", cors={"origin": "*"}),
    "c5": entry("c5", "1", cors={"origins": ORIGIN}, auth={"login_url": False}),
    "c6": entry("c6", "1"),
    "r1": entry("r1", "1", ratelimit={"keys": ["hourly", "args.who"], "limit": 2}),
    "r2": entry("r2", "1", ratelimit={"keys": "hourly", "limit": 1, "pool": "shared"}),
    "r3": entry("r3", "1", ratelimit={"keys": "hourly", "limit": 1, "pool": "shared"}),
    "r4": entry("r4", "1", ratelimit={"keys": ["hourly"], "limit": {"function": "int(handler.get_arg('limit'))"}}),
    "r5": entry("r5", "1", ratelimit={"keys": ["user"], "limit": 1}),
    "r7": entry("r7", "1", ratelimit={"keys": ["daily", "hourly"], "limit": 1}),
    "r6": entry("r6", "1", ratelimit={"keys": ["hourly", "nonsense"], "limit": 1}),
    "k1": entry("k1", cache=True),
    "k2": entry("k2", cache={"key": ["request.path", "args.x", "headers.X-Key"], "expiry": {"duration": 300}}),
    "k3": entry("k3", cache={"expiry": {"duration": 0}}),
    "k4": entry("k4", "common_fn.cookie", cache=True),
    "k5": entry("k5", "common_fn.headers", cache={"status": [200, 203]}),
    "k6": entry("k6", "common_fn.parts", cache=True),
    "k7": entry("k7", "common_fn.fails", cache=True),
    "k8": entry("k8", cache=True, auth={"login_url": False}),
    "k9": entry("k9", cache={"store": "nosuch"}),
    "k10": entry("k10", cache={"key": "user"}),
    "k12": {**entry("k12"), "cache": {"key": "request.path"}},
    "k13": {**entry("k13", cache={"key": "request.path"}), "cache": False},
    "k11": {
        "pattern": "/k11",
        "handler": "FileHandler",
        "kwargs": {"path": "page.html", "cache": True, "template": True},
    },
    "a": entry("a", "common_fn.described"),
}


@pytest.fixture(scope="module")
def app(serve_module):
    return serve_module({"url": URL}, {"common_fn.py": MODULE, "page.html": "{{ handler.request.path }}"})


@pytest.mark.parametrize(
    ("url", "status", "reason"),
    [
        ("/v1", 400, "Bad Request"),
        ("/v1?ok", 200, "OK"),
        ("/v2?ok=1", 400, "Bad Request"),
        ("/v2?a=1", 409, "Not OK"),
        ("/v2?a=1&ok=1", 200, "OK"),
        ("/v3", 418, "I'm a Teapot"),
        ("/v4", 400, "Bad Request"),
        ("/v5", 500, "Internal Server Error"),
        ("/v6", 500, "Internal Server Error"),
    ],
)
def test_validate(app, url, status, reason):
    answer = app.get(url)
    assert (answer.status, answer.reason.lower()) == (status, reason.lower())


def ask(app, url, origin=ORIGIN, method="PUT", **headers):
    return app.request("OPTIONS", url, headers={"Origin": origin, "Access-Control-Request-Method": method, **headers})


def test_cors_for_all_without_cookies(app):
    answer = app.get("/c1", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    asked = ask(app, "/c1", **{"Access-Control-Request-Headers": "X-A, X-B"})
    assert (asked.status, asked.headers["Access-Control-Allow-Headers"]) == (204, "X-A, X-B")
    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    assert app.get("/c1").headers["Access-Control-Allow-Origin"] is None


def test_cors_post_needs_no_token_without_cookies(app):
    cross = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    assert app.post("/c1", {}, headers=cross).text == "POST"
    assert app.post("/c1", {}, headers=cross | {"Cookie": "sid=x"}).status == 403
    assert app.post("/c6", {}, headers=cross).status == 403
    assert app.post("/c2", {}, headers=cross | {"Cookie": "sid=x"}).status == 200
    assert app.post("/c2", {}, headers=cross | {"Origin": "https://evil.example", "Cookie": "sid=x"}).status == 403


def test_cors_for_some(app):
    for origin in (ORIGIN, "https://a.trusted.example", "http://b.trusted.example"):
        headers = app.get("/c2", headers={"Origin": origin}).headers
        assert headers["Access-Control-Allow-Origin"] == origin
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in headers["Vary"]
        assert "Accept-Encoding" in headers["Vary"]
    for origin in ("https://evil.example", "null", "https://trusted.example.evil.com", "https://other.example:8443"):
        assert app.get("/c2", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"] is None
    asked = ask(app, "/c2")
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert asked.headers["Access-Control-Allow-Headers"] == "X-One"


def test_browser_may_ask_before_it_logs_in(app):
    assert ask(app, "/c5").status == 204
    answer = app.get("/c5", headers={"Origin": ORIGIN})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)


@pytest.mark.parametrize("url", ["/c3", "/c4", "/r6", "/k9"])
def test_mistakes_close_the_entry(app, url):
    assert app.get(url).status == 500
    assert f"url:{url[1:]} (FunctionHandler) invalid configuration" in app.log


def test_ratelimit_counts_by_key(app):
    first, second, third = (app.get("/r1?who=me") for _ in range(3))
    assert (first.status, second.status, third.status) == (200, 200, 429)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("2", "1")
    assert 3500 < int(third.headers["Retry-After"]) <= 3600
    assert app.get("/r1?who=you").status == 200


def test_ratelimit_pool_is_shared(app):
    assert app.get("/r2").status == 200
    assert app.get("/r3").status == 429


def test_ratelimit_without_a_period_never_begins_anew(app):
    first, second = app.get("/r5"), app.get("/r5")
    assert (first.status, second.status) == (200, 429)
    assert int(second.headers["Retry-After"]) > 99 * 365 * 86400


def test_ratelimit_by_several_periods_takes_the_shortest(app):
    assert app.get("/r7").status == 200
    assert int(app.get("/r7").headers["Retry-After"]) <= 3600


def test_ratelimit_by_function(app):
    assert app.get("/r4?limit=1").status == 200
    assert app.get("/r4?limit=1").status == 429
    assert app.get("/r4?limit=3").status == 200


def test_cache_replays(app):
    assert [app.get("/k1").json()["count"] for _ in range(3)] == [1, 1, 1]
    assert app.get("/k1?other").json()["count"] == 2
    head = app.request("HEAD", "/k1")
    assert (head.status, head.body) == (200, b"")
    etag = app.get("/k1").headers["Etag"]
    assert app.get("/k1", headers={"If-None-Match": etag}).status == 304
    assert app.get("/k1").status == 200
    assert app.get("/k1", headers={"Host": "other.example"}).json()["count"] == 3


def test_cache_stands_beside_kwargs_too(app):
    assert app.get("/k12?x=1").text == app.get("/k12?x=2").text
    assert app.get("/k13?x=1").text != app.get("/k13?x=1").text


def test_cache_by_parts(app):
    counts = [app.get(url).json()["count"] for url in ("/k2?x=1&y=1", "/k2?x=1&y=2", "/k2?x=2", "/k2?x=1")]
    assert counts == [1, 1, 2, 1]
    assert app.get("/k2?x=1", headers={"X-Key": "k"}).json()["count"] == 3


def test_cache_expires(app):
    assert [app.get("/k3").json()["count"] for _ in range(2)] == [1, 2]


def test_cache_keeps_no_cookies_parts_or_failures(app):
    assert [app.get("/k4").json()["count"] for _ in range(2)] == [1, 2]
    assert [app.get("/k6").text for _ in range(2)] == ["a1", "a2"]
    assert [app.get("/k7").status for _ in range(2)] == [500, 500]


def test_cache_replays_status_and_headers_once(app):
    answers = [app.get("/k5"), app.get("/k5"), app.get("/k5", headers={"Accept-Encoding": "gzip"})]
    for answer in answers:
        assert answer.status == 203
        assert (answer.headers["X-Own"], answer.all("Link")) == ("yes", ["<a>", "<b>"])
        assert len(answer.all("Date")) == len(answer.all("Server")) == len(answer.all("Content-Length")) == 1
    assert answers[0].body == answers[1].body == gzip.decompress(answers[2].body)


def test_cache_never_shows_one_user_what_another_sees(app):
    one, two = app.browser(), app.browser()
    one.get("/login?user=one")
    two.get("/login?user=two")
    assert app.get("/k8").status == 401
    assert [one.get("/k8").json()["user"] for _ in range(2)] == ["one", "one"]
    assert two.get("/k8").json()["user"] == "two"
    assert app.get("/k8").status == 401
    assert "private" in one.get("/k8").headers["Cache-Control"]
    assert [each.get("/k10").json()["user"] for each in (one, two, one)] == ["one", "two", "one"]


def test_cache_of_files(app):
    assert app.get("/k11").text == app.get("/k11").text == "/k11"


def test_memory_of_kept_answers_is_bounded():
    from gramex.handlers.caching import Kept, MemoryStore, cost

    store = MemoryStore(10_000)
    for number in range(100):
        store.put(str(number), Kept(200, "OK", [], b"x" * 1000, 1e12))
    assert store.used <= 10_000
    assert store.used == sum(cost(key, kept) for key, kept in store.items.items())
    store.get("96")
    store.put("new", Kept(200, "OK", [], b"x" * 4000, 1e12))
    assert store.get("96") is not None
    assert store.get("1") is None
    store.put("96", Kept(200, "OK", [], b"x" * 100_000, 1e12))
    assert store.get("96") is None
    assert store.used == sum(cost(key, kept) for key, kept in store.items.items())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&f=2", {"a": "1", "n": 5, "many": [], "other": None, "one": "x", "two": None, "f": 2.0}),
        (
            "a=1&f=2&more=x&more=y&o=",
            {"a": "1", "n": 5, "many": [], "other": "", "one": "x", "two": None, "f": 2.0, "more": "x"},
        ),
        (
            "a=1&a=2&n=3&many=1&many=2&o=O&one=y&two=1&two=2&f=1",
            {"a": "2", "n": 3, "many": [1.0, 2.0], "other": "O", "one": "y", "two": ["1", "2"], "f": 1.0},
        ),
    ],
)
def test_argparse(app, query, expected):
    assert app.get(f"/a?{query}").json() == expected


@pytest.mark.parametrize("query", ["", "f=1", "a=1&f=x", "a=1&f=1&n=x", "a=1&f=1&one=z", "a=1&f=1&two=1"])
def test_argparse_refuses(app, query):
    assert app.get(f"/a?{query}").status == 400
