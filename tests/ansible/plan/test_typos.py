"""A typing error in any key of `gramex_apps`, or in any variable, leads to the right name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gramex_plan.nearest import distance, nearest
from gramex_plan.schema import load

SCHEMA = load()
BUILT = [name for name, rule in SCHEMA.apps.items() if rule.built]
Planned = Callable[..., tuple[dict[str, Any], list[str]]]


def typos(name: str) -> Iterator[str]:
    """What fingers make of a name: a letter lost, doubled, hit beside, two swapped; a hyphen, capitals."""
    made = {name.capitalize(), name.replace("_", "-"), name.replace("_", "")}
    for i in range(len(name)):
        made |= {name[:i] + name[i + 1 :], name[:i] + name[i] + name[i:], f"{name[:i]}q{name[i + 1 :]}"}
        made.add(name[:i] + name[i + 1 : i + 2] + name[i : i + 1] + name[i + 2 :])
    yield from sorted(made - {name} - set(SCHEMA.apps) - set(SCHEMA.variables))


@pytest.mark.parametrize("key", SCHEMA.apps)
def test_key(key: str, planned: Planned) -> None:
    for typo in typos(key):
        app = {"name": "site", "source": "examples/site", typo: "x"}
        if key in ("name", "source"):
            del app[key]
        _plan, problems = planned({"gramex_apps": [app]})
        assert f"there is no key `{typo}`. Did you mean `{key}`?" in problems[0], (typo, problems[0])


INNER = [
    (key, inner)
    for key, rule in SCHEMA.apps.items()
    for inner in (rule.keys or (rule.items.keys if rule.items else {}))
    if len(inner) > 1
]


@pytest.mark.parametrize(("key", "inner"), INNER)
def test_key_of_a_key(key: str, inner: str, planned: Planned) -> None:
    rule = SCHEMA.apps[key]
    known = rule.keys or (rule.items.keys if rule.items else {})
    for typo in typos(inner):
        if typo in known or len(typo) < 3:
            continue
        value = {typo: "x"} if rule.keys else [{typo: "x"}]
        _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "examples/site", key: value}]})
        said = [problem for problem in problems if f"there is no key `{typo}`. Did you mean `" in problem]
        assert said, (typo, problems)
        meant = said[0].split("Did you mean `")[1].split("`")[0]
        assert meant == inner or distance(typo, meant) <= distance(typo, inner), (typo, said[0])


@pytest.mark.parametrize("key", [name for name in SCHEMA.apps if name != "state"])
def test_example_of_the_right_key_is_shown(key: str, planned: Planned) -> None:
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "examples/site", f"{key}x": 1}]})
    if SCHEMA.apps[key].example is not None:
        assert f"\nRight: {key}: " in problems[0]


@pytest.mark.parametrize("name", SCHEMA.variables)
def test_variable(name: str) -> None:
    for typo in typos(name):
        found = nearest(typo, SCHEMA.variables)
        # nginx_htt_port is as near to nginx_http_port as to nginx_https_port.
        assert found == name or distance(typo, found) <= distance(typo, name)
        assert found


def test_other_words_lead_to_a_key() -> None:
    words = [(word, name) for name, rule in SCHEMA.apps.items() for word in rule.also]
    assert len(words) > 100
    assert len({word for word, _name in words}) == len(words), "a word that leads to two keys leads to none"
    assert not {word for word, _name in words} & set(SCHEMA.apps)


def test_far_words_lead_nowhere() -> None:
    assert [word for word in ("xylophone", "zzz", "q", "") if nearest(word, BUILT)] == []


def test_distance_counts_edits() -> None:
    assert [distance("source", other) for other in ("source", "sorce", "suorce", "sauce", "")] == [0, 1, 1, 2, 6]
