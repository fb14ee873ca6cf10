"""`make test` must run every test: a file that no part names would never fail."""

from pathlib import Path

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
