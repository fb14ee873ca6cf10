"""What happened between two looks at some paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gramex.services.watch import snapshot
from gramex.services.watch.snapshot import Event, compare, look


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "sub" / "b.csv").write_text("1")
    return tmp_path


def test_nothing_happened(folder: Path) -> None:
    assert compare(look([str(folder)]), look([str(folder)])) == []


def test_changes_in_a_folder(folder: Path) -> None:
    before = look([str(folder)])
    (folder / "a.csv").write_text("22")
    (folder / "sub" / "b.csv").unlink()
    (folder / "sub" / "new").mkdir()
    (folder / "sub" / "new" / "c.csv").write_text("1")
    assert set(compare(before, look([str(folder)]))) == {
        Event("modified", str(folder / "a.csv")),
        Event("deleted", str(folder / "sub" / "b.csv")),
        Event("created", str(folder / "sub" / "new"), True),
        Event("created", str(folder / "sub" / "new" / "c.csv")),
    }


def test_moves(folder: Path) -> None:
    before = look([str(folder)])
    (folder / "a.csv").rename(folder / "z.csv")
    (folder / "sub").rename(folder / "other")
    assert set(compare(before, look([str(folder)]))) == {
        Event("moved", str(folder / "a.csv"), False, str(folder / "z.csv")),
        Event("moved", str(folder / "sub"), True, str(folder / "other")),
        Event("moved", str(folder / "sub" / "b.csv"), False, str(folder / "other" / "b.csv")),
    }


def test_a_replaced_file_is_modified(folder: Path) -> None:
    old = folder / "a.csv"
    before = look([str(old)])
    (folder / "new").write_text("9")
    os.utime(folder / "new", ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    (folder / "new").replace(old)
    assert compare(before, look([str(old)])) == [Event("modified", str(old))]


def test_patterns(folder: Path) -> None:
    assert set(look([str(folder / "*.csv")])) == {str(folder / "a.csv")}
    assert set(look([str(folder / "**" / "*.csv")])) == {str(folder / "a.csv"), str(folder / "sub" / "b.csv")}


def test_a_file_that_is_not_there_yet(folder: Path) -> None:
    path = str(folder / "later")
    before = look([path])
    assert before == {}
    (folder / "later").write_text("")
    assert compare(before, look([path])) == [Event("created", path)]


def test_links_do_not_lead_in_circles(folder: Path) -> None:
    (folder / "sub" / "up").symlink_to(folder)
    assert len(look([str(folder)])) == 4


def test_the_number_of_files_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LIMIT", 2)
    assert len(look([str(folder)])) == 2


def test_a_missing_folder_and_a_path_that_cannot_be() -> None:
    assert look(["/nowhere/at/all", "/nowhere/*", "x" * 5000]) == {}
