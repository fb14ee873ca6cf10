"""What of a folder travels, what its digest notices, and that the archive depends on nothing else."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from gramex_source import tree
from gramex_source.tree import SourceError

CONTENTS = {
    "gramex.yaml": "url: {}\n",
    "run.sh": "*#!/bin/sh\n",
    "empty/": "",
    "sub folder/ünïcode ✓.txt": "x",
    "link": "-> sub folder/ünïcode ✓.txt",
    "dangling": "-> /nowhere/at all",
}


def packed(folder: Path) -> bytes:
    target = io.BytesIO()
    tree.archive(tree.read(folder), target)
    return target.getvalue()


def names(folder: Path) -> set[str]:
    return {entry.name for entry in tree.read(folder)}


def test_everything_of_an_app_survives_the_archive(folder, tmp_path):
    source = folder(CONTENTS)
    with tarfile.open(fileobj=io.BytesIO(packed(source))) as tar:
        found = {member.name: member for member in tar}
        assert tar.extractfile("sub folder/ünïcode ✓.txt").read() == b"x"
    assert found["empty"].isdir()
    assert found["link"].issym()
    assert found["link"].linkname == "sub folder/ünïcode ✓.txt"
    assert found["dangling"].linkname == "/nowhere/at all"
    assert [name for name, member in found.items() if member.isfile() and member.mode & 0o100] == ["run.sh"]
    assert set(found) == {*(name.rstrip("/") for name in CONTENTS), "sub folder"}


@pytest.mark.parametrize(
    "stays",
    [
        ".git/HEAD",
        "sub/.git/HEAD",
        ".git",  # a worktree's or submodule's file
        ".hg/x",
        "__pycache__/a.cpython-311.pyc",
        "lib/old.pyc",
        ".venv/pyvenv.cfg",
        "any name/pyvenv.cfg",
        ".secrets.yaml",
        "sub/.secrets.yaml",
        ".tox/x",
    ],
)
def test_what_is_the_developers_stays(folder, stays):
    before = names(folder({"gramex.yaml": ""}, "plain"))
    source = folder({"gramex.yaml": "", stays: "x"})
    assert names(source) <= before | {"lib", "sub"}
    assert "gramex.yaml" in names(source)


def test_times_owners_and_order_do_not_count(folder):
    one = folder(CONTENTS, "one")
    two = folder(dict(reversed(CONTENTS.items())), "two")
    os.utime(two / "gramex.yaml", (1, 1))
    (two / "gramex.yaml").chmod(0o664)
    assert tree.digest(tree.read(one)) == tree.digest(tree.read(two))
    assert packed(one) == packed(two)


@pytest.mark.parametrize(
    "change",
    [
        {"gramex.yaml": "url: {a: 1}\n"},
        {"run.sh": "#!/bin/sh\n"},
        {"gramex.yaml": "*url: {}\n"},
        {"another/": ""},
        {"new": ""},
        {"sub folder/x": "x"},
    ],
)
def test_every_change_of_content_counts(folder, change):
    before = tree.digest(tree.read(folder(CONTENTS)))
    assert tree.digest(tree.read(folder(change))) != before


def test_a_link_counts_by_where_it_points(folder):
    source = folder(CONTENTS)
    before = tree.digest(tree.read(source))
    (source / "link").unlink()
    (source / "link").symlink_to("gramex.yaml")
    changed = tree.digest(tree.read(source))
    assert changed != before
    (source / "link").unlink()
    (source / "link").write_text("gramex.yaml")
    assert tree.digest(tree.read(source)) not in (before, changed)


def test_moving_a_byte_from_name_to_content_counts(folder):
    one, two = folder({"ab": "c"}, "one"), folder({"a": "bc"}, "two")
    assert tree.digest(tree.read(one)) != tree.digest(tree.read(two))


def test_a_name_that_is_no_utf8_travels(folder, tmp_path):
    source = folder({"gramex.yaml": ""})
    place = os.fsencode(source) + b"/caf\xe9.txt"
    Path(os.fsdecode(place)).write_text("x")
    with tarfile.open(fileobj=io.BytesIO(packed(source))) as tar:
        assert b"caf\xe9.txt" in [os.fsencode(name) for name in tar.getnames()]


def test_the_archive_returns_the_digest_of_what_it_holds(folder):
    entries = tree.read(folder(CONTENTS))
    assert tree.archive(entries, io.BytesIO()) == tree.digest(entries)


def test_pipes_and_sockets_do_not_stop_a_deploy(folder):
    source = folder({"gramex.yaml": ""})
    os.mkfifo(source / "pipe")
    assert names(source) == {"gramex.yaml"}


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        tree.read(tmp_path / "nowhere")


def test_mounting_lists_the_folder_too(folder):
    entries = tree.mounted(tree.read(folder({"a/b": "x"})), "one")
    assert [entry.name for entry in entries] == ["one", "one/a", "one/a/b"]
