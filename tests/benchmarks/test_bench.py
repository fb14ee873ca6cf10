"""The benchmark runs, compares with the peer, and notices wrong answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "run.py"), "--seconds=1", "--rounds=1", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_row_has_both_speeds_and_their_ratio() -> None:
    result = run("--only=404")
    assert result.returncode in (0, 1), result.stderr
    row = re.search(r"404 of a missing file +(\d+) +(\d+) +([\d.]+) +1\.0", result.stdout)
    assert row, result.stdout
    peer, ours, ratio = (float(value) for value in row.groups())
    assert ratio == pytest.approx(ours / peer, rel=0.05)
    assert "static" not in result.stdout


OWN = """
import shutil, sys
from pathlib import Path
shutil.which = lambda name: None
import load, run, server
folder = Path(sys.argv[1])
run.prepare(folder)
with server.bare(folder) as peer:
    peer.wait_for("/files/1k.txt")
    for name in ("1k.txt", "none.txt"):
        speed = load.load(f"http://127.0.0.1:{peer.port}/files/{name}", 0.5, 200)
        print(load.tool(), speed.answers > 0, speed.failed == speed.answers, speed.failed == 0)
"""


def test_own_client_counts_failed_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWN, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=FOLDER)
    assert result.stdout.splitlines() == ["own client True False True", "own client True True False"], result.stderr
