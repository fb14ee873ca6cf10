"""Runs ``gramex COMMAND`` with tools that only write down how they were called."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
TOOL = """#!/bin/sh
echo "${0##*/} $* in ${PWD##*/}" >> "$CALLS"
test ! -e "fail-${0##*/}"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Callable[..., None]:
    """Put tools of these names on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(*names: str) -> None:
        for name in names:
            (folder / name).write_text(TOOL)
            (folder / name).chmod(0o755)

    return make


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """The calls of tools so far."""

    def read() -> list[str]:
        path = tmp_path / "calls"
        return path.read_text().splitlines() if path.exists() else []

    return read


@pytest.fixture
def run(tmp_path: Path, tools: Any) -> Iterator[Run]:
    """Run ``gramex ARGUMENTS`` to its end, with only our tools on the PATH."""

    def run(*arguments: str, folder: Path = tmp_path, **env: str) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error",
            "GRAMEXDATA": str(tmp_path / "data"), "CALLS": str(tmp_path / "calls"), **env,
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "gramex", *arguments],
            cwd=folder, env=environ, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    yield run
    assert not [path.name for path in (tmp_path / "data/apps").glob(".new-*")]


def write(folder: Path, *names: str, **contents: str) -> Path:
    """Make a folder with empty files, and files with contents (``setup_py`` is setup.py)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    for name, text in contents.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with files: ``source('app', 'Makefile', setup_py='...')``."""
    return lambda name, *names, **contents: write(tmp_path / name, *names, **contents)
