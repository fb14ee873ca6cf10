"""Pages of data: 100 filtered rows of a database and of a file, beside Gramex or what it does with pandas."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from load import Speed, load
from server import HERE, Server, free_port, gramex

ROOT = HERE.parent
ROWS, LINES, REGIONS = 1_000_000, 100_000, 100
# Name, path, ratio to Gramex 1.94.5 that is wanted. NUMBER is another one for each request, so that no answer is kept.
KINDS = (
    ("database, one page", "/db?region=region+7&_limit=100", 10.0),
    ("CSV file, one page", "/csv?region=region+7&_limit=100", 5.0),
    ("database, each page anew", "/db?region=region+7&_limit=100&other=NUMBER", 5.0),
    ("CSV file, each page anew", "/csv?region=region+7&_limit=100&other=NUMBER", 5.0),
)
CONFIGURATION = """
url:
  db: {pattern: /db, handler: FormHandler, kwargs: {url: 'sqlite:///sales.db', table: sales}}
  csv: {pattern: /csv, handler: FormHandler, kwargs: {url: sales.csv}}
"""


def prepare(folder: Path) -> Path:
    """Make an app with a table of a million rows, and a file of 100,000; returns its folder."""
    app = folder / "pages"
    app.mkdir()
    (app / "gramex.yaml").write_text(CONFIGURATION)
    with contextlib.closing(sqlite3.connect(app / "sales.db")) as connection:
        connection.execute(
            "create table sales (id integer primary key, region text, city text, sales int, growth real)"
        )
        rows = ((n, f"region {n % REGIONS}", f"city {n % 5000}", n * 7 % 1000, n % 97 / 7) for n in range(ROWS))
        connection.executemany("insert into sales values (?, ?, ?, ?, ?)", rows)
        connection.execute("create index by_region on sales (region)")
        connection.commit()
    with (app / "sales.csv").open("w") as file:
        file.write("id,region,city,sales,growth\n")
        file.writelines(f"{n},region {n % REGIONS},city {n % 5000},{n * 7 % 1000},{n % 97 / 7}\n" for n in range(LINES))
    return app


def pandas_folder() -> Path | None:
    """Return a folder that has pandas, None if it cannot be fetched."""
    for found in ROOT.glob("build/pandas-*/pandas"):
        return found.parent
    folder = ROOT / "build" / "pandas-bench"
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable]
    command = [*uv, "--target", str(folder), "--no-deps", "--require-hashes", "-r", str(ROOT / "locks" / "pandas.txt")]
    done = subprocess.run(command, env={**os.environ, "UV_SYSTEM_CERTS": "1"}, check=False)  # noqa: S603
    return folder if done.returncode == 0 else None


def peer(app: Path) -> Server | None:
    """Return the server that uses pandas, not yet started."""
    folder = pandas_folder()
    if folder is None:
        return None
    port = free_port()
    command = [sys.executable, str(HERE / "pandaspeer.py"), str(port), str(app / "sales.db"), str(app / "sales.csv")]
    return Server("pandas", command, app, port, {**os.environ, "PYTHONPATH": str(folder)}, 0)


def measure(server: Server, path: str, seconds: float) -> Speed:
    """Return how fast a server sends a page."""
    before = server.cpu()
    speed = load(f"http://127.0.0.1:{server.port}{path}", seconds, varied=10**9)
    if speed.failed > speed.answers / 10:  # a few of Gramex's do at the beginning
        raise RuntimeError(f"{server.name}: {speed.failed} answers to {path} were not 200")
    return replace(speed, answers=speed.answers - speed.failed, cpu=server.cpu() - before)


def table(folder: Path, rounds: int, seconds: float, only: str, old: str) -> bool:
    """Print the table; False if a ratio to Gramex, or the memory, misses what is wanted."""
    kinds = [kind for kind in KINDS if only in f"pages of data: {kind[0]}"]
    if not kinds:
        return True
    app, good = prepare(folder), True
    with ExitStack() as stack:
        other = gramex(app, python=old) if old else peer(app)
        if other is None:
            print("pages of data: pandas cannot be fetched")
            return True
        name = "Gramex" if old else "pandas"
        servers = [stack.enter_context(other), stack.enter_context(gramex(app))]
        for server in servers:
            server.wait_for("/csv?_limit=1&region=x")
        print(f"\n{'pages of data':28} {name + '/s':>10} {'gramex/s':>10} {'ratio':>6} {'wanted':>7}")
        for kind, path, wanted in kinds:
            speeds: list[list[Speed]] = [[], []]
            for turn in range(rounds + 1):
                for place, server in enumerate(servers):
                    speed = measure(server, path, seconds if turn else 1)
                    if turn:
                        speeds[place].append(speed)
            rates = [statistics.median(speed.worth for speed in each) for each in speeds]
            ratio = statistics.median(ours.worth / theirs.worth for theirs, ours in zip(*speeds, strict=True))
            fits = not old or ratio >= wanted
            good &= fits
            shown = f"{wanted:7.1f}" if old else f"{'-':>7}"
            print(
                f"{kind:28} {rates[0]:10.0f} {rates[1]:10.0f} {ratio:6.1f} {shown} {'' if fits else 'below'}",
                flush=True,
            )
        theirs, ours = (server.memory() for server in servers)
        fits = not old or ours <= theirs / 3
        print(f"{'memory then, MiB':28} {theirs:10.0f} {ours:10.0f} {theirs / ours:6.1f} {'' if fits else 'below 3'}")
    return good and fits
