"""Regular expressions of users: as Python matches them, and never for long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gramex.data.automaton import Automaton
from gramex.data.refused import Refused
from gramex.data.regular import compile_pattern, parser

PARTS = [
    "a", "b", "A", ".", "^", "$", r"\b", r"\B", r"\d", r"\w", r"\s", r"\W", "[ab]", "[^a]", "[a-c1]", r"[^\w]", "é",
    r"\n", r"\A", r"\Z", "1", " ", "(a|b)", "(a|)", "(?i:B)", r"\.",
]  # fmt: skip
REPEATS = ["", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?"]
PLACES = ("^", "$", r"\b", r"\B", r"\A", r"\Z")


def repeated(text: str, repeat: str) -> str:
    """A part repeated; a place cannot be."""
    return text if text in PLACES else f"(?:{text}){repeat}"


PATTERNS = st.recursive(
    st.builds(repeated, st.sampled_from(PARTS), st.sampled_from(REPEATS)),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{}|{}".format, inner, inner),
        st.builds(repeated, inner, st.sampled_from(REPEATS)),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.text("abAB1 _\né.", max_size=12), st.booleans(), st.sampled_from([0, re.DOTALL, re.MULTILINE]))
@example("^a$", "a\n", True, 0)
@example(r"a\Z", "a\n", True, 0)
@example("$", "a\nb", True, re.MULTILINE)
@example(r"\b", "", True, 0)
@example("(a*)*b", "aaaa", True, 0)
def test_finds_what_python_finds(pattern, text, exact, more):
    flags = more | (0 if exact else re.IGNORECASE)
    expected = re.search(pattern, text, flags) is not None
    assert Automaton(parser.parse(pattern, flags)).search(text) == expected
    if not more:
        assert bool(compile_pattern(pattern, exact)(text)) == expected


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*)*b", "a*a*a*a*a*a*b", "(a?){30}a{30}b", "(?:a|a)(?:a|a)" * 20 + "b",
     "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*.*.*.*=.*"],
)  # fmt: skip
def test_no_expression_takes_long(pattern):
    began = time.process_time()
    compile_pattern(pattern, True)("a" * 5000 + "x" * 5000)
    # Python's matcher takes years, or minutes; there is no upper bound for a busy machine but this is far from both
    assert time.process_time() - began < 20


@pytest.mark.parametrize("pattern", [r"(a+)\1+", "(?=a*)b*", "(?<=a)b*c*", "(?(1)a|b)(c*)"])
def test_what_cannot_be_bound_is_refused(pattern):
    with pytest.raises(Refused) as caught:
        compile_pattern(pattern, True)
    assert caught.value.status == 400


@pytest.mark.parametrize(("pattern", "text", "expected"), [("^(?!No)", "North", False), ("^(?!No)", "South", True)])
def test_what_cannot_take_long_may_look_around(pattern, text, expected):
    assert bool(compile_pattern(pattern, True)(text)) == expected


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*a", "a{2", "\\", "(?P<x>a)(?P<x>b)", "a" * 501, "((a{999}){999}){999}", "((|){999}){999}"]
)
def test_mistakes_are_refused(pattern):
    if pattern == "a{2":  # Python takes it for text
        assert compile_pattern(pattern, True)("a{2")
        return
    with pytest.raises(Refused) as caught:
        compile_pattern(pattern, True)
    assert caught.value.status == 400


def test_what_is_kept_is_bound(monkeypatch):
    monkeypatch.setattr("gramex.data.automaton.MOST_KEPT", 20)
    search = Automaton(parser.parse("(a|b)*x.*y", 0)).search
    assert not search("".join(map(chr, range(200, 1200))))
    assert search("".join(map(chr, range(200, 1200))) + "xay")
