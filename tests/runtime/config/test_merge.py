"""Laws that hold for any configurations: layers, imports, parsing, substitution."""

from __future__ import annotations

import collections
import string
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gramex.config.entries import ENTRIES
from gramex.config.merge import overlay, underlay
from gramex.config.problem import Problem
from gramex.config.substitute import Substitution
from gramex.config.tree import Budget, Section, copy, find_place, plain, sections
from gramex.config.yamlfile import parse

FILE = Path("gramex.yaml")
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
KEYS = st.sampled_from(["a", "b", "c", "import x", 404, True])


def mappings(keys: Any = KEYS, values: Any = SCALARS) -> Any:
    tree = st.recursive(
        values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
    )
    return st.dictionaries(keys, tree, max_size=4)


def layer(value: Any) -> Section:
    return sections(value, (FILE, 1))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if isinstance(value, dict) and value:
        return {key: leaf for name, each in value.items() for key, leaf in leaves(each, (*path, name)).items()}
    return {path: value}


# Where one says that a key is a mapping, all do: else the answer depends on the order of merging, as upstream.
REGULAR = st.dictionaries(KEYS, st.dictionaries(KEYS, SCALARS, max_size=4), max_size=4)


@given(mappings())
def test_nothing_above_or_below_changes_nothing(conf: Any) -> None:
    assert overlay(layer(conf), layer({})) == conf
    assert overlay(layer({}), layer(conf)) == conf
    assert underlay(layer(conf), layer({})) == conf
    assert underlay(layer({}), layer(conf)) == conf


@given(mappings())
def test_a_layer_over_itself_is_itself(conf: Any) -> None:
    assert overlay(layer(conf), layer(conf)) == conf
    assert underlay(layer(conf), layer(conf)) == conf


@given(REGULAR, REGULAR, REGULAR)
def test_layers_may_be_put_together_in_any_grouping(low: Any, middle: Any, high: Any) -> None:
    first = overlay(overlay(layer(low), layer(middle)), layer(high))
    second = overlay(layer(low), overlay(layer(middle), layer(high)))
    assert first == second


@given(mappings(), mappings())
def test_each_leaf_of_the_upper_layer_wins(low: Any, high: Any) -> None:
    merged = leaves(overlay(layer(low), layer(high)))
    for path, value in leaves(high).items():
        if path and value != {}:
            assert merged[path] == value
            assert type(merged[path]) is type(value)


@given(mappings(), mappings())
def test_an_import_is_a_lower_layer(top: Any, imported: Any) -> None:
    """Outside of named entries, where whole entries count."""
    assert underlay(layer(top), layer(imported)) == overlay(layer(imported), layer(top))


@given(REGULAR, REGULAR, REGULAR)
def test_an_earlier_import_wins(top: Any, first: Any, second: Any) -> None:
    merged = underlay(underlay(layer(top), layer(first)), layer(second))
    assert merged == overlay(overlay(layer(second), layer(first)), layer(top))


ENTRY = st.fixed_dictionaries(
    {"pattern": st.just("/"), "handler": st.sampled_from(["A", "B"])}, optional={"x": SCALARS}
)


@given(st.dictionaries(KEYS, ENTRY, max_size=3), st.dictionaries(KEYS, ENTRY, max_size=3))
def test_a_complete_entry_is_left_alone(top: Any, imported: Any) -> None:
    problems: list[Problem] = []
    merged = underlay(layer({"url": top}), layer({"url": imported}), (), problems)
    assert merged["url"] == imported | top
    assert len(problems) == len(top.keys() & imported.keys())
    for key in top:
        assert find_place(merged, ("url", str(key), "handler")) is not None


def test_the_sections_of_entries_are_those_of_the_documentation() -> None:
    assert set(ENTRIES) == {
        *("url", "cache", "schedule", "watch", "email", "alert", "sms"),
        *("log.loggers", "log.handlers", "log.formatters"),
    }


@given(mappings(), mappings())
def test_merging_does_not_touch_places_of_others(low: Any, high: Any) -> None:
    merged = overlay(sections(low, (Path("low"), 1)), sections(high, (Path("high"), 2)))
    for path in leaves(high):
        if path:
            names = tuple(str(key) for key in path)
            if len({str(key) for key in merged}) == len(merged) and len(path) == 1:
                assert find_place(merged, names) == (Path("high"), 2)


@given(mappings())
def test_services_see_no_nulls_and_no_comments(conf: Any) -> None:
    conf["comment"] = {"a": 1}
    seen = plain(layer(conf))
    assert plain(seen) == seen

    def check(value: Any) -> None:
        assert value is not None
        if isinstance(value, dict):
            assert type(value) is dict
            assert "comment" not in value
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(each)

    check(seen)
    kept = {path: leaf for path, leaf in leaves(conf).items() if leaf is not None and path[0] != "comment"}
    for path, leaf in kept.items():
        if not isinstance(leaf, (dict, list)):
            place = seen
            for key in path:
                place = place[key]
            assert place == leaf


@given(mappings())
def test_a_copy_is_equal_and_independent(conf: Any) -> None:
    original = layer(conf)
    duplicate = copy(original, Budget())
    assert duplicate == original
    assert duplicate.places == original.places
    duplicate["new"] = 1
    for value in duplicate.values():
        if isinstance(value, (dict, list)):
            value.clear()
    assert original == conf


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="$\ufeff\ufffe\uffff"), max_size=8
)
YAML = mappings(TEXT | st.integers(), st.one_of(SCALARS, TEXT, st.floats(allow_nan=False), st.dates()))


@given(YAML, st.sampled_from([None, True, False]), st.booleans())
def test_yaml_is_read_as_pyyaml_reads_it(conf: Any, flow: bool | None, unicode: bool) -> None:
    text = yaml.safe_dump(conf, default_flow_style=flow, allow_unicode=unicode, sort_keys=False)
    expected = yaml.safe_load(text)
    found = parse(text, FILE, Budget(), [])
    assert found == expected
    assert repr(plain(sections(found))) == repr(plain(expected))  # the types too


STARS = st.text("ab*/.-_ '\"", min_size=1, max_size=10).map(lambda text: ("*/" + text).rstrip())


@given(STARS)
def test_an_unquoted_star_is_text(value: str) -> None:
    for text in (
        f"import: {value}",
        f"import: {value}  # a comment\nb: 1",
        f"a:\n- {value}\n- b",
        f"a: [{value}, b]",
        f"a: {{b: {value}, c: d}}",
        f"a: [\n  {value},\n  b\n]",
        f"{value}: 1",
    ):
        quoted = text.replace(value, "'" + value.replace("'", "''") + "'", 1)
        assert parse(text, FILE, Budget(), []) == yaml.safe_load(quoted)


NAMES = {"A": "x", "B": 3, "C": False, "D": "$A", "E": ""}
PIECES = st.lists(
    st.sampled_from(["$A", "${A}", "$$", "${B}", "$B ", "$C/", "${D}", "$E.", "${NONE}", " ", "a", "é", "{", "}"])
)


@given(PIECES.map("".join))
def test_texts_are_substituted_as_by_string_template(text: str) -> None:
    if text[:1] == "$" and text[1:] in NAMES:
        return  # exactly a variable: keeps its type
    substitution = Substitution(FILE, NAMES, Budget())
    known = collections.defaultdict(str, NAMES)
    assert substitution.apply(text) == string.Template(text).substitute(known)
    assert not substitution.fatal


@given(st.text("$A{}_ 1", max_size=6))
def test_a_lone_dollar_is_found_where_string_template_finds_it(text: str) -> None:
    substitution = Substitution(FILE, {}, Budget())
    substitution.apply(text)
    assert bool(substitution.fatal) != string.Template(text).is_valid()
