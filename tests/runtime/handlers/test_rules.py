"""Which files may be served: the judge behind ignore and allow."""

import os

import pytest

from gramex.handlers.globs import Globs, as_globs
from gramex.handlers.rules import Rules

DEFAULT = Rules(["gramex*.yaml", ".*", "*.py*"], [".allow", ".well-known"])
DEPLOY = Rules(["*"], ["*.html", "*.jp*g", "*.json"])


@pytest.mark.parametrize(
    "path",
    [
        "gramex.yaml",
        "sub/gramex-dev.yaml",
        "GRAMEX.YAML",
        ".git/config",
        ".env",
        "sub/.secrets.yaml",
        ".hidden.html",
        "code.py",
        "sub/code.PYC",
        "__pycache__/code.cpython-311.pyc",
        "code.py.",
        "code.py ",
        "code.py::$DATA",
        ".well-known/.secret",
        ".well-known.bak/x",
    ],
)
def test_default_rules_refuse(path):
    assert DEFAULT.refuses(path)


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "gramex-files/data.yaml",
        "lib.python/x.html",
        "config.yaml",
        ".allow",
        "sub/.allow",
        ".well-known/security.txt",
        ".well-known/acme-challenge/token",
        "a.b.c",
        "x..html",
    ],
)
def test_default_rules_let_through(path):
    assert not DEFAULT.refuses(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.csv",
        "a.html.csv",
        "a.csv::$DATA",
        "a.csv::$DATA.html",
        "a.csv.",
        "a.csv. . ",
        ".hidden.html",
        "sub/.hidden.html",
        ".git/index.html",
        ".html",
        "sub/.html",
        "html",
        "a.htm",
        "a.sh",
        "A.YAML",
    ],
)
def test_allow_opens_only_what_it_names(path):
    assert DEPLOY.refuses(path)


@pytest.mark.parametrize("path", ["a.html", "sub/deep/a.HTML", "a.jpeg", "x.y.json"])
def test_allow_opens(path):
    assert not DEPLOY.refuses(path)


def test_folders_are_open_unless_hidden_or_named():
    assert not DEPLOY.refuses("sub", folder=True)
    assert DEPLOY.refuses(".git", folder=True)
    assert Rules(["private"], []).refuses("private", folder=True)


def test_ignored_folder_takes_its_content_along():
    rules = Rules(["private", "secret*", "data/raw/*"], ["private/open.txt"])
    assert rules.refuses("private/a.txt")
    assert rules.refuses("secrets/a.txt")
    assert rules.refuses("x/data/raw/deep/a.csv")
    assert not rules.refuses("private/open.txt")


def test_slash_in_front_ties_a_glob_to_the_folder():
    rules = Rules(["/top.txt"], [])
    assert rules.refuses("top.txt")
    assert not rules.refuses("sub/top.txt")


@pytest.mark.parametrize(
    ("served", "glob", "path", "refused"),
    [
        ("sub", "sub/*", "a/b.txt", True),
        ("sub", "SUB/*.txt", "a/b.txt", True),
        ("sub", "sub/a/*", "a/b.txt", True),
        ("sub", "sub/a/*", "b/b.txt", False),
        ("one/sub", "one/sub/*", "b.txt", True),
        ("one/sub", "sub/*.txt", "b.txt", True),
        ("../sub", "sub/*", "b.txt", True),
        ("../one/sub", "one/*", "b.txt", False),
        ("", "app/*", "b.txt", False),
        ("sub", "sub", "b.txt", False),
        ("sub", "/sub/*", "b.txt", False),
        (".git/x", ".*", "b.txt", False),
        (".git/x", ".git/*", "b.txt", True),
    ],
)
def test_globs_with_slashes_may_name_the_served_folder(served, glob, path, refused):
    folder = os.path.normpath(f"/srv/app/{served}")
    rules = Rules([glob], [], "/srv/app")
    assert rules.refuses(path, below=rules.below(folder)) is refused
    allowing = Rules(["*"], [glob], "/srv/app")
    if glob != ".*":
        assert allowing.refuses(path, below=allowing.below(folder)) is not refused


def test_a_hidden_name_can_be_opened_by_a_glob_that_names_the_served_folder():
    rules = Rules([".*"], ["sub/.x"], "/srv/app")
    assert not rules.refuses(".x", below="sub")
    assert rules.refuses(".y", below="sub")
    assert rules.refuses(".x", below="other")


def test_no_rules_refuse_nothing():
    assert not Rules([], []).refuses(".git/config")


def test_a_hidden_name_can_be_opened_by_its_name():
    rules = Rules(["*"], ["sub/.well-known/*"])
    assert not rules.refuses("sub/.well-known/x.txt")
    assert rules.refuses("other/.well-known/x.txt")
    assert rules.refuses("sub/.well-known/.x.txt")


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.csv", "sub/a.csv", True),
        ("assets/**", "assets/a/b.css", True),
        ("**/*.css", "a.css", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab].txt", "c.txt", True),
        ("a[", "a[", True),
        ("[a-c]*.txt", "cat.txt", True),
        ("a.b", "axb", False),
        ("./x.txt", "x.txt", True),
        ("a+b(c)", "a+b(c)", True),
    ],
)
def test_globs(glob, path, expected):
    assert Globs([glob]).match(path) is expected


def test_a_glob_that_makes_no_sense_is_named():
    with pytest.raises(ValueError, match=r"\[z-a\]"):
        Globs(["[z-a]"])


@pytest.mark.parametrize("value", [1, {"a": 1}, ["a", 1]])
def test_globs_must_be_text(value):
    with pytest.raises(ValueError, match="allow"):
        as_globs(value, "allow")
