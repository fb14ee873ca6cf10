"""Releases on the host: unpacked safely, named by time and digest, pruned so that a bad one never costs a good one."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from gramex_deploy import release, setup
from gramex_deploy.problem import Problem
from gramex_deploy.record import Record, Release
from gramex_source import tree

pytestmark = pytest.mark.usefixtures("owners")


def unpack(entries: list[tuple[tarfile.TarInfo, bytes]], into: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member, content in entries:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed.seek(0)
    into.mkdir()
    with tarfile.open(fileobj=packed) as tar:
        release.extract(tar, into, os.getegid(), 1_700_000_000)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def test_an_app_arrives_as_it_left(folder, tmp_path):
    source = folder({"a b/ü.txt": "x", "run.sh": "*y", "empty/": "", "link": "-> a b/ü.txt"})
    packed = io.BytesIO()
    digest = tree.archive(tree.read(source), packed)
    packed.seek(0)
    (tmp_path / "there").mkdir()
    with tarfile.open(fileobj=packed) as tar:
        release.extract(tar, tmp_path / "there", os.getegid(), 1_700_000_000)
    assert tree.digest(tree.read(tmp_path / "there")) == digest
    assert stat.S_IMODE((tmp_path / "there" / "a b" / "ü.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "there" / "run.sh").stat().st_mode) == 0o750
    assert (tmp_path / "there" / "run.sh").stat().st_mtime == 1_700_000_000


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", ".."])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(Problem, match="leaves its folder"):
        unpack([(member(name), b"x")], tmp_path / "there")
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_through_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = member("a", tarfile.SYMTYPE, str(outside))
    with pytest.raises(FileNotFoundError):
        unpack([(link, b""), (member("a/x"), b"x")], tmp_path / "there")
    assert list(outside.iterdir()) == []


def test_an_id_is_time_and_digest_and_later_than_all_before():
    first = release.name("0123456789abcdef", [])
    assert first.endswith("Z-01234567")
    second = release.name("00000000", [first])
    assert second > first
    assert release.name("00000000", [first, second]) > second


@pytest.fixture
def home(tmp_path) -> Path:
    for name in ("releases", "venvs", "run"):
        (tmp_path / name).mkdir()
    return tmp_path


def add(home: Path, record: Record, name: str, state: str, environment: str = "env") -> None:
    (home / "releases" / name).mkdir()
    (home / "venvs" / environment).mkdir(exist_ok=True)
    record.releases[name] = Release(name, environment, state)


def test_ten_bad_releases_push_out_no_good_one(home):
    record = Record()
    for number in range(3):
        add(home, record, f"1{number}", "good", f"env{number}")
    for number in range(10):
        add(home, record, f"2{number}", "bad", "bad-env")
    gone = release.prune(home, record, keep=2)
    assert sorted(record.releases) == ["11", "12", "29"]
    assert len(gone) == 10
    assert sorted(place.name for place in (home / "releases").iterdir()) == ["11", "12", "29"]
    assert sorted(place.name for place in (home / "venvs").iterdir()) == ["bad-env", "env1", "env2"]
    assert release.prune(home, record, keep=2) == []


def test_what_a_colour_runs_is_kept_however_old(home):
    record = Record()
    for number in range(4):
        add(home, record, f"1{number}", "good", f"env{number}")
    (home / "run" / "blue-1").symlink_to("../releases/10")
    (home / "venvs" / "blue-1").symlink_to("env0")
    release.prune(home, record, keep=1)
    assert sorted(record.releases) == ["10", "13"]
    assert (home / "venvs" / "blue-1").resolve().is_dir()


def test_leftovers_of_an_interrupted_run_go(home):
    record = Record()
    add(home, record, "10", "good")
    (home / "releases" / ".11.new").mkdir()
    (home / "releases" / "11").mkdir()
    (home / "venvs" / ".x.new").mkdir()
    release.prune(home, record, keep=5)
    assert [place.name for place in (home / "releases").iterdir()] == ["10"]
    assert [place.name for place in (home / "venvs").iterdir()] == ["env"]


def test_a_record_forgets_releases_whose_folder_is_gone(home):
    record = Record()
    add(home, record, "10", "good")
    add(home, record, "11", "good")
    record.write(home)
    (home / "releases" / "11").rmdir()
    assert list(Record.read(home).releases) == ["10"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"releases": {"a": 1}, "started": {}}', '{"releases": []}'])
def test_a_broken_record_is_an_empty_one(home, text):
    (home / "record.json").write_text(text)
    assert Record.read(home) == Record()


def test_a_bad_release_is_never_picked_again():
    record = Record({"10": Release("d", "e", "good"), "11": Release("d", "e", "bad")})
    assert record.find("d") == "10"
    record.releases["10"].state = "bad"
    assert record.find("d") is None


def test_a_disk_without_room_is_told_before(tmp_path):
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    release.room(tmp_path, 0, 0)
    with pytest.raises(Problem, match=rf"disk space: \d+ MB are needed at {tmp_path}, \d+ MB are free"):
        release.room(tmp_path, free, 0)
    with pytest.raises(Problem, match="disk space"):
        release.room(tmp_path, 0, free)


def test_what_setup_made_is_given_back_without_its_surprises(folder, tmp_path):
    made = folder({"a/run.sh": "*x", "a/page": "y", "link": "-> /etc/passwd", "empty/": ""}, "release")
    (made / "a" / "page").chmod(0o4777)
    (made / "empty").chmod(0o777)
    os.mkfifo(made / "pipe")
    before = Path("/etc/passwd").stat()
    setup.own(made, os.geteuid(), os.getegid())
    modes = {str(place.relative_to(made)): stat.S_IMODE(place.lstat().st_mode) for place in made.rglob("*")}
    assert modes.pop("link") == 0o777
    assert modes == {"a": 0o750, "a/run.sh": 0o750, "a/page": 0o750, "empty": 0o750}
    assert Path("/etc/passwd").stat() == before
