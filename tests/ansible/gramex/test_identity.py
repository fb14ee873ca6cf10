"""Which changes make a new environment, and which a new release."""

from __future__ import annotations

import pytest
from gramex_source import identity, tree

PARTS = {"wheel": "w", "lock": "l", "interpreter": "i"}


def key(entries: list[tree.Entry], **changed: str) -> str:
    return identity.environment(entries, identity.requirements(entries), **{**PARTS, **changed})


def app(requirements: str | None = None, page: str = "x") -> list[tree.Entry]:
    entries = [tree.Entry("page.html", "file", content=page.encode())]
    if requirements is not None:
        entries.append(tree.Entry("requirements.txt", "file", content=requirements.encode()))
    return entries


@pytest.mark.parametrize("part", PARTS)
def test_wheel_lock_and_interpreter_make_a_new_environment(part):
    assert key(app()) != key(app(), **{part: "other"})


def test_the_app_shares_an_environment_until_its_requirements_change():
    assert key(app()) == key(app(page="y"))
    assert key(app("pandas\n")) == key(app("pandas\n", page="y"))
    assert len({key(app()), key(app("pandas\n")), key(app("numpy\n"))}) == 3


@pytest.mark.parametrize("line", ["-r more.txt", "-c pins.txt", "-e .", "./package", "name @ file:./x", "--editable ."])
def test_requirements_that_read_other_files_follow_the_whole_app(line):
    assert key(app(f"pandas\n{line}\n")) != key(app(f"pandas\n{line}\n", page="y"))


def test_requirements_of_several_apps_are_found_in_order():
    entries = [tree.Entry(f"{name}/requirements.txt", "file", content=b"") for name in ("two", "one")]
    found = identity.requirements(entries, ["requirements.txt", "one/requirements.txt", "two/requirements.txt"])
    assert [entry.name for entry in found] == ["one/requirements.txt", "two/requirements.txt"]


def test_each_part_makes_a_new_release():
    base = {"files": "f", "environment": "e", "private": "p", "user": "u", "shared": ["a", "b"]}
    digests = {identity.release(**{**base, part: value}) for part, value in (("files", "x"), ("environment", "x"))}
    digests |= {identity.release(**{**base, part: "x"}) for part in ("private", "user")}
    digests.add(identity.release(**{**base, "shared": ["a"]}))
    assert len(digests | {identity.release(**base)}) == 6
    assert identity.release(**{**base, "shared": ["b", "a"]}) == identity.release(**base)
