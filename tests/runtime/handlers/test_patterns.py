"""Which entry answers a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramex.handlers.patterns import CACHE, Router, literal_prefix, normalise, precedence


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/./page", "/page"),
        ("/app/../new/page", "/new/page"),
        ("//page", "/page"),
        ("/app//page", "/app/page"),
        ("/./", "/"),
        ("/app/./", "/app/"),
        ("/../up/page", "/up/page"),
        ("/app/(.*)", "/app/(.*)"),
        ("/./(.*)", "/(.*)"),
        ("/app/", "/app/"),
        ("/app", "/app"),
    ],
)
def test_pattern_is_normalised_and_keeps_its_final_slash(pattern, expected):
    assert normalise(pattern) == expected


def test_precedence_is_priority_then_slashes_then_wildcards_then_order():
    patterns = [
        ("/(.*)", 0),
        ("/a/(.*)", 0),
        ("/a/b", 0),
        ("/a/.+/x*", 0),
        ("/low/low/low", -1),
        ("/high", 5),
        ("/(.+)", 0),
    ]
    ordered = [each[0] for each in sorted(patterns, key=lambda each: precedence(*each))]
    assert ordered == ["/high", "/a/.+/x*", "/a/b", "/a/(.*)", "/(.*)", "/(.+)", "/low/low/low"]


def test_first_rule_wins_even_over_a_literal():
    router = Router()
    router.add("/a.*", "pattern")
    router.add("/abc", "literal")
    assert router.find("/abc").target == "pattern"


def test_literal_is_found_before_later_patterns():
    router = Router()
    router.add("/abc", "literal")
    router.add("/a.*", "pattern")
    assert (router.find("/abc").target, router.find("/abd").target, router.find("/x")) == ("literal", "pattern", None)


def test_pattern_is_for_the_whole_path():
    router = Router()
    router.add("/page", "page")
    router.add("/a|/b", "either")
    assert router.find("/page/") is None
    assert router.find("/page2") is None
    assert router.find("/a").target == router.find("/b").target == "either"
    assert router.find("/a\n") is None


def test_groups_are_decoded_once_and_absent_ones_are_none():
    router = Router()
    router.add("/x/([^/]*)(/opt)?", "x")
    assert router.find("/x/a%20b%252e").args == (b"a b%2e", None)


def test_bytes_that_were_not_encoded_stay_as_they_are():
    router = Router()
    router.add("/(.*)", "x")
    assert router.find("/" + "\u00e9".encode().decode("latin-1")).args == ("\u00e9".encode(),)


@pytest.mark.parametrize(
    ("pattern", "path", "args"),
    [
        ("/my app/\u00fc/(.*)", "/my%20app/%C3%BC/a", (b"a",)),
        ("/my app/\u00fc/(.*)", "/my%20app/%c3%bc/a", (b"a",)),
        ("/\u00fc", "/" + "\u00fc".encode().decode("latin-1"), ()),
        (r"/a\ b\ü+", "/a%20b%C3%BC%C3%BC", ()),
        ("/[ab ]", "/a", ()),
    ],
)
def test_spaces_and_letters_match_their_encoded_form(pattern, path, args):
    router = Router()
    router.add(pattern, "x")
    assert router.find(path).args == args
    assert router.find(path + "%20") is None or pattern.endswith("(.*)")


def test_group_names_may_have_letters_beyond_ascii():
    router = Router()
    router.add("/x y/(?P<\u00fc>.*)", "x")
    assert router.find("/x%20y/a%20b").kwargs == {"\u00fc": b"a b"}


def test_named_groups_are_named():
    router = Router()
    router.add("/(?P<year>[0-9]+)/(.*)", "x")
    match = router.find("/2026/rest")
    assert (match.args, match.kwargs) == ((), {"year": b"2026"})


def test_cache_is_bounded():
    router = Router()
    router.add("/(.*)", "x")
    for number in range(CACHE + 10):
        router.find(f"/{number}")
    router.find("/" + "x" * 10_000)
    assert len(router.cache) <= CACHE
    assert all(len(path) < 1000 for path in router.cache)


@given(st.text("ab/.*+?()[]|\\x", max_size=8), st.text("ab/x", max_size=6))
def test_prefix_never_hides_a_match(pattern, path):
    import re

    try:
        compiled = re.compile("/" + pattern)
    except (re.error, FutureWarning):
        return
    if compiled.fullmatch("/" + path):
        assert ("/" + path).startswith(literal_prefix("/" + pattern))
