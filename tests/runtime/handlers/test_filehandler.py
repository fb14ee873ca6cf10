"""FileHandler over real HTTP: one app looked at from many sides."""

import email.utils
import gzip
import hashlib
import json
import os
import time

import pytest

BIG = os.urandom(3_000_000)
TEXT = ("The quick brown fox jumps over the lazy dog.\n" * 100).encode()
FILES = {
    "index.html": "<h1>home</h1>",
    "page.html": "<p>page</p>",
    "text.txt": TEXT,
    "small.txt": "small",
    "big.bin": BIG,
    "empty.txt": "",
    "data.json": '{"a": 1}',
    "unknown.xyzzy": "<script>alert(1)</script>",
    "code.py": "secret = 1",
    "config.yaml": "a: 1",
    "sub/index.html": "<h1>sub</h1>",
    "sub/a.txt": "sub a",
    "tpl/default.template.html": "<b>{{ handler.name }}</b>",
    "tpl/index.html": "not this",
    "list/b.txt": "b",
    "list/<script>&.txt": "x",
    "list/a b\u00e9#?.txt": "odd",
    "list/.hidden.txt": "x",
    "list/code.py": "x",
    "list/Sub/x.txt": "x",
    "list/.git/config": "x",
    "nolist/a.txt": "x",
    "join/1.txt": "one\n",
    "join/2.txt": "two\n",
    "star/x.html": "star x",
    "star/deep/y.html": "star y",
    "map/2026.txt": "map 2026",
    "map/en.txt": "map en",
    "map/secret.py": "x",
    "tr/a.up": "shout \u00e9",
    "tr/b.async": "later",
    "tr/c.up.txt": "plain",
    "tr/bad.err": "x",
    "headers/a.css": "css",
    "headers/b.js": "js",
    "apptpl.html": "[{{ APP_ROOT }}|{{ handler.name }}|{{ '<' }}]",
    "outer/inner.html": "<i>{% include part/one.html %}</i>",
    "outer/part/one.html": "{% include ../two.html %}!",
    "outer/two.html": "two",
    "outer/extends.html": "{% extends base.html %}{% block b %}child{% end %}",
    "outer/base.html": "base {% block b %}{% end %}",
    "outer/error.html": "{{ 1/0 }}",
    "outer/syntax.html": "{% if %}",
    "outer/missing.html": "{% include nosuch.html %}",
    "page2.html": "page in place",
    "component/index.html": "component",
    "indextpl.html": "<title>$path</title>$body $other",
    "changes.py": (
        "def up(content, handler): return content.upper() + handler.name\n"
        "async def later(content): return b'awaited ' + content\n"
        "def fail(content): raise RuntimeError('broken transform')\n"
    ),
}
CONF = {
    "app": {"settings": {"xsrf_cookies": False}},
    "url": {
        "text": {"pattern": "/f/(.*)", "handler": "FileHandler", "kwargs": {"path": "."}},
        "one": {"pattern": "/one", "handler": "FileHandler", "kwargs": {"path": "page.html"}},
        "any": {"pattern": "/any/(.*)", "handler": "FileHandler", "kwargs": {"path": "page.html"}},
        "exact": {"pattern": "/exact", "handler": "FileHandler", "kwargs": {"path": "code.py"}},
        "notexact": {"pattern": "/notexact/(.*)", "handler": "FileHandler", "kwargs": {"path": "code.py"}},
        "list": {"pattern": "/list/(.*)", "handler": "FileHandler", "kwargs": {"path": "list", "index": True}},
        "listtpl": {
            "pattern": "/listtpl/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "list", "index": True, "index_template": "indextpl.html"},
        },
        "nolist": {"pattern": "/nolist/(.*)", "handler": "FileHandler", "kwargs": {"path": "nolist"}},
        "join": {"pattern": "/join", "handler": "FileHandler", "kwargs": {"path": ["join/1.txt", "join/2.txt"]}},
        "joinmissing": {"pattern": "/joinmissing", "handler": "FileHandler", "kwargs": {"path": ["join/1.txt", "no"]}},
        "star": {"pattern": "/star/(.*)", "handler": "FileHandler", "kwargs": {"path": "star/*.html"}},
        "map": {
            "pattern": "/map/(.*)",
            "handler": "FileHandler",
            "kwargs": {
                "path": {r"y(\d+)": "map/{0}.txt", "lang": "map/{lang}.txt", "(?P<x>[a-z]+)/named": "map/{x}.txt"},
                "default": {"lang": "en"},
            },
        },
        "transform": {
            "pattern": "/tr/(.*)",
            "handler": "FileHandler",
            "kwargs": {
                "path": "tr",
                "transform": {
                    "*.up, *.UPPER": {
                        "function": "changes.up",
                        "encoding": "utf-8",
                        "headers": {"Content-Type": "text/x-up", "X-Changed": "yes"},
                    },
                    "*.async": {"function": "changes.later(content)"},
                    "*.err": {"function": "changes.fail"},
                    "*.txt": "content + b'!'",
                },
            },
        },
        "headers": {
            "pattern": "/headers/(.*)",
            "handler": "FileHandler",
            "kwargs": {
                "path": "headers",
                "headers": {
                    "X-All": "all",
                    "Cache-Control": "max-age=5",
                    "*.css": {"Cache-Control": "max-age=9", "X-Css": 1},
                },
            },
        },
        "apptpl": {
            "pattern": "/./url/(.*)",
            "handler": "FileHandler",
            "kwargs": {
                "path": "$YAMLPATH/apptpl.html",
                "transform": {"apptpl.html": {"function": 'template(content, APP_ROOT="$YAMLURL")'}},
            },
        },
        "apptpl2": {
            "pattern": "/url2",
            "handler": "FileHandler",
            "kwargs": {
                "path": "$YAMLPATH/apptpl.html",
                "transform": {"*.html": {"function": "template(content, handler, APP_ROOT=1)"}},
            },
        },
        "outer": {
            "pattern": "/outer/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "outer", "template": ["*.html"]},
        },
        "named": {"pattern": "/named/(?P<file>.*)", "handler": "FileHandler", "kwargs": {"path": "sub"}},
        "folder-as-file": {
            "pattern": "/component/index.html",
            "handler": "FileHandler",
            "kwargs": {"path": "$YAMLPATH/component/", "default_filename": "index.html"},
        },
        "get": {
            "pattern": "/getonly/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": "sub", "methods": "get, head"},
        },
        "allow": {
            "pattern": "/allow/(.*)",
            "handler": "FileHandler",
            "kwargs": {"path": ".", "ignore": "*", "allow": "*.txt"},
        },
        "nopath": {"pattern": "/nopath", "handler": "FileHandler"},
        "badpath": {"pattern": "/badpath", "handler": "FileHandler", "kwargs": {"path": [1]}},
    },
}


@pytest.fixture(scope="module")
def app(serve_module):
    gramex = serve_module(CONF, FILES)
    yesterday = time.time() - 86400
    for name in FILES:
        os.utime(gramex.folder / name, (yesterday, yesterday))
    return gramex


@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("/f/page.html", 200, "<p>page</p>"),
        ("/f/page.html/", 200, "<p>page</p>"),
        ("/f/sub/a.txt", 200, "sub a"),
        ("/f/sub/../small.txt", 200, "small"),
        ("/f/%73mall.txt", 200, "small"),
        ("/f/empty.txt", 200, ""),
        ("/f/nosuch.txt", 404, None),
        ("/f/nosuch.py", 404, None),
        ("/f/code.py", 403, None),
        ("/f/gramex.yaml", 403, None),
        ("/f/config.yaml", 200, "a: 1"),
        ("/f/small.txt?v=1", 200, "small"),
        ("/one", 200, "<p>page</p>"),
        ("/any/thing/at/all", 200, "<p>page</p>"),
        ("/any/", 200, "<p>page</p>"),
        ("/exact", 200, "secret = 1"),
        ("/notexact/x", 403, None),
        ("/join", 200, "one\ntwo\n"),
        ("/joinmissing", 404, None),
        ("/star/x", 200, "star x"),
        ("/star/deep/y", 200, "star y"),
        ("/star/nosuch", 404, None),
        ("/star/../list/b", 404, None),
        ("/map/y2026", 200, "map 2026"),
        ("/map/lang", 200, "map en"),
        ("/map/lang?lang=2026&lang=en", 200, "map 2026"),
        ("/map/lang?lang=../page", 404, None),
        ("/map/lang?lang=../../x", 404, None),
        ("/map/lang?lang=secret.py%00", 404, None),
        ("/map/en/named", 200, "map en"),
        ("/map/other", 404, None),
        ("/map/y2026/", 404, None),
        ("/tr/b.async", 200, "awaited later"),
        ("/tr/c.up.txt", 200, "plain!"),
        ("/tr/bad.err", 500, None),
        ("/url/main/sub", 200, "[.|apptpl|&lt;]"),
        ("/url2", 200, "[1|apptpl2|&lt;]"),
        ("/outer/inner.html", 200, "<i>two!</i>"),
        ("/outer/extends.html", 200, "base child"),
        ("/outer/error.html", 500, None),
        ("/outer/syntax.html", 500, None),
        ("/outer/missing.html", 500, None),
        ("/named/a.txt", 200, "sub a"),
        ("/component/index.html", 200, "component"),
        ("/nolist/", 404, None),
        ("/nopath", 500, None),
        ("/badpath", 500, None),
        ("/allow/text.txt", 200, TEXT.decode()),
        ("/allow/page.html", 403, None),
        # the default entry serves the folder
        ("/", 200, "<h1>home</h1>"),
        ("/tpl/", 200, "<b>default</b>"),
        ("/sub/", 200, "<h1>sub</h1>"),
        ("/tpl/default.template.html", 200, "<b>default</b>"),
    ],
)
def test_what_is_served(app, url, status, body):
    answer = app.get(url)
    assert answer.status == status
    if body is not None:
        assert answer.text == body
    else:
        assert str(app.folder) not in answer.text


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/f/page.html", "text/html; charset=UTF-8"),
        ("/f/text.txt", "text/plain; charset=UTF-8"),
        ("/f/data.json", "application/json"),
        ("/f/big.bin", "application/octet-stream"),
        ("/f/unknown.xyzzy", "application/octet-stream"),
        ("/join", "text/plain; charset=UTF-8"),
        ("/tr/b.async", "text/html; charset=UTF-8"),
    ],
)
def test_content_types(app, url, kind):
    assert app.get(url).headers["Content-Type"] == kind


def test_transform_decodes_and_sets_headers(app):
    answer = app.get("/tr/a.up")
    assert answer.text == "SHOUT \u00c9transform"
    assert (answer.headers["Content-Type"], answer.headers["X-Changed"]) == ("text/x-up", "yes")


def test_headers_for_all_and_for_some(app):
    css, js = app.get("/headers/a.css").headers, app.get("/headers/b.js").headers
    assert (css["X-All"], css["X-Css"], css["Cache-Control"]) == ("all", "1", "max-age=9")
    assert (js["X-All"], js["X-Css"], js["Cache-Control"]) == ("all", None, "max-age=5")
    assert app.get("/headers/nosuch").headers["X-All"] is None


def test_folder_without_slash_is_sent_to_the_one_with(app):
    answer = app.get("/sub")
    assert (answer.status, answer.headers["Location"]) == (301, "/sub/")
    assert app.get("/sub?a=1&b=%2F").headers["Location"] == "/sub/?a=1&b=%2F"
    assert app.get("/sub", headers={"X-Request-URI": "/outer/f/sub?q=1"}).headers["Location"] == "/outer/f/sub/?q=1"
    assert app.get("//evil.com/..%2fsub").headers["Location"] in (None, "/evil.com/..%2fsub/")


@pytest.mark.parametrize("url", ["/f/sub", "/f/sub/", "/f/sub?a=1"])
def test_folder_without_default_file_and_index_is_404(app, url):
    assert app.get(url).status == 404
    assert app.request("HEAD", url).status == 404


def test_template_takes_the_place_of_a_transform_with_the_same_glob(serve):
    change = {"function": "'changed'", "encoding": "utf-8"}
    both = {"path": "tpl", "template": "*.html", "transform": {"*.html": change, "b.txt": change}}
    first = {"path": "tpl", "template": True, "transform": {"a.html": change}}
    conf = {
        "both": {"pattern": "/both/(.*)", "handler": "FileHandler", "kwargs": both},
        "first": {"pattern": "/first/(.*)", "handler": "FileHandler", "kwargs": first},
    }
    app = serve({"url": conf}, {"tpl/a.html": "{{ 1 + 1 }}", "tpl/b.txt": "{{ 1 + 2 }}"})
    assert [app.get(f"/both/{name}").text for name in ("a.html", "b.txt")] == ["2", "changed"]
    assert [app.get(f"/first/{name}").text for name in ("a.html", "b.txt")] == ["changed", "3"]


def test_globs_may_name_the_served_folder(serve):
    def entry(name, **kwargs):
        return {"pattern": f"/{name}/(.*)", "handler": "FileHandler", "kwargs": {"path": "sub", **kwargs}}

    conf = {
        "ignore": entry("ignore", ignore="sub/*.csv"),
        "allow": entry("allow", ignore="*", allow=["sub/deep/*"]),
        "headers": entry("headers", headers={"sub/*": {"X-Sub": "1"}, "other/*": {"X-Other": "1"}}),
        "transform": entry("transform", transform={"sub/*.txt": {"function": "b'changed'"}}),
        "template": entry("template", template="sub/deep/*"),
        "list": entry("list", index=True, ignore="sub/deep/*"),
    }
    app = serve({"url": conf}, {"sub/a.csv": "csv", "sub/a.txt": "{{ 1 }}", "sub/deep/b.txt": "{{ 1 + 1 }}"})
    assert [app.get(f"/ignore/{name}").status for name in ("a.csv", "a.txt", "deep/b.txt")] == [403, 200, 200]
    assert [app.get(f"/allow/{name}").status for name in ("a.csv", "a.txt", "deep/b.txt")] == [403, 403, 200]
    answer = app.get("/headers/deep/b.txt")
    assert (answer.headers["X-Sub"], answer.headers["X-Other"]) == ("1", None)
    assert [app.get(f"/transform/{name}").text for name in ("a.csv", "deep/b.txt")] == ["csv", "changed"]
    assert [app.get(f"/template/{name}").text for name in ("a.txt", "deep/b.txt")] == ["{{ 1 }}", "2"]
    assert "a.csv" in app.get("/list/").text
    assert "b.txt" not in app.get("/list/deep/").text
    assert app.get("/list/deep/b.txt").status == 403


def test_app_in_a_folder_with_spaces_and_letters(serve):
    folder = "my app \u00fc"
    entries = {
        "url": {
            "a": {"pattern": "/$YAMLURL/a/(.*)", "handler": "FileHandler", "kwargs": {"path": "$YAMLPATH"}},
            "r": {
                "pattern": "/$YAMLURL/r",
                "handler": "RedirectHandler",
                "kwargs": {"url": "/$YAMLURL/a/x \u00fc.txt"},
            },
            "out": {
                "pattern": "/$YAMLURL/out",
                "handler": "LogoutHandler",
                "kwargs": {"redirect": {"url": "/$YAMLURL/"}},
            },
            "in": {
                "pattern": "/$YAMLURL/private",
                "handler": "FunctionHandler",
                "kwargs": {"function": "str(1)", "auth": {"login_url": "/$YAMLURL/login/"}},
            },
        }
    }
    app = serve(
        {"import": "*/gramex.yaml"}, {f"{folder}/gramex.yaml": json.dumps(entries), f"{folder}/x \u00fc.txt": "x"}
    )
    outer = "/my%20app%20%C3%BC"
    assert app.get(f"{outer}/a/x%20%c3%bc.txt").text == "x"
    assert app.get(f"{outer}/r").headers["Location"] == f"{outer}/a/x%20%C3%BC.txt"
    assert app.get(f"{outer}/out").headers["Location"] == f"{outer}/"
    assert app.get(f"{outer}/private").headers["Location"].startswith(f"{outer}/login/?next=")


def test_folder_whose_slash_belongs_to_another_entry(serve):
    home = {"pattern": "/app/", "handler": "FunctionHandler", "kwargs": {"function": "'home of the app'"}}
    alone = {"pattern": "/alone", "handler": "FileHandler", "kwargs": {"path": "app", "index": True}}
    app = serve({"url": {"app/home": home, "alone": alone}}, {"app/secret.txt": "x"})
    answer = app.get("/app?a=1")
    assert (answer.status, answer.headers["Location"]) == (301, "/app/?a=1")
    assert app.get("/app/").text == "home of the app"
    assert app.get("/alone").status == 200  # nothing answers at /alone/


def test_forged_outer_uri_is_ignored(app):
    for value in ("//evil.com/sub", "http://evil.com/sub", "/\\evil.com"):
        assert app.get("/sub", headers={"X-Request-URI": value}).headers["Location"] == "/sub/"


def test_listing_shows_what_can_be_opened_escaped(app):
    page = app.get("/list/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=UTF-8"
    for hidden in (".hidden", "code.py", ".git", "<script>"):
        assert hidden not in page.text
    assert "&lt;script&gt;&amp;.txt" in page.text
    assert page.text.index("Sub/") < page.text.index("b.txt")
    import re

    links = [each for each in re.findall(r'href="([^"]*)"', page.text) if each != "../"]
    assert len(links) == 4
    for link in links:
        assert app.get("/list/" + link.replace("&amp;", "&")).status == 200
    assert '<a href="../">' not in page.text
    assert '<a href="../">' in app.get("/list/Sub/").text
    assert app.get("/list/.git/").status == 403


def test_listing_with_a_template(app):
    page = app.get("/listtpl/Sub/").text
    assert page.startswith("<title>/listtpl/Sub/</title>")
    assert "x.txt" in page
    assert page.endswith("$other")


@pytest.mark.parametrize("url", ["/f/small.txt", "/f/big.bin", "/one", "/join", "/tpl/", "/list/"])
def test_head_has_length_and_type_but_no_body(app, url):
    get, head = app.get(url), app.request("HEAD", url)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Etag"] == get.headers["Etag"]


def test_etag_is_the_hash_of_the_body(app):
    for url in ("/f/small.txt", "/f/big.bin", "/join", "/tpl/"):
        answer = app.get(url)
        assert answer.headers["Etag"] == f'"{hashlib.sha1(answer.body).hexdigest()}"'


@pytest.mark.parametrize("url", ["/f/small.txt", "/f/big.bin", "/join", "/tpl/", "/list/", "/tr/c.up.txt"])
def test_known_etag_is_304(app, url):
    etag = app.get(url).headers["Etag"]
    answer = app.get(url, headers={"If-None-Match": etag})
    assert (answer.status, answer.body, answer.headers["Etag"]) == (304, b"", etag)
    assert answer.headers["Content-Length"] is None
    assert answer.headers["Content-Type"] is None
    assert app.get(url, headers={"If-None-Match": '"other"'}).status == 200


def test_not_modified_since(app):
    modified = app.get("/f/small.txt").headers["Last-Modified"]
    assert email.utils.parsedate_to_datetime(modified).timestamp() == int((app.folder / "small.txt").stat().st_mtime)
    assert app.get("/f/small.txt", headers={"If-Modified-Since": modified}).status == 304
    assert app.get("/f/small.txt", headers={"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}).status == 200


def test_templates_are_not_304_by_their_date(app):
    modified = app.get("/tpl/").headers["Last-Modified"]
    assert app.get("/tpl/", headers={"If-Modified-Since": modified}).status == 200


@pytest.mark.parametrize(
    ("wanted", "start", "stop"), [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None)]
)
@pytest.mark.parametrize("name", ["text.txt", "big.bin"])
def test_ranges(app, name, wanted, start, stop):
    whole = app.get(f"/f/{name}").body
    answer = app.get(f"/f/{name}", headers={"Range": wanted, "Accept-Encoding": "gzip"})
    assert answer.status == 206
    assert answer.body == whole[start:stop]
    first = start if start >= 0 else len(whole) + start
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(whole)}"
    assert answer.headers["Content-Encoding"] is None


def test_impossible_range_is_416(app):
    answer = app.get("/f/small.txt", headers={"Range": "bytes=100-"})
    assert (answer.status, answer.headers["Content-Range"], answer.body) == (416, "bytes */5", b"")


@pytest.mark.parametrize("name", ["text.txt", "big.bin"])
def test_who_wants_another_state_of_a_file_gets_none(app, name):
    first = app.get(f"/f/{name}")
    before = "Sun, 13 Sep 2020 12:26:40 GMT"
    for headers in (
        {"If-Match": '"other"'},
        {"If-Unmodified-Since": before},
        {"If-Match": '"y"', "Range": "bytes=0-1"},
    ):
        answer = app.get(f"/f/{name}", headers=headers)
        assert answer.status == 412
        assert first.body[:20] not in answer.body
    modified = first.headers["Last-Modified"]
    for headers in ({"If-Match": first.headers["Etag"]}, {"If-Unmodified-Since": modified}, {"If-Match": "*"}):
        assert app.get(f"/f/{name}", headers=headers).body == first.body


def test_several_ranges_are_answered_with_the_whole(app):
    assert app.get("/f/small.txt", headers={"Range": "bytes=0-1,3-4"}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_answered_like_get(app, method):
    answer = app.request(method, "/f/small.txt", data=b"x=1")
    assert (answer.status, answer.text) == (200, "small")


def test_methods_can_be_limited(app):
    assert app.get("/getonly/a.txt").status == 200
    answer = app.request("POST", "/getonly/a.txt", data=b"")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert app.get("/getonly/a.txt", headers={"X-HTTP-Method-Override": "DELETE"}).status == 405
    assert app.get("/getonly/a.txt?x-http-method-override=DELETE").status == 405
    assert app.get("/getonly/a.txt?x%2Dhttp-method-override=DELETE").status == 405


def test_text_is_compressed_once_and_well(app):
    for _ in range(2):
        answer = app.get("/f/text.txt", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.body) == TEXT
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Etag"].startswith('W/"')
    plain = app.get("/f/text.txt")
    assert plain.body == TEXT
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert app.get("/f/big.bin", headers={"Accept-Encoding": "gzip"}).body == BIG
    etag = answer.headers["Etag"]
    assert app.get("/f/text.txt", headers={"Accept-Encoding": "gzip", "If-None-Match": etag}).status == 304


def test_change_of_a_file_is_seen_at_once(app):
    path = app.folder / "sub" / "change.txt"
    for number in range(5):
        path.write_text(f"version {number}")
        assert app.get("/f/sub/change.txt").text == f"version {number}"
    path.unlink()
    assert app.get("/f/sub/change.txt").status == 404


def test_a_file_can_become_a_folder(app):
    path = app.folder / "sub" / "both"
    path.write_text("file")
    assert app.get("/f/sub/both").text == "file"
    path.unlink()
    path.mkdir()
    assert app.get("/f/sub/both").status == 404
    assert app.get("/sub/both").status == 301


def test_better_default_file_is_seen_at_once(app):
    folder = app.folder / "appears"
    folder.mkdir()
    (folder / "index.html").write_text("index")
    os.utime(folder, (1, 1))
    assert app.get("/appears/").text == "index"
    (folder / "default.template.html").write_text("{{ 1 + 1 }}")
    assert app.get("/appears/").text == "2"


def test_change_of_an_included_template_is_seen_at_once(app):
    path = app.folder / "outer" / "two.html"
    assert app.get("/outer/inner.html").text == "<i>two!</i>"
    path.write_text("TWO")
    assert app.get("/outer/inner.html").text == "<i>TWO!</i>"
    path.write_text("two")
    assert app.get("/outer/inner.html").text == "<i>two!</i>"


def test_many_requests_on_one_connection(app):
    connection = app.connection()
    for number in range(50):
        connection.request("GET", "/f/small.txt" if number % 3 else "/f/big.bin")
        response = connection.getresponse()
        assert response.read() in (b"small", BIG)
        assert response.headers["Connection"] is None
    connection.close()


def test_requests_that_come_together_are_answered_in_order(app):
    one = b"GET /f/%s HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /f/data.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = app.raw(one % b"small.txt" + one % b"big.bin" + one % b"nosuch" + one % b"empty.txt" + last)
    assert received.count(b"HTTP/1.1 ") == 5
    assert received.index(b"small") < received.index(BIG) < received.index(b"404") < received.index(b'{"a": 1}')


def test_old_clients(app):
    received = app.raw(b"GET /f/small.txt HTTP/1.0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\nsmall")


def test_client_that_goes_away_in_the_middle_costs_nothing(app):
    for _ in range(5):
        with app.connect() as sock:
            sock.sendall(b"GET /f/big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.recv(1000)
    assert app.get("/f/small.txt").text == "small"
    assert "Traceback" not in app.log.replace("broken transform", "").split("/f/big.bin")[-1]


def test_missing_host_is_400(app):
    assert app.raw(b"GET /f/small.txt HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert app.raw(b"GET /f/small.txt HTTP/1.1\r\nHost: a b\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_mistakes_in_the_configuration_are_named(app):
    assert "url:nopath (FileHandler) invalid configuration: path: is missing" in app.log
    assert "url:badpath (FileHandler) invalid configuration: path: must be" in app.log


@pytest.mark.parametrize("above", [".apps/app", "x.python.d/app", "gramex-apps/app", "sp ace \u00e9/app"])
def test_folders_above_the_app_do_not_matter(serve, tmp_path, above):
    files = {"index.html": "home", "data.yaml": "a: 1", "code.py": "x", "gramex-x/data.yaml": "b: 1"}
    app = serve({}, files, folder=tmp_path / above)
    for url, status in (
        ("/", 200),
        ("/data.yaml", 200),
        ("/gramex-x/data.yaml", 200),
        ("/code.py", 403),
        ("/gramex.yaml", 403),
    ):
        assert app.get(url).status == status, url


def test_data_that_survive_releases_are_reached_by_links(serve):
    app = serve({}, {"index.html": "home"})
    kept = app.data / "data" / "site" / "uploads"
    kept.mkdir(parents=True)
    (kept / "a.txt").write_text("kept")
    (kept / ".env").write_text("secret")
    (app.folder / "uploads").symlink_to(kept)
    (app.folder / "all").symlink_to(app.data)
    assert app.get("/uploads/a.txt").text == "kept"
    assert app.get("/uploads/.env").status == 403
    assert app.get("/all/cookie.key").status == 403
    assert app.get("/all/logs/requests.csv").status in (403, 404)
