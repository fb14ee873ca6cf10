"""The wheel of the repository: the same bytes for the same sources, built once, anew after a change."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from gramex_source import wheel

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def repository(tmp_path) -> Path:
    """A small repository with what the wheel is made from."""
    place = tmp_path / "clone with space"
    (place / "runtime" / "gramex").mkdir(parents=True)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, place / name)
    (place / "runtime" / "gramex" / "__init__.py").write_text('__version__ = "0.1.0"\n')
    return place


def test_equal_sources_give_equal_bytes_and_one_build(repository):
    first = wheel.build(repository)
    built = first.place.stat().st_mtime_ns
    assert wheel.build(repository) == first
    assert first.place.stat().st_mtime_ns == built
    shutil.rmtree(repository / "build")
    assert wheel.build(repository).digest == first.digest
    assert "gramex/__init__.py" in zipfile.ZipFile(first.place).namelist()


def test_a_change_of_the_sources_gives_another_wheel(repository):
    first = wheel.build(repository)
    (repository / "runtime" / "gramex" / "more.py").write_text("X = 1\n")
    second = wheel.build(repository)
    assert second.digest != first.digest
    assert "gramex/more.py" in zipfile.ZipFile(second.place).namelist()


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(wheel.WheelError, match=r"pyproject\.toml is missing.*gramex_wheel"):
        wheel.build(tmp_path)


def test_a_failed_build_says_why_and_leaves_nothing(repository):
    (repository / "runtime" / "gramex" / "__init__.py").write_text("")
    with pytest.raises(wheel.WheelError, match="cannot be built"):
        wheel.build(repository)
    assert [place.name for place in (repository / "build" / "wheel").iterdir()] == [".lock"]


def test_a_given_wheel_must_be_one(tmp_path):
    with pytest.raises(wheel.WheelError, match="gramex_wheel"):
        wheel.given(tmp_path / "none.whl")
