"""Files change whole, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from gramex_nginx import swap


def test_make_replace_remove_and_back(tmp_path: Path) -> None:
    old, gone, new = tmp_path / "old.conf", tmp_path / "gone.conf", tmp_path / "sub" / "new.conf"
    old.write_text("1")
    gone.write_text("2")
    gone.chmod(0o600)
    changes = [swap.change(old, b"one"), swap.change(gone, None), swap.change(new, b"three", 0o600)]
    done = [item for item in changes if item]
    swap.apply(done)
    assert (old.read_text(), gone.exists(), new.read_text()) == ("one", False, "three")
    assert new.stat().st_mode & 0o777 == 0o600
    swap.apply([item.reverse() for item in reversed(done)])
    assert (old.read_text(), gone.read_text(), new.exists()) == ("1", "2", False)
    assert gone.stat().st_mode & 0o777 == 0o600


def test_links_come_back(tmp_path: Path) -> None:
    link = tmp_path / "default"
    link.symlink_to("/etc/nginx/sites-available/default")
    change = swap.change(link, None)
    assert change
    swap.apply([change])
    assert not link.is_symlink()
    swap.apply([change.reverse()])
    assert str(link.readlink()) == "/etc/nginx/sites-available/default"


def test_no_change_where_all_is_as_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    path.chmod(0o644)
    assert swap.change(path, b"x") is None
    assert swap.change(tmp_path / "none", None) is None
    path.chmod(0o666)
    assert swap.change(path, b"x") is not None


def test_a_failure_to_write_changes_nothing(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.conf", tmp_path / "file" / "b.conf"
    good.write_text("before")
    (tmp_path / "file").write_text("no folder")
    changes = [swap.Change(good, b"before", b"after"), swap.Change(bad, None, b"x")]
    with pytest.raises(OSError, match="file"):
        swap.apply(changes)
    assert good.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conf", "file"]


def test_empty_folders_of_ours_go(tmp_path: Path) -> None:
    owned = tmp_path / "tls"
    path = owned / "a" / "key.pem"
    swap.apply([swap.Change(path, None, b"k", 0o600)])
    swap.apply([swap.Change(path, b"k", None)], owned=owned)
    assert not owned.exists()
    assert tmp_path.exists()


def test_new_files_are_hidden_from_includes(tmp_path: Path) -> None:
    """sites-enabled is read with `*`: whatever its name, a file that is being written must not match."""
    assert swap.aside(tmp_path / "gramex-http.conf").name.startswith(".")
