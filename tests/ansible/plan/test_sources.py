"""Folders of apps on the controller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gramex_plan import sources

Planned = Callable[..., tuple[dict[str, Any], list[str]]]


def app(folder: Path, text: str = "url: {}\n", name: str = "gramex.yaml") -> Path:
    """A folder with one file."""
    folder.mkdir(parents=True)
    folder.joinpath(name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["two words", "Größe", "日本語", "it's", 'a"b', "$HOME", "a;b"])
def test_any_letters_in_the_path(name: str, tmp_path: Path, planned: Planned) -> None:
    folder = app(tmp_path / name)
    plan, problems = planned({"gramex_apps": [{"name": "site", "source": name}]}, base=str(tmp_path))
    assert problems == []
    assert plan["apps"][0]["source"] == str(folder)


def test_no_line_break_in_the_path(tmp_path: Path, planned: Planned) -> None:
    app(tmp_path / "a\nb")
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "a\nb"}]}, base=str(tmp_path))
    assert "without control characters" in problems[0]


def test_home_and_dots(tmp_path: Path, planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = app(tmp_path / "site")
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in ("~/site", "../site", str(folder), "./../site/"):
        plan, problems = planned(
            {"gramex_apps": [{"name": "site", "source": source}]}, base=str(tmp_path / "inventory")
        )
        assert (problems, plan["apps"][0]["source"]) == ([], str(folder))


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("url:\n  a:\n    pattern: /\n   b: 1\n", 4, "url"),
        ("url: [\n", 1, "url"),
        ("app: {listen: {port: 8001}\n", 1, "app"),
        ("url:\n  a: \tb: c\n", 2, "url"),
    ],
)
def test_yaml_that_does_not_parse(text: str, line: int, key: str, tmp_path: Path, planned: Planned) -> None:
    config = app(tmp_path / "site", text) / "gramex.yaml"
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "site"}]}, base=str(tmp_path))
    assert len(problems) == 1
    assert problems[0].startswith(f"{config}:{line}: {key}"), problems


def test_yaml_that_is_no_mapping(tmp_path: Path, planned: Planned) -> None:
    config = app(tmp_path / "site", "- url\n") / "gramex.yaml"
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "site"}]}, base=str(tmp_path))
    assert problems == [f"{config}: gramex_apps[0] (site): must be a mapping of sections such as `url:`."]


@pytest.mark.parametrize("text", ["", "import: */gramex.yaml\n", "# nothing\n"])
def test_yaml_that_the_runtime_reads(text: str, tmp_path: Path, planned: Planned) -> None:
    app(tmp_path / "site", text)
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": "site"}]}, base=str(tmp_path))
    assert problems == []


def test_each_of_several_apps(tmp_path: Path, planned: Planned) -> None:
    app(tmp_path / "one")
    app(tmp_path / "two", name="other.yaml")
    apps = [{"name": "one", "source": "one"}, {"name": "two", "source": "two"}, {"name": "three", "source": "three"}]
    _plan, problems = planned({"gramex_apps": [{"name": "all", "apps": apps}]}, base=str(tmp_path))
    assert problems == [
        f"gramex_apps[0] (all).apps[1].source: the folder {tmp_path}/two has no gramex.yaml, so it is not an app.",
        f"gramex_apps[0] (all).apps[2].source: there is no folder {tmp_path}/three. "
        f"A relative source starts at {tmp_path}.",
    ]


def test_a_version_of_a_git_repository(tmp_path: Path, planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.check_sources, "__defaults__", (tmp_path / "cache",))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = app(tmp_path / "work")
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for words in (["init", "-qb", "main"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1.0"]):
        subprocess.run(["git", "-C", str(folder), *who, *words], check=True)
    url = f"file://{folder}"
    plan, problems = planned({"gramex_apps": [{"name": "site", "source": url, "version": "v1.0"}]})
    assert problems == []
    assert Path(plan["apps"][0]["source"], "gramex.yaml").is_file()
    _plan, problems = planned({"gramex_apps": [{"name": "site", "source": url, "version": "v1.O"}]})
    assert problems == [
        f"gramex_apps[0] (site).version: there is no branch, tag or commit `v1.O` in {url}. Did you mean `v1.0`?"
    ]
    nested = {"name": "all", "apps": [{"name": "one", "source": f"{url}.not"}]}
    _plan, problems = planned({"gramex_apps": [nested]})
    assert len(problems) == 1
    assert problems[0].startswith(f"gramex_apps[0] (all).apps[0].source: git cannot read {url}.not: ")
