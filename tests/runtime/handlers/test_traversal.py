"""Attempts to read what must not be read, as they come over the wire."""

import itertools

import pytest

SECRET = "TOP-SECRET"
FILES = {
    "index.html": "home",
    "page.html": "page",
    ".env": SECRET,
    ".secrets.yaml": f"KEY: {SECRET}",
    ".git/config": SECRET,
    "sub/.hidden.html": SECRET,
    "code.py": SECRET,
    "sub/mod.pyc": SECRET,
    "data.csv": SECRET,
    "run.sh": SECRET,
    "style.scss": SECRET,
    "conf.ini": SECRET,
    "public/a.txt": "public",
    "public-not/b.txt": SECRET,
    "gramex-other.yaml": f"secret: {SECRET}",
}
NAMES = [
    ".env",
    ".secrets.yaml",
    ".git/config",
    "sub/.hidden.html",
    "code.py",
    "sub/mod.pyc",
    "gramex.yaml",
    "gramex-other.yaml",
]
DEPLOY_NAMES = [*NAMES, "data.csv", "run.sh", "style.scss", "conf.ini"]


def upper(name):
    return name.upper()


WAYS = {
    "plain": lambda name: name,
    "upper": upper,
    "dot": lambda name: "./" + name,
    "slashes": lambda name: "//" + name,
    "trailing dot": lambda name: name + ".",
    "trailing space": lambda name: name + "%20",
    "trailing slash": lambda name: name + "/",
    "slash dot": lambda name: name + "/.",
    "stream": lambda name: name + "::$DATA",
    "stream encoded": lambda name: name + "%3a%3a$DATA",
    "stream.html": lambda name: name + "::$DATA.html",
    "nul": lambda name: name + "%00",
    "nul.html": lambda name: name + "%00.html",
    "query": lambda name: name + "?.html",
    "param": lambda name: name + ";.html",
    "fragment": lambda name: name + "%23.html",
    "encoded": lambda name: "".join(f"%{ord(char):02x}" for char in name),
    "double": lambda name: "".join(f"%25{ord(char):02x}" for char in name),
    "up and down": lambda name: "sub/../" + name,
    "up and down encoded": lambda name: "sub/%2e%2e/" + name,
    "up and down double": lambda name: "sub/%252e%252e/" + name,
    "backslash": lambda name: "sub%5c..%5c" + name,
    "backslash raw": lambda name: "sub\\..\\" + name,
    "overlong dot": lambda name: "sub/%c0%ae%c0%ae/" + name,
    "overlong slash": lambda name: "sub%c0%af..%c0%af" + name,
    "full width": lambda name: "sub/%ef%bc%8e%ef%bc%8e/" + name,
    "newline": lambda name: name + "%0a",
    "tab": lambda name: name + "%09",
    "long": lambda name: "x/../" * 500 + name,
}


@pytest.fixture(scope="module")
def app(serve_module):
    conf = {
        "url": {
            "public": {"pattern": "/public/(.*)", "handler": "FileHandler", "kwargs": {"path": "public"}},
            "star": {"pattern": "/star/(.*)", "handler": "FileHandler", "kwargs": {"path": "public/*", "ignore": []}},
            "map": {"pattern": "/map", "handler": "FileHandler", "kwargs": {"path": {"": "public/{name}"}}},
        }
    }
    return serve_module(conf, FILES)


@pytest.fixture(scope="module")
def deployed(serve_module):
    return serve_module("import: $GRAMEXPATH/deploy.yaml\n", FILES)


def get(app, path):
    """Send a path as it is: clients like to tidy it up."""
    line = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1", "replace")
    received = app.raw(line)
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode("utf-8", "replace")


@pytest.mark.parametrize("way", WAYS)
def test_default_rules_hold(app, way):
    for name in NAMES:
        status, body = get(app, "/" + WAYS[way](name))
        assert SECRET not in body, name
        assert 400 <= status < 500 or (way in ("query",) and status == 403), (name, status)


@pytest.mark.parametrize("way", WAYS)
def test_deploy_rules_hold(deployed, way):
    for name in DEPLOY_NAMES:
        status, body = get(deployed, "/" + WAYS[way](name))
        assert SECRET not in body, name
        assert 400 <= status < 500, (name, status)


def test_deploy_serves_front_end_files(deployed):
    assert get(deployed, "/page.html")[0] == 200


ESCAPES = [
    "../{}",
    "../../{}",
    "%2e%2e/{}",
    "%2e%2e%2f{}",
    "..%2f{}",
    "..%5c{}",
    "..\\{}",
    "....//{}",
    "..;/{}",
    "%252e%252e/{}",
    "%c0%ae%c0%ae/{}",
    ".%2e/{}",
    "%2e./{}",
    "a/../../{}",
    "..%00/{}",
    "/{}",
    "//{}",
    "%2f{}",
    "..%c0%af{}",
    "..%25c0%25af{}",
    "file:///{}",
    "..%u2215{}",
]
TARGETS = [
    "code.py",
    "public-not/b.txt",
    "-not/b.txt",
    ".env",
    "etc/passwd",
    "../../../../../../etc/passwd",
    "index.html",
]


@pytest.mark.parametrize("entry", ["/public/", "/star/", "/map?name=", "/map?x=1&name="])
def test_no_way_out_of_the_folder(app, entry):
    for escape, target in itertools.product(ESCAPES, TARGETS):
        status, body = get(app, entry + escape.format(target))
        assert SECRET not in body, (escape, target)
        assert "root:" not in body, (escape, target)
        assert body != "home", (escape, target)
        assert status in (400, 403, 404), (escape, target, status)


def test_links_that_leave_the_folder_are_refused(app, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text(SECRET)
    for name, target in (("file", outside), ("folder", tmp_path), ("env", app.folder / ".env"), ("up", app.folder)):
        link = app.folder / "public" / f"link-{name}"
        link.symlink_to(target)
    for url in ("link-file", "link-folder/outside.txt", "link-env", "link-up/code.py", "link-up/page.html"):
        status, body = get(app, f"/public/{url}")
        assert (status, SECRET in body) == (403, False), url


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 255,
        "/" + "a" * 256,
        "/" + "a" * 5000,
        "/" + "a/" * 3000,
        "/a%00",
        "/%00",
        "/%ff%fe",
        "/%",
        "/%zz",
        "/\u00e9",
    ],
)
def test_strange_names_are_no_server_errors(app, path):
    assert 400 <= get(app, path)[0] < 500


def test_error_pages_do_not_show_where_the_app_lives(app):
    for path in ("/nosuch", "/.env", "/a%00", "/public/link-file", "/%ff"):
        assert str(app.folder) not in get(app, path)[1]
        assert "Traceback" not in get(app, path)[1]
    assert "Traceback" not in app.log
