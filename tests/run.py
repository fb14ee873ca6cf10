#!/usr/bin/env python3
"""Prove everything: unit tests, then real hosts in containers. `make test` runs it; `--only PART` runs a part of it.

Makes a container engine and base images where there are none, runs parts side by side where there are cores for it,
prints the end of a part that passed and all of one that failed, the minutes of each, and one closing line. Exits
non-zero when anything failed. Whatever it started is gone afterwards, also when it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from hosts import engine, images

ROOT = Path(__file__).resolve().parent.parent
LABEL = "gramex.test.run"
# What pytest is given for a part: tests that need nothing but this machine, and tests that start containers.
UNIT = {
    "runtime": ("tests/runtime", "tests/benchmarks"),
    "browser": ("tests/browser",),  # installs Chromium, as root on Debian
    "roles": ("tests/ansible", "tests/hosts", "tests/system", "tests/test_molecule_config.py", "tests/test_run.py"),
}
HOSTS = {
    "servers": (
        *("tests/runtime/handlers/auth/ldap", "tests/runtime/redis", "tests/runtime/postgresql"),
        "tests/runtime/pandas",  # no server, but a large package that the other tests must do without
    ),
    "image": ("tests/images",),
    "nginx": ("tests/ansible/nginx/hosts",),
    "wine": ("tests/wine", "tests/ansible/winservice/hosts"),  # Windows programs; makes an image of its own
}
# The longest begin first, so that no lane works alone at the end.
LONGEST = ("rollback", "runtime", "nginx", "bare", "sysvinit", "faults")
LANES = 4  # more do not help: each part has a core's work, and the longest part stays the longest
PYTEST_MINUTES = 40
SCENARIO_MINUTES = 45
TAIL = 24  # lines of a part that passed


@dataclass(frozen=True, slots=True)
class Result:
    """How a part ended: `note` says more where there is more to say."""

    part: str
    failed: bool
    seconds: float
    note: str = ""


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP came: clean up and go."""


class Run:
    """One run of the tests: its parts, and what it has to take away at its end."""

    def __init__(self, keep: bool, lanes: int) -> None:
        # A clone is one user's, but several runs may share an engine: names and labels hold the process.
        self.name = f"-{os.getpid()}"
        self.keep = keep
        self.lanes = lanes
        self.engine: engine.Engine | None = None
        self.prepared = threading.Event()
        self.ready = False
        self.over = False
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.printing = threading.Lock()
        self.results: list[Result] = []

    @property
    def folder(self) -> Path:
        """Where parts write what they print."""
        return ROOT / "build" / "test" / f"output{self.name}"

    def part(self, name: str, work: Callable[[Path], tuple[bool, str]]) -> None:
        """Run a part that writes its output to a file, print that, and remember how it ended."""
        if self.over:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        output = self.folder / f"{name}.txt"
        output.touch()
        with self.printing:
            print(f"== {name} begins", flush=True)
        began = time.monotonic()
        passed, note = False, "interrupted"
        try:
            passed, note = work(output)
        except engine.Missing as missing:
            note = str(missing)
        finally:
            result = Result(name, not passed, time.monotonic() - began, note)
            self.results.append(result)
            if not self.over:
                self.show(result, output)

    def show(self, result: Result, output: Path) -> None:
        """Print the end of a part that passed, and all of one that failed."""
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
        if not result.failed:
            lines = lines[-TAIL:]
        with self.printing:
            print(f"\n== {result.part} {'failed' if result.failed else 'passed'}", *lines, sep="\n", flush=True)
            if result.failed:
                print(f"{result.part} failed: {result.note}", flush=True)

    def on_hosts(self, work: Callable[[Path], tuple[bool, str]]) -> Callable[[Path], tuple[bool, str]]:
        """The same work, once the engine and its images are there."""

        def waiting(output: Path) -> tuple[bool, str]:
            while not self.prepared.wait(1):
                if self.over:
                    return False, "interrupted"
            if not self.ready:
                return False, "no container engine with base images"
            return work(output)

        return waiting

    def pytest(self, *paths: str, hosts: bool = False) -> Callable[[Path], tuple[bool, str]]:
        """Run tests; `hosts` takes those that start containers and are left out else."""
        # Those of nginx go through its life on this kind of host; the scenarios have the other ones.
        environment = {"GRAMEX_TEST_HOSTS": "trixie"} if hosts else {}
        return lambda output: self.command(
            output, sys.executable, "-m", "pytest", "-q", *paths, minutes=PYTEST_MINUTES, **environment
        )

    def molecule(self, scenario: str) -> Callable[[Path], tuple[bool, str]]:
        """Run a scenario from nothing to nothing."""
        destroy = f"--destroy={'never' if self.keep else 'always'}"
        command = ("molecule", "test", "-s", scenario, "--no-command-borders", destroy)
        return lambda output: self.command(output, *command, minutes=SCENARIO_MINUTES)

    def prepare(self, _output: Path) -> tuple[bool, str]:
        """Find or start an engine, make base images that are not there."""
        try:
            self.engine = found = engine.ensure()
            made = images.ensure()
            self.ready = True
        finally:
            self.prepared.set()
        started = ", started here" if found.pid else ""
        return True, f"engine {found.version}{started}; {len(made)} of {len(images.IMAGES)} base images made"

    def command(self, output: Path, *command: str, minutes: float, **more: str) -> tuple[bool, str]:
        """Run a command of the tests in its own process group, at most `minutes`; its output goes to the file."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GRAMEX_TEST_RUN": self.name,
            "LC_ALL": "C.UTF-8",  # ansible refuses to start in a locale that is not UTF-8
            "PYTHONUNBUFFERED": "1",
            "PYTEST_ADDOPTS": "--durations=8 --durations-min=5",  # where the minutes go
            **more,
        }
        with output.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if self.lanes == 1 else stream,
                stderr=None if self.lanes == 1 else subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.add(process)
        if self.over:
            end(process)
        try:
            code = process.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            return False, f"took more than {minutes} minutes"
        finally:
            end(process)
            self.processes.discard(process)
        return code == 0, "" if code == 0 else f"exit code {code}"

    def all(self, wanted: list[str]) -> None:
        """Run the parts that are wanted, so many at a time as there are lanes."""
        names = sorted(wanted, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
        with ThreadPoolExecutor(self.lanes) as pool:
            try:
                parts = []
                if set(names) - set(UNIT):
                    parts.append(pool.submit(self.part, "engine and base images", self.prepare))
                for name in names:
                    if name in UNIT:
                        parts.append(pool.submit(self.part, f"tests of {name}", self.pytest(*UNIT[name])))
                    elif name in HOSTS:
                        work = self.on_hosts(self.pytest(*HOSTS[name], hosts=True))
                        parts.append(pool.submit(self.part, f"tests of {name}", work))
                    else:
                        parts.append(pool.submit(self.part, f"scenario {name}", self.on_hosts(self.molecule(name))))
                while wait(parts, timeout=1).not_done:
                    pass  # signals arrive between two waits
                for part in parts:
                    part.result()
            except BaseException:
                self.over = True
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(self.processes):
                    end(process)
                raise

    def clean(self) -> None:
        """Take away containers, folders and the engine that this run made, and nothing else."""
        if self.keep:
            print(f"kept: containers labelled {LABEL}={self.name}")
            return
        if self.engine:
            listed = subprocess.run(
                ["docker", "ps", "-aq", "--filter", f"label={LABEL}={self.name}"],
                capture_output=True,
                text=True,
                timeout=60,
            )
            if containers := listed.stdout.split():
                subprocess.run(["docker", "rm", "-f", "-v", *containers], capture_output=True, timeout=120)
            self.engine.stop()
        for folder in (ROOT / "build" / "test").glob(f"*{self.name}"):
            shutil.rmtree(folder, ignore_errors=True)

    def summary(self, seconds: float) -> int:
        """Print the table and the closing line; return the exit code."""
        print("\nminutes  part")
        for result in self.results:
            note = f": {result.note}" if result.note else ""
            print(f"{result.seconds / 60:7.1f}  {result.part}, {'failed' if result.failed else 'passed'}{note}")
        failed = sum(result.failed for result in self.results)
        print(f"{len(self.results) - failed} passed, {failed} failed in {seconds / 60:.1f} minutes", flush=True)
        return 1 if failed or self.over or not self.results else 0


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command, with everything that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        if process.poll() is not None:
            continue
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue


def scenarios() -> list[str]:
    """Names of the molecule scenarios, `default` first: the others are variations of it."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    return sorted(names, key=lambda name: name != "default")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test", description=(__doc__ or "").splitlines()[0])
    parts = [*UNIT, *HOSTS, *scenarios()]
    parser.add_argument(
        "--only", action="append", metavar="PART", choices=parts, help=f"one of {', '.join(parts)}; repeatable"
    )
    parser.add_argument("--keep", action="store_true", help="leave containers and a started engine for a look")
    parser.add_argument(
        "--lanes", type=int, metavar="N", help=f"parts at a time (default: one a core, at most {LANES}); 1 prints all"
    )
    options = parser.parse_args()
    wanted = options.only or parts
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lanes = options.lanes or (1 if len(wanted) == 1 else min(cores, LANES))

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    began = time.monotonic()
    run = Run(options.keep, max(1, lanes))
    try:
        run.all(wanted)
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}", flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second one must not leave things behind
        run.clean()
    return run.summary(time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
