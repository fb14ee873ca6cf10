"""Loads configurations inside the test's process, and leaves nothing of them behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gramex.config import Loaded, load, variables

# The same examples in every run, however slow the machine is: a failure belongs to the change that made it.
settings.register_profile(
    "stable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stable")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty start folder; modules, import path and variables are put back afterwards."""
    before, modules, table = list(sys.path), set(sys.modules), dict(variables)
    app = tmp_path / "app"
    app.mkdir()
    monkeypatch.setenv("GRAMEXDATA", str(tmp_path / "data"))
    yield app
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    variables.clear()
    variables.update(table)


@pytest.fixture
def write(folder: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Write files below the start folder."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write


@pytest.fixture
def read(folder: Path, write: Callable[[Mapping[str, str | bytes]], Path]) -> Callable[..., Loaded]:
    """Load an app: ``read('url: ...', {'other.yaml': '...'})``."""

    def read(text: str | bytes, files: Mapping[str, str | bytes] | None = None, **options: Any) -> Loaded:
        write({"gramex.yaml": text, **(files or {})})
        return load(folder, options)

    return read
