"""Files that processes append to together: rotation, and what goes wrong with disks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gramex.services.lock import FileLock
from gramex.services.log.append import AppendFile, next_monday

WEEK = 7 * 86400
WRITERS = """
import sys, time
from pathlib import Path
from gramex.services.log.append import AppendFile
name, count, offset = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
file = AppendFile(Path(sys.argv[4]))
real = time.time
file.write(f"{name} before\\n")
print("ready", flush=True)
sys.stdin.read()
time.time = lambda: real() + offset
for number in range(count):
    file.write(f"{name} {number}\\n")
file.close()
"""


def moment(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-11-22 10:00:00", "2026-11-23 00:00:00"),
        ("2026-11-23 00:00:00", "2026-11-30 00:00:00"),
        ("2026-12-30 23:59:59", "2027-01-04 00:00:00"),
    ],
)
def test_a_week_ends_on_monday_at_midnight(now: str, monday: str) -> None:
    assert next_monday(moment(now)) == moment(monday)


def set_clock(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    now = moment(text)
    monkeypatch.setattr(time, "time", lambda: now)


def test_file_of_a_past_week_gets_the_name_of_its_monday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "requests.csv"
    file = AppendFile(path)
    set_clock(monkeypatch, "2026-11-18 12:00:00")
    file.write("old\n")
    os.utime(path, (0, moment("2026-11-18 12:00:00")))
    set_clock(monkeypatch, "2026-11-22 23:59:59")
    file.write("still\n")
    set_clock(monkeypatch, "2026-11-23 00:00:00")
    file.write("new\n")
    file.close()
    assert (tmp_path / "requests.csv.2026-11-16").read_text() == "old\nstill\n"
    assert path.read_text() == "new\n"


def test_file_of_a_past_week_is_found_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("old\n")
    os.utime(path, (0, moment("2026-11-15 12:00:00")))
    set_clock(monkeypatch, "2026-11-22 12:00:00")
    file = AppendFile(path)
    file.write("new\n")
    file.close()
    assert (tmp_path / "requests.csv.2026-11-09").read_text() == "old\n"
    assert path.read_text() == "new\n"


def test_rotation_overwrites_nothing_and_keeps_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "requests.csv"
    for week in range(1, 5):
        (tmp_path / f"requests.csv.2026-10-0{week}").write_text("older")
    (tmp_path / "requests.csv.2026-11-09").write_text("taken")
    (tmp_path / "requests.csv.bak").write_text("not ours")
    path.write_text("old\n")
    os.utime(path, (0, moment("2026-11-15 12:00:00")))
    set_clock(monkeypatch, "2026-11-22 12:00:00")
    file = AppendFile(path, kept=3)
    file.write("new\n")
    file.close()
    names = sorted(each.name for each in tmp_path.iterdir() if not each.name.startswith("."))
    assert names == [
        "requests.csv", "requests.csv.2026-10-04", "requests.csv.2026-11-09", "requests.csv.2026-11-09.1",
        "requests.csv.bak",
    ]  # fmt: skip
    assert (tmp_path / "requests.csv.2026-11-09").read_text() == "taken"


def test_processes_rotate_once_and_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    count, names = 300, "abcdef"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITERS, name, str(count), str(WEEK), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.close()
        writer.stdin = None
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    files = [each for each in tmp_path.iterdir() if each.name.startswith("requests.csv")]
    assert len(files) == 2
    lines = [line for each in files for line in each.read_text().splitlines()]
    expected = [f"{name} {number}" for name in names for number in ["before", *range(count)]]
    assert sorted(lines) == sorted(expected)


def test_bytes_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    file = AppendFile(tmp_path / "log")
    file.write("\udcff\u20ac\n")
    file.close()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "\\udcff\u20ac\n"


def test_a_file_that_cannot_be_written_is_complained_about_once(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").write_text("no folder")
    file = AppendFile(tmp_path / "logs" / "requests.csv")
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for seconds in (0.0, 1.0, 61.0, 122.0):
        clock[0] = seconds
        file.write("row\n")
    assert capsys.readouterr().err.count("cannot be written") == 1
    (tmp_path / "logs").unlink()
    clock[0] = 200.0
    file.write("row\n")
    file.close()
    assert (tmp_path / "logs" / "requests.csv").read_text() == "row\n"


def test_disk_full(capsys: Any) -> None:
    file = AppendFile(Path("/dev/full"))
    file.write("row\n")
    file.close()
    assert "/dev/full: cannot be written: No space left on device" in capsys.readouterr().err


def test_lock_is_held_by_one_and_let_go_when_its_holder_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom gramex.services.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]))\nassert lock.acquire(wait=False)\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert FileLock(path).acquire(wait=False) is False
        holder.kill()
        holder.wait(20)
    lock = FileLock(path)
    assert lock.acquire()
    assert FileLock(path).acquire(wait=False) is False
    lock.release()
    with FileLock(path):
        assert FileLock(path).acquire(wait=False) is False
