"""Files on the host: atomic, said in full but for secrets, taken back after a failure, untouched in check mode."""

from __future__ import annotations

import os
import stat

import pytest
from gramex_deploy import files
from gramex_deploy.files import Files

pytestmark = pytest.mark.usefixtures("owners")


def test_a_text_is_written_once(tmp_path):
    place = tmp_path / "env"
    first, second = Files(), Files()
    assert first.text(place, "A=1\n", mode=0o640)
    assert (place.read_text(), stat.S_IMODE(place.stat().st_mode)) == ("A=1\n", 0o640)
    assert not second.text(place, "A=1\n", mode=0o640)
    assert (second.done, second.diffs) == ([], [])
    assert [entry.name for entry in tmp_path.iterdir()] == ["env"]


def test_a_wrong_mode_is_mended(tmp_path):
    place = tmp_path / "env"
    Files().text(place, "A=1\n", mode=0o640)
    place.chmod(0o666)
    changes = Files()
    assert changes.text(place, "A=1\n", mode=0o640)
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    assert "0640" in changes.done[0]


def test_no_diff_shows_a_secret(tmp_path):
    place = tmp_path / "secrets.yaml"
    changes = Files()
    changes.text(place, "PASSWORD: old-secret\n", secret=True)
    changes.text(place, "PASSWORD: new-secret\n", secret=True)
    assert "-secret" not in repr((changes.diffs, changes.done))
    assert len(changes.diffs) == 2


def test_a_diff_shows_a_unit(tmp_path):
    place = tmp_path / "unit"
    Files().text(place, "old\n")
    changes = Files()
    changes.text(place, "new\n")
    assert (changes.diffs[0]["before"], changes.diffs[0]["after"]) == ("old\n", "new\n")


def test_check_mode_says_and_does_nothing(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("x")
    changes = Files(check=True)
    assert changes.text(tmp_path / "a", "x", owner="nobody-there")
    assert changes.folder(tmp_path / "b", "nobody-there", "nobody-there")
    assert changes.absent(kept)
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
    assert len(changes.done) == 3


def test_a_failed_change_is_taken_back(tmp_path):
    old, new, gone = tmp_path / "old", tmp_path / "new", tmp_path / "gone"
    Files().text(old, "before\n", mode=0o600)
    Files().text(gone, "was here\n")
    changes = Files()
    changes.text(old, "after\n")
    changes.text(old, "after that\n")
    changes.text(new, "x\n")
    changes.absent(gone)
    assert changes.made(new)
    assert not changes.made(old)
    assert changes.restore()
    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("before\n", 0o600)
    assert gone.read_text() == "was here\n"
    assert not new.exists()
    assert not changes.restore()


def test_a_write_that_fails_leaves_the_old_text(tmp_path, monkeypatch):
    place = tmp_path / "unit"
    files.replace(place, b"old", os.geteuid(), os.getegid())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(place, b"new", os.geteuid(), os.getegid())
    assert place.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["unit"]


def test_a_link_is_exchanged_at_once(tmp_path):
    link = tmp_path / "blue-1"
    assert files.point(link, "../releases/a")
    assert files.point(link, "../releases/b")
    assert not files.point(link, "../releases/b")
    assert str(link.readlink()) == "../releases/b"


def test_removing_a_link_spares_what_it_points_to(tmp_path):
    target = tmp_path / "data"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    files.remove(tmp_path / "link")
    files.remove(tmp_path / "never was")
    assert target.is_dir()
