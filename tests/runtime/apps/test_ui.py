"""The app $GRAMEXAPPS/ui: libraries from a CDN, or from a folder where there is no network."""

import re

import pytest

from gramex.handlers.uilibrary import parse

CDN = "https://cdn.jsdelivr.net/npm"
IMPORT = {"ui": {"path": "$GRAMEXAPPS/ui/gramex.yaml", "YAMLURL": "$YAMLURL/ui/"}}
FILES = {
    "lib/bootstrap/dist/bootstrap.min.css": "body{}",
    "lib/@scope/name/index.js": "1",
    "lib/.hidden/x.js": "no",
    "secret.txt": "no",
}


@pytest.fixture(scope="module")
def cdn(serve_module):
    return serve_module({"import": IMPORT, "variables": {"UI_VERSIONS": {"jquery": "3.7.1"}}})


@pytest.fixture(scope="module")
def local(serve_module):
    return serve_module({"variables": {"UI_FOLDER": "$YAMLPATH/lib"}, "import": IMPORT}, FILES)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("bootstrap/dist/css/bootstrap.min.css", "bootstrap@5/dist/css/bootstrap.min.css"),
        ("bootstrap@4.6.2/dist/css/bootstrap.min.css", "bootstrap@4.6.2/dist/css/bootstrap.min.css"),
        ("jquery/dist/jquery.min.js", "jquery@3.7.1/dist/jquery.min.js"),
        ("@scope/name/a%20b.js", "@scope/name/a%20b.js"),
        ("@scope/name@1.0.0-rc.1/x.js?v=1", "@scope/name@1.0.0-rc.1/x.js"),
        ("other/a%0d%0aX: y".replace(" ", "%20"), None),
        ("other/a%3fb", "other/a%3Fb"),
        ("other", "other"),
    ],
)
def test_the_cdn_has_the_library(cdn, path, target):
    for method in ("GET", "HEAD"):
        answer = cdn.request(method, f"/ui/{path}")
        assert (answer.status, answer.headers["Location"]) == ((302, f"{CDN}/{target}") if target else (404, None))


@pytest.mark.parametrize(
    "path",
    ["", "..", "../x", "/evil/x", "a/../../x", "a//b", "a\\b", "ä/x", "@x", "@/x", "a@/x", "a@1@2/x", ".a/x", "a/\0"],
)
def test_other_names_are_none(path):
    from tornado.web import HTTPError

    with pytest.raises(HTTPError) as error:
        parse(path)
    assert error.value.status_code == 404


@pytest.mark.parametrize("path", ["/ui/", "/ui/..%2fx", "/ui//evil.example/x", "/ui/%2fevil.example", "/ui/a%5cb"])
def test_no_url_leads_elsewhere(cdn, path):
    assert cdn.get(path).status == 404


def test_a_folder_serves_without_a_network(local):
    answer = local.get("/ui/bootstrap/dist/bootstrap.min.css")
    assert (answer.status, answer.text) == (200, "body{}")
    assert answer.headers["Content-Type"].startswith("text/css")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert local.get("/ui/bootstrap@4.6.2/dist/bootstrap.min.css").text == "body{}"
    assert local.get("/ui/@scope/name/index.js").text == "1"
    for path in (
        "missing/x.js",
        "bootstrap/none.css",
        "bootstrap/",
        "",
        ".hidden/x.js",
        "..%2fsecret.txt",
        "a/..%2f..%2f..%2fsecret.txt",
    ):
        answer = local.get(f"/ui/{path}")
        assert answer.status in (403, 404), path
        assert answer.headers["Location"] is None


def test_it_needs_no_more_than_the_import(serve):
    app = serve("import: $GRAMEXAPPS/ui/gramex.yaml")
    assert app.get("/ui/d3/dist/d3.min.js").headers["Location"] == f"{CDN}/d3@7/dist/d3.min.js"
    assert not re.search(r"^[WE] ", app.log, re.MULTILINE), app.log


def test_two_apps_have_their_own(serve):
    entry = {"path": "$GRAMEXAPPS/ui/gramex.yaml", "namespace": ["url"]}
    conf = {"import": {name: {**entry, "YAMLURL": f"$YAMLURL/{name}/ui/"} for name in ("one", "two")}}
    app = serve(conf, env={"UI_CDN": "https://cdn.example/"})
    for name in ("one", "two"):
        assert app.get(f"/{name}/ui/d3/d3.js").headers["Location"] == "https://cdn.example/d3@7/d3.js"
    assert app.get("/ui/d3/d3.js").status == 404
    assert not re.search(r"^[WE] ", app.log, re.MULTILINE), app.log


def test_production_settings_do_not_stop_it(serve):
    conf = {"import": {"deploy": "$GRAMEXPATH/deploy.yaml", **IMPORT}, "variables": {"UI_FOLDER": "lib"}}
    app = serve(conf, FILES)
    assert app.get("/ui/bootstrap/dist/bootstrap.min.css").status == 200


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"UI_FOLDER": "nowhere"}, "UI_FOLDER: there is no folder nowhere"),
        ({"UI_CDN": "cdn.example"}, "UI_CDN: must be a URL"),
        ({"UI_VERSIONS": {"d3": "../x"}}, "UI_VERSIONS: d3: must be a version"),
    ],
)
def test_mistakes_are_named(serve, variables, complaint):
    app = serve({"variables": variables, "import": IMPORT})
    assert app.get("/ui/d3/x.js").status == 500
    app.wait_log(complaint)
