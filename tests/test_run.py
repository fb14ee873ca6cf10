"""`make test` must run every test, say what failed, and leave nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).parent.parent


def test_every_test_file_is_in_a_part() -> None:
    scenarios = [f"tests/system/{name}" for name in run.scenarios()]
    named = [path for paths in (*run.UNIT.values(), *run.HOSTS.values()) for path in paths]
    files = {str(file.relative_to(ROOT)) for file in ROOT.glob("tests/**/test_*.py")}
    missed = {
        file for file in files if not any(file == path or file.startswith(path + "/") for path in [*named, *scenarios])
    }
    assert missed == set()


def parts(tests: run.Run, *codes: str) -> int:
    """Run Python code as parts; the exit code of the run."""
    for number, code in enumerate(codes):
        command = (sys.executable, "-c", code)
        tests.part(f"part {number}", lambda output, command=command: tests.command(output, *command, minutes=1))  # type: ignore[misc]
    tests.clean()
    return tests.summary(0)


def test_a_failed_part_fails_the_run_and_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "print(*range(1000, 1100), sep='\\n')"
    assert parts(run.Run(False, 2), long, f"{long}; raise SystemExit(3)") == 1
    passed, failed = capsys.readouterr().out.split("part 0 passed")[1].split("part 1 failed", 1)
    assert "1099" in passed
    assert "1000" not in passed
    assert "1000" in failed
    assert "1 passed, 1 failed" in failed


def test_parts_that_pass_pass_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert parts(run.Run(False, 2), "", "") == 0
    assert "2 passed, 0 failed" in capsys.readouterr().out


def test_an_interrupted_run_ends_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(
        "import run, sys, time\n"
        "run.UNIT = {name: (f'{sys.argv[-1]}/{name}',) for name in ('one', 'two')}\n"
        "sleep = ('import os, sys, time; open(sys.argv[1], \"w\").write(str(os.getpid())); time.sleep(600)')\n"
        "work = lambda path: lambda output: tests.command(output, sys.executable, '-c', sleep, path, minutes=5)\n"
        "run.Run.pytest = lambda self, path, **kwargs: (globals().update(tests=self), work(path))[1]\n"
        "del sys.argv[-1:]\nraise SystemExit(run.main())\n"
    )
    command = [
        sys.executable,
        str(tmp_path / "interrupted.py"),
        "--only",
        "one",
        "--only",
        "two",
        "--lanes",
        "2",
        str(tmp_path),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    # The parts and their choices are those of the project: `one` and `two` replace them for this process alone.
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        pids = []
        for name in ("one", "two"):
            file = tmp_path / name
            for _ in range(600):
                if file.exists() and file.read_text():
                    break
                time.sleep(0.1)
            pids.append(int(file.read_text()))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted by SIGINT" in output
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
