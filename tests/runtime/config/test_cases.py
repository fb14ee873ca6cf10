"""Runs the cases of ``cases/*.yaml``: each is a small app, and what its configuration must be.

A case has ``name``, ``files``, and any of
``want``      sections that must be exactly so (packaged url entries are left out unless they are wanted)
``problems``  parts of the messages, in order; none but those may be reported. ``No service named`` needs no mention
``error``     part of the message of the error that stops the start
``where``     dotted key -> place
``variables`` what the table of variables must hold afterwards
``env``, ``options``
``FOLDER`` stands for the start folder, ``PACKAGE`` for that of Gramex.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import gramex
from gramex.config import ConfigError, load, variables

CASES = Path(__file__).parent / "cases"
KEYS = {"name", "files", "want", "problems", "error", "where", "variables", "env", "options"}


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert case.keys() <= KEYS, f"{path.name}: {case['name']}: {case.keys() - KEYS}"
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def fill(value: Any, folder: Path) -> Any:
    """Put the start folder into what is expected."""
    if isinstance(value, str):
        return value.replace("FOLDER", str(folder)).replace("PACKAGE", str(Path(gramex.__file__).parent))
    if isinstance(value, list):
        return [fill(each, folder) for each in value]
    if isinstance(value, dict):
        return {fill(key, folder): fill(each, folder) for key, each in value.items()}
    return value


@pytest.mark.parametrize("case", list(cases()))
def test_case(case: dict[str, Any], folder: Path, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (case.get("env") or {}).items():
        monkeypatch.setenv(name, value)
    write(case["files"])
    if "error" in case:
        with pytest.raises(ConfigError) as caught:
            load(folder, case.get("options") or {})
        assert fill(case["error"], folder) in str(caught.value)
        return
    loaded = load(folder, case.get("options") or {})
    messages = [str(problem) for problem in loaded.problems if not problem.message.startswith("No service named")]
    expected = fill(case.get("problems") or [], folder)
    assert len(messages) == len(expected), messages
    for part, message in zip(expected, messages, strict=True):
        assert part in message
    for name, section in fill(case.get("want") or {}, folder).items():
        found = loaded.conf.get(name)
        if name == "url" and isinstance(found, dict):
            found = {key: each for key, each in found.items() if key in section or key not in ("default", "favicon")}
        assert found == section
        assert_order(found, section)
    for key, place in (case.get("where") or {}).items():
        assert loaded.where(*key.split(".")) == place
    for name, value in fill(case.get("variables") or {}, folder).items():
        assert variables.get(name) == value


def assert_order(found: Any, expected: Any) -> None:
    """Mappings keep their order; ``want`` is written in the order that is right."""
    if isinstance(expected, Mapping):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_order(found[key], value)
