"""``make bench``: speed and size beside bare Tornado, measured in the same run on the same machine.

    python benchmarks/run.py [--seconds 3] [--rounds 3] [--only WORD] [--gramex PYTHON]

`--gramex` names the Python of an environment with Gramex 1.94.5, for one more column.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import figures
import pages
from load import Speed, load, tool
from server import HERE, Server, bare, gramex


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work: where it is, what it must answer, and the ratio to bare Tornado that is wanted."""

    name: str
    path: str
    wanted: float
    status: int = 200
    private: bool = False


ROWS = (
    Row("1 KiB static file", "/files/1k.txt", 1.8),
    Row("1 MiB static file", "/files/1m.bin", 1.1),
    Row("template of 20 list items", "/list", 1.0),
    Row("JSON function, 20 objects", "/rows?factor=3", 1.0),
    Row("page behind a log in", "/private", 1.0, private=True),
    Row("404 of a missing file", "/files/none.txt", 1.0, status=404),
)


def prepare(folder: Path) -> None:
    """Put the app and its files into a folder."""
    shutil.copytree(HERE / "app", folder, dirs_exist_ok=True)
    (folder / "files").mkdir()
    (folder / "files" / "1k.txt").write_bytes(b"0123456789abcdef" * 64)
    (folder / "files" / "1m.bin").write_bytes(os.urandom(1024 * 1024))


def compare(row: Row, servers: list[Server], rounds: int, seconds: float) -> list[list[Speed]]:
    """Load the servers in turns, so that a noisy machine disturbs all of them alike."""
    cookies = [server.log_in() if row.private else "" for server in servers]
    speeds: list[list[Speed]] = [[] for _ in servers]
    for turn in range(rounds + 1):
        for place, server in enumerate(servers):
            duration = seconds if turn else 1  # the first turn warms up
            before = server.cpu()
            speed = load(f"http://127.0.0.1:{server.port}{row.path}", duration, row.status, cookies[place])
            speed = replace(speed, cpu=server.cpu() - before)
            if speed.failed:
                raise RuntimeError(f"{row.name}: {speed.failed} answers of {server.name} were not {row.status}")
            if turn:
                speeds[place].append(speed)
    return speeds


def speed_table(folder: Path, rounds: int, seconds: float, only: str, old: str) -> bool:
    """Print the table of speeds; False if a ratio is below what is wanted."""
    good, rows = True, [row for row in ROWS if only in row.name]
    if not rows:
        return good
    with ExitStack() as stack:
        servers = [stack.enter_context(bare(folder)), stack.enter_context(gramex(folder))]
        if old:
            servers.append(stack.enter_context(gramex(folder, python=old)))
        for server in servers:
            server.wait_for("/files/1k.txt")
        print(
            f"{'work':28} {'tornado/s':>10} {'gramex/s':>10} {'ratio':>6} {'wanted':>7} {'by clock':>9} {'p99':>6}",
            end="",
        )
        print("  Gramex 1.94.5" if old else "", flush=True)
        for row in rows:
            speeds = compare(row, servers, rounds, seconds)
            rates = [statistics.median(speed.worth for speed in each) for each in speeds]
            pairs = list(zip(speeds[0], speeds[1], strict=True))
            ratio = statistics.median(ours.worth / peer.worth for peer, ours in pairs)
            clock = statistics.median(ours.rate / peer.rate for peer, ours in pairs)
            slow = statistics.median(ours.p99 / peer.p99 for peer, ours in pairs)
            fits = ratio >= row.wanted and slow <= 3
            good &= fits
            print(f"{row.name:28} {rates[0]:10.0f} {rates[1]:10.0f} {ratio:6.2f} {row.wanted:7.1f}", end="")
            print(f" {clock:9.2f} {slow:6.2f}", end="")
            print(f" {rates[2] / rates[0]:14.2f}" if old else "", "" if fits else " below", flush=True)
    return good


def main() -> int:
    """Measure; 1 if a figure misses what is wanted."""
    parser = argparse.ArgumentParser(description="Speed and size beside bare Tornado")
    parser.add_argument("--seconds", type=float, default=3, help="length of one run (3)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server and kind of work (3)")
    parser.add_argument("--only", default="", help="rows and figures whose name has this word")
    parser.add_argument("--gramex", default="", metavar="PYTHON", help="Python of an environment with Gramex 1.94.5")
    arguments = parser.parse_args()
    print(f"Load by {tool()} with 16 connections; one core for the server, one for the load\n")
    with tempfile.TemporaryDirectory(prefix="gramex-bench-") as name:
        folder = Path(name)
        prepare(folder)
        good = speed_table(folder, arguments.rounds, arguments.seconds, arguments.only, arguments.gramex)
        good &= figures.table(folder, arguments.only)
        good &= pages.table(folder, arguments.rounds, arguments.seconds, arguments.only, arguments.gramex)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
