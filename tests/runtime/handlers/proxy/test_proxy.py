"""ProxyHandler: what the backend is asked, and what of its answer is passed on."""

import socket
import time

import pytest

CODE = """
import asyncio

async def before(handler, request):
    await asyncio.sleep(0)
    request.headers["X-Prepared"] = handler.get_arg("p", "none")

def refuse(handler, request):
    handler.set_status(418)
    handler.finish("not today")

def after(handler, request, response):
    response.headers["X-Modified"] = request.method
    handler.set_header("X-Handler", "set")

def body(handler, request, response):
    return {"was": len(response.body)}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def app(serve_module, backend):
    def entry(pattern, **kwargs):
        return {"pattern": pattern, "handler": "ProxyHandler", "kwargs": {"xsrf_cookies": False, **kwargs}}

    url = backend.url
    some = {"X-One": True, "X-Two": "two of {handler.name}", "X-Arg": "{handler.args[a]}", "User-Agent": "own/1"}
    everything = {"*": True, "X-Removed": False}
    return serve_module(
        {
            "app": {"session": {"cookie": "sid"}},
            "url": {
                "plain": entry("/plain/(.*)", url=f"{url}/{{0}}", default={"d": 1}),
                "filled": entry("/filled", url=f"{url}/x", default={"who": "{handler.args[u][0]}", "j": '{"a": 1}'}),
                "some": entry("/some", url=f"{url}/x", request_headers=some),
                "all": entry("/all", url=f"{url}/x", request_headers=everything),
                "prepare": entry("/prepare", url=f"{url}/x", prepare="proxied.before"),
                "refuse": entry("/refuse", url=f"{url}/x", prepare={"function": "proxied.refuse(handler, request)"}),
                "after": entry("/after", url=f"{url}/x", modify="proxied.after"),
                "body": entry("/body", url=f"{url}/x", modify="proxied.body"),
                "own": entry("/own/(.*)", url=f"{url}/{{0}}", headers={"X-Extra": "yes", "X-Proxy-Url": False}),
                "secret": entry("/secret", url=url.replace("//", "//user:word@") + "/x"),
                "down": entry("/down", url=f"http://127.0.0.1:{free_port()}/x?key=hidden"),
                "slow": entry("/slow", url="http://127.0.0.1:9/x", connect_timeout=0.2, request_timeout="soon"),
                "open": entry("/open/(.*)", url="http://{0}/"),
                "closed": entry("/closed", url=f"{url}/closed", auth=True),
                "token": entry("/token", url=f"{url}/token", xsrf_cookies=True),
                "read": entry("/read", url=f"{url}/x", methods=["GET"]),
            },
        },
        {"proxied.py": CODE},
    )


def test_passes_on_path_and_arguments(app, backend):
    answer = app.get("/plain/some/path?a=1&a=%C3%A4&b=")
    assert answer.status == 200
    found = answer.json()
    assert (found["method"], found["path"]) == ("GET", "/some/path")
    assert found["args"] == {"d": ["1"], "a": ["1", "ä"], "b": [""]}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Proxy-Url"] == f"{backend.url}/some/path?d=1&a=1&a=%C3%A4&b="
    assert app.get("/plain/x?d=2").json()["args"] == {"d": ["2"]}


def test_defaults_may_take_something_of_the_handler(app):
    assert app.get("/filled?u=%26a").json()["args"] == {"who": ["&a"], "j": ['{"a": 1}'], "u": ["&a"]}
    assert app.get("/filled?u=x&who=me").json()["args"]["who"] == ["me"]
    assert app.get("/filled").status == 500


def test_the_method_override_is_not_passed_on(app):
    found = app.post("/plain/x?x-http-method-override=put&a=1", {"b": 2}).json()
    assert (found["method"], found["args"]) == ("PUT", {"d": ["1"], "a": ["1"]})


def test_every_method_with_its_body(app):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        found = app.request(method, "/plain/x", json={"n": 1}).json()
        assert (found["method"], found["body"], found["args"]) == (method, '{"n": 1}', {"d": ["1"]})
        assert found["headers"]["Content-Type"] == ["application/json"]
    assert app.request("DELETE", "/plain/x").json()["body"] == ""
    assert app.post("/plain/x").json()["method"] == "POST"
    head = app.request("HEAD", "/plain/x")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 100


@pytest.mark.parametrize("status", [201, 204, 299, 304, 400, 404, 418, 500, 503])
def test_status_is_passed_on(app, status):
    answer = app.get(f"/plain/status/{status}")
    assert answer.status == status
    assert answer.reason != "Quite so" or status == 299
    assert (answer.body == b"") == (status in (204, 304))
    assert answer.headers["X-Proxy-Url"]


def test_headers_of_the_answer(app):
    answer = app.get("/own/headers")
    assert answer.all("Set-Cookie") == ["a=1", "b=2"]
    assert (answer.headers["X-Own"], answer.headers["X-Extra"]) == ("mine", "yes")
    for name in ("X-Hop", "Keep-Alive", "X-Proxy-Url", "Transfer-Encoding"):
        assert answer.headers[name] is None, name
    assert answer.all("Server")[0].startswith("Gramex")
    assert len(answer.all("Server")) == len(answer.all("Date")) == 1
    assert app.get("/own/gzip").body == b"unpacked"
    assert app.get("/own/gzip").headers["Content-Encoding"] is None


def test_packed_answers(app):
    for method in ("GET", "HEAD"):
        answer = app.request(method, "/own/gzip", headers={"Accept-Encoding": "gzip"})
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, None)
        assert answer.body == (b"unpacked" if method == "GET" else b"")
    packed = app.get("/own/brotli", headers={"Accept-Encoding": "gzip"})
    assert (packed.body, packed.all("Content-Encoding")) == (b"packed" * 1000, ["br"])
    assert app.get("/own/broken").status == 599


def test_only_named_headers_reach_the_backend(app):
    sent = {"X-One": "1", "X-Three": "3", "Cookie": "a=1", "Authorization": "Basic x", "User-Agent": "browser"}
    found = app.get("/some?a=x", headers=sent).json()["headers"]
    assert found["X-One"] == ["1"]
    assert found["X-Two"] == ["two of some"]
    assert found["X-Arg"] == ["['x']"]
    assert found["User-Agent"] == ["own/1"]
    assert not {"X-Three", "Cookie", "Authorization"} & set(found)
    assert app.get("/some").status == 500  # there is no argument a
    plain = app.get("/plain/x", headers=sent).json()["headers"]
    assert set(plain) == {"Host", "User-Agent", "Accept-Encoding", "Connection"}


def test_all_headers_but_those_of_the_connection(app, backend):
    sent = {
        "X-One": "1", "X-Removed": "x", "Cookie": "a=1; sid=secret; _xsrf=t; b=2", "Connection": "keep-alive, X-Hop",
        "X-Hop": "x", "Keep-Alive": "1", "TE": "trailers", "Upgrade": "h2c", "Proxy-Authorization": "p", "Host": "we",
    }  # fmt: skip
    found = app.get("/all", headers=sent).json()["headers"]
    assert found["X-One"] == ["1"]
    assert found["Cookie"] == ["a=1; b=2"]
    assert found["Host"] == [backend.url.removeprefix("http://")]
    assert not {"X-Removed", "X-Hop", "Keep-Alive", "Te", "Upgrade", "Proxy-Authorization"} & set(found)
    assert "Cookie" not in app.get("/all", headers={"Cookie": "sid=secret"}).json()["headers"]


def test_nothing_can_be_put_into_headers(app, backend):
    before = len(backend.seen)
    assert (
        app.raw(b"GET /some?a=%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").count(b" 200 ") == 1
    )
    assert "X-Evil" not in app.get("/some?a=%0d%0aX-Evil:%201").json()["headers"]  # a list is shown escaped
    assert app.get("/plain/a%0d%0aX-Evil:%201").json()["path"] == "/a%0D%0AX-Evil:%201"
    assert len(backend.seen) == before + 3
    assert app.get("/plain/%2e%2e%2fx").status in (400, 404)
    assert app.get("/plain/a%5c..%5cx").status == 400
    assert len(backend.seen) == before + 3


def test_prepare_and_modify(app):
    assert app.get("/prepare?p=1").json()["headers"]["X-Prepared"] == ["1"]
    refused = app.get("/refuse")
    assert (refused.status, refused.text) == (418, "not today")
    answer = app.get("/after")
    assert (answer.headers["X-Modified"], answer.headers["X-Handler"]) == ("GET", "set")
    assert app.get("/body").json()["was"] > 50


def test_redirects_are_followed_on_the_same_site(app, backend, other_backend):
    for status in (301, 302, 303, 307, 308):
        answer = app.get(f"/plain/to/{status}?url=/there%3Fz=1")
        assert (answer.status, answer.json()["path"], answer.json()["args"]) == (200, "/there", {"z": ["1"]})
        assert answer.headers["X-Proxy-Url"] == f"{backend.url}/there?z=1"
    assert app.post("/plain/to/302?url=/there", b"x").json()["method"] == "GET"
    kept = app.post("/plain/to/307?url=/there", b"x").json()
    assert (kept["method"], kept["body"]) == ("POST", "x")
    elsewhere = app.get(f"/plain/to/302?url={other_backend.url}/private")
    assert (elsewhere.status, elsewhere.headers["Location"]) == (302, f"{other_backend.url}/private")
    assert other_backend.seen == []


def test_a_circle_of_redirects_ends(app, backend):
    before = len(backend.seen)
    assert app.get("/plain/loop").status == 302
    assert len(backend.seen) - before == 6


def test_no_backend_is_599(app):
    answer = app.get("/down", headers={"Host": "example.org"})  # no developer on this machine, who sees the traceback
    assert answer.status == 599
    assert b"127.0.0.1" not in answer.body
    app.wait_log("ConnectionRefusedError")
    assert "hidden" not in app.log


def test_a_silent_backend_is_599(serve):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        kwargs = {"url": f"http://127.0.0.1:{sock.getsockname()[1]}/", "request_timeout": 0.3}
        app = serve({"url": {"slow": {"pattern": "/slow", "handler": "ProxyHandler", "kwargs": kwargs}}})
        start = time.monotonic()
        assert app.get("/slow").status == 599
        assert time.monotonic() - start < 15


def test_passwords_of_the_url_are_used_and_not_told(app):
    answer = app.get("/secret")
    assert answer.json()["headers"]["Authorization"] == ["Basic dXNlcjp3b3Jk"]
    assert "word" not in answer.headers["X-Proxy-Url"]


def test_auth_token_and_methods_come_first(app, backend):
    before = len(backend.seen)
    assert app.get("/closed", headers={"X-Requested-With": "XMLHttpRequest"}).status == 401
    assert app.post("/token", b"x").status == 403
    assert app.post("/read", b"x").status == 405
    assert len(backend.seen) == before


def test_mistakes_are_named(app):
    assert app.get("/open/evil.example").status == 500
    app.wait_log("the site must be fixed")
    assert app.get("/slow").status == 500
    app.wait_log("request_timeout: must be a number of seconds, not 'soon'")
