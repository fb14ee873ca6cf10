#!/usr/bin/env python3
"""Prove everything: unit tests, then real hosts in containers. `make test` runs it; `--only PART` runs a part of it.

Makes a container engine and base images where there are none, prints the minutes of each part and one closing line, and
exits non-zero when anything failed. Whatever it started is gone afterwards, also when it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hosts import engine, images

ROOT = Path(__file__).resolve().parent.parent
LABEL = "gramex.test.run"
# What pytest is given for a part: tests that need nothing but this machine, and tests that start containers.
UNIT = {
    "runtime": ("tests/runtime", "tests/benchmarks"),
    "roles": ("tests/ansible", "tests/hosts", "tests/system", "tests/test_molecule_config.py", "tests/test_run.py"),
}
HOSTS = {
    "servers": ("tests/runtime/handlers/auth/ldap", "tests/runtime/redis"),
    "image": ("tests/images",),
    "nginx": ("tests/ansible/nginx/hosts",),
}
PYTEST_MINUTES = 15
SCENARIO_MINUTES = 20


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

    def __init__(self, keep: bool) -> None:
        # A clone is one user's, but several runs may share an engine: names and labels hold the process.
        self.name = f"-{os.getpid()}"
        self.keep = keep
        self.engine: engine.Engine | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.results: list[Result] = []

    def part(self, name: str, work: Callable[[], tuple[bool, str]]) -> bool:
        """Run a part, remember how it ended; True when it passed."""
        print(f"== {name}", flush=True)
        began = time.monotonic()
        passed, note = False, "interrupted"
        try:
            passed, note = work()
        except engine.Missing as missing:
            note = str(missing)
        finally:
            self.results.append(Result(name, not passed, time.monotonic() - began, note))
        if not passed:
            print(f"{name} failed: {note}", flush=True)
        return passed

    def pytest(self, *paths: str, minutes: float = PYTEST_MINUTES, hosts: bool = False) -> tuple[bool, str]:
        """Run tests; `hosts` takes those that start containers and are left out else."""
        # Those of nginx go through its life on this kind of host; the scenarios have the other ones.
        environment = {"GRAMEX_TEST_HOSTS": "trixie"} if hosts else {}
        return self.command(sys.executable, "-m", "pytest", "-q", *paths, minutes=minutes, **environment)

    def command(self, *command: str, minutes: float, **more: str) -> tuple[bool, str]:
        """Run a command of the tests in its own process group, at most `minutes`; its output goes through."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GRAMEX_TEST_RUN": self.name,
            "LC_ALL": "C.UTF-8",  # ansible refuses to start in a locale that is not UTF-8
            "PYTHONUNBUFFERED": "1",
            **more,
        }
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            code = self.process.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            return False, f"took more than {minutes} minutes"
        finally:
            self.end_process()
        return code == 0, "" if code == 0 else f"exit code {code}"

    def prepare(self) -> tuple[bool, str]:
        self.engine = engine.ensure()
        made = images.ensure()
        started = ", started here" if self.engine.pid else ""
        return True, f"engine {self.engine.version}{started}; {len(made)} of {len(images.IMAGES)} base images made"

    def molecule(self, scenario: str) -> tuple[bool, str]:
        """Run a scenario from nothing to nothing."""
        destroy = f"--destroy={'never' if self.keep else 'always'}"
        return self.command(
            "molecule", "test", "-s", scenario, "--no-command-borders", destroy, minutes=SCENARIO_MINUTES
        )

    def end_process(self) -> None:
        """End the command that runs, with everything that it started."""
        process, self.process = self.process, None
        if process is None:
            return
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

    def clean(self) -> None:
        """Take away containers, folders and the engine that this run made, and nothing else."""
        self.end_process()
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

    def summary(self) -> int:
        """Print the table and the closing line; return the exit code."""
        print("\nminutes  part")
        for result in self.results:
            note = f": {result.note}" if result.note else ""
            print(f"{result.seconds / 60:7.1f}  {result.part}, {'failed' if result.failed else 'passed'}{note}")
        failed = sum(result.failed for result in self.results)
        minutes = sum(result.seconds for result in self.results) / 60
        print(f"{len(self.results) - failed} passed, {failed} failed in {minutes:.1f} minutes", flush=True)
        return 1 if failed or not self.results else 0


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
    options = parser.parse_args()
    wanted = options.only or parts

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    run = Run(options.keep)
    try:
        for name in (name for name in UNIT if name in wanted):
            run.part(f"tests of {name}", lambda name=name: run.pytest(*UNIT[name]))  # type: ignore[misc]
        in_containers = [name for name in wanted if name not in UNIT]
        if in_containers and run.part("engine and base images", run.prepare):
            for name in in_containers:
                if name in HOSTS:
                    run.part(f"tests of {name}", lambda name=name: run.pytest(*HOSTS[name], hosts=True))  # type: ignore[misc]
                else:
                    run.part(f"scenario {name}", lambda name=name: run.molecule(name))  # type: ignore[misc]
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}", flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second one must not leave things behind
        run.clean()
    return run.summary()


if __name__ == "__main__":
    sys.exit(main())
