"""Content types by name."""

import pytest

from gramex.config import load
from gramex.handlers.contenttype import ContentTypes, is_compressible


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=UTF-8"),
        ("a.HTML", "text/html; charset=UTF-8"),
        ("a.css", "text/css; charset=UTF-8"),
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("a.svg", "image/svg+xml"),
        ("a.tar.gz", "application/gzip"),
        ("a.unknown", "application/octet-stream"),
        ("README", "application/octet-stream"),
        ("data:text", "application/octet-stream"),
        ("a.b.txt", "text/plain; charset=UTF-8"),
        (".html", "application/octet-stream"),
    ],
)
def test_types(name, expected):
    types = ContentTypes()
    assert types.of(name) == expected
    assert types.of(name) == expected


def test_additions():
    types = ContentTypes({".vue": "text/x-vue", "XYZ": "application/xyz", ".bad": 5})
    assert types.of("a.vue") == "text/x-vue; charset=UTF-8"
    assert types.of("a.xyz") == "application/xyz"
    assert types.of("a.bad") == "application/octet-stream"


@pytest.mark.parametrize("kind", ["text/html; charset=UTF-8", "application/json", "image/svg+xml", "font/ttf"])
def test_compressible(kind):
    assert is_compressible(kind)


@pytest.mark.parametrize("kind", ["image/png", "font/woff2", "application/zip", "application/octet-stream", ""])
def test_not_compressible(kind):
    assert not is_compressible(kind)


def test_what_deploy_yaml_allows_has_a_type(tmp_path):
    """A browser that may not guess would offer such a page for download."""
    (tmp_path / "gramex.yaml").write_text("import: $GRAMEXPATH/deploy.yaml\n")
    conf = load(tmp_path).conf
    types = ContentTypes(conf["mime"])
    names = ["x" + glob.replace("*", "") for glob in conf["handlers"]["FileHandler"]["allow"] if "*g" not in glob]
    assert len(names) > 20
    assert [name for name in names if types.of(name).startswith("application/octet-stream")] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conf.yaml", "text/yaml; charset=UTF-8"),
        ("a.yml", "text/yaml; charset=UTF-8"),
        ("code.py", "text/plain; charset=UTF-8"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("dates.ics", "text/calendar; charset=UTF-8"),
        ("book.epub", "application/epub+zip"),
    ],
)
def test_types_are_those_of_gramex(tmp_path, name, kind):
    assert ContentTypes(load(tmp_path).conf["mime"]).of(name) == kind
