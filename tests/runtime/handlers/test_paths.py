"""No URL leads out of the folder that is served."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.web import HTTPError

from gramex.handlers.paths import Place, clean, locate, windows_name
from gramex.handlers.rules import Rules

OPEN = Rules([], [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("paths")
    root = base / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt", ".hidden/d.txt", "%2e%2e", "sp ace \u00e9.txt"):
        (root / name).write_text(name)
    (base / "outside.txt").write_text("outside")
    (base / "root-other").mkdir()
    (base / "root-other" / "x.txt").write_text("outside")
    (base / "data").mkdir()
    (base / "data" / "kept.txt").write_text("kept")
    (root / "link-out").symlink_to(base / "outside.txt")
    (root / "link-prefix").symlink_to(base / "root-other")
    (root / "link-in").symlink_to(root / "sub")
    (root / "link-hidden").symlink_to(root / ".hidden")
    (root / "link-data").symlink_to(base / "data")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    return root


def status(folder, text, rules=OPEN, **kwargs):
    try:
        return locate(Place(str(folder), text), rules, **kwargs).relative
    except HTTPError as error:
        return error.status_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.txt", "a.txt"),
        ("", ""),
        ("/", ""),
        ("sub/../a.txt", "a.txt"),
        ("../../a.txt", "a.txt"),
        ("./sub//b.txt", "sub/b.txt"),
        ("sub/b.txt/", "sub/b.txt"),
        ("%2e%2e", "%2e%2e"),
        ("sp ace \u00e9.txt", "sp ace \u00e9.txt"),
        ("../outside.txt", 404),
        ("../root-other/x.txt", 404),
        ("..\\outside.txt", 404),
        ("sub\\b.txt", 404),
        ("a.txt\0", 404),
        ("a.txt\0.html", 404),
        ("a.txt\n", 404),
        ("x" * 300, 404),
        ("x/" * 3000, 404),
        ("\udcff", 404),
        ("a.txt/b", 404),
        ("loop", 404),
        ("pipe", 404),
        ("missing", 404),
        ("link-out", 403),
        ("link-prefix/x.txt", 403),
        ("link-in/b.txt", "link-in/b.txt"),
        ("/etc/passwd", 404),
        ("//etc/passwd", 404),
        ("~/x", 404),
    ],
)
def test_what_a_url_means(folder, text, expected):
    assert status(folder, text) == expected


def test_link_is_judged_by_what_it_leads_to(folder):
    rules = Rules([".*"], [])
    assert status(folder, "link-hidden/d.txt", rules) == 403
    assert status(folder, "link-in/b.txt", rules) == "link-in/b.txt"


def test_link_within_the_folder_is_judged_by_its_file_only(folder):
    rules = Rules(["link*", "secret/*"], [], str(folder.parent))
    assert status(folder, "link-in/b.txt", rules) == "link-in/b.txt"
    assert status(folder, "link-in/b.txt", Rules(["root/sub/*"], [], str(folder.parent))) == 403
    data = os.path.realpath(folder.parent / "data")
    assert status(folder, "link-data/kept.txt", rules, links=[data]) == 403
    assert (
        status(folder, "link-data/kept.txt", Rules(["data/*"], [], str(folder)), links=[data]) == "link-data/kept.txt"
    )


def test_links_may_lead_into_folders_that_are_named(folder):
    data = os.path.realpath(folder.parent / "data")
    assert status(folder, "link-data/kept.txt") == 403
    assert status(folder, "link-data/kept.txt", links=[data]) == "link-data/kept.txt"
    assert status(folder, "link-out", links=[data]) == 403


def test_a_link_that_is_pointed_elsewhere_is_judged_again(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "good.txt").write_text("good")
    (tmp_path / "bad.txt").write_text("bad")
    link = root / "link"
    link.symlink_to(root / "good.txt")
    assert status(root, "link") == "link"
    link.unlink()
    link.symlink_to(tmp_path / "bad.txt")
    assert status(root, "link") == 403


def test_file_that_cannot_be_reached_is_403(tmp_path, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(path)

    monkeypatch.setattr(os, "stat", refuse)
    assert status(tmp_path, "x") == 403


def test_exact_place_may_be_a_link_and_is_judged_unless_permitted(folder):
    place = Place(str(folder), "link-out", exact=True)
    assert locate(place, OPEN).relative == "link-out"
    with pytest.raises(HTTPError):
        locate(place, Rules(["outside*"], []))
    assert locate(place._replace(permitted=True), Rules(["*"], [])).relative == "link-out"


@pytest.mark.parametrize(
    "name", ["nul", "CON.txt", "com1", "lpt9.html", "a.txt.", "a.txt ", "a.txt::$DATA", "c:x", "PROGRA~1", "sub/aux/x"]
)
def test_names_that_windows_opens_as_something_else(name):
    assert not windows_name(name)


@pytest.mark.parametrize("name", ["a.txt", "sub/a b.html", "console.js", "nullable.html"])
def test_names_that_windows_takes_as_they_are(name):
    assert windows_name(name)


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "a.txt",
        "sub",
        "deep",
        "b.txt",
        "link-out",
        "link-prefix",
        "link-in",
        "x.txt",
        "outside.txt",
        "root-other",
        "root",
        "%2e%2e",
        "%252e",
        "\\",
        "..\\",
        "\0",
        "~",
        "etc",
        "passwd",
        "...",
        " ",
        "c:",
        "\u00e9",
        "\uff0e\uff0e",
    ]
)
URLS = st.one_of(st.lists(PARTS, max_size=8).map("/".join), st.text(max_size=40))


@settings(max_examples=2000, deadline=None)
@given(text=URLS)
def test_nothing_outside_is_ever_found(folder, text):
    found = status(folder, text)
    if isinstance(found, int):
        assert found in (403, 404)
        return
    path = folder / found
    real = os.path.realpath(path)
    assert real == str(folder) or real.startswith(f"{folder}/")
    assert "outside" not in (path.read_text() if path.is_file() else "")


@given(text=URLS)
def test_cleaning_is_stable_and_leaves_no_dots(text):
    relative = clean(text)
    if relative is not None:
        assert clean(relative) == relative
        assert not relative.startswith("/")
        assert not {"..", "."} & set(relative.split("/"))
