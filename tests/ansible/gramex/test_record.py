"""Which release is good, which one is never picked again, and which one a rollback goes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from gramex_deploy import record
from gramex_deploy.record import Record, Release

pytestmark = pytest.mark.usefixtures("owners")


def known(**releases: tuple[str, float]) -> Record:
    return Record({name: Release(f"d-{name}", "e", state, served) for name, (state, served) in releases.items()})


def test_a_rollback_goes_to_the_good_one_that_served_before() -> None:
    assert known(r1=("good", 1), r2=("good", 2), r3=("good", 3)).previous("r3") == "r2"
    assert known(r1=("good", 1), r2=("bad", 2), r3=("good", 3)).previous("r3") == "r1"
    assert known(r1=("good", 1), r2=("withdrawn", 2), r3=("good", 3)).previous("r3") == "r1"
    assert known(r1=("good", 2), r2=("good", 1), r3=("good", 3)).previous("r3") == "r1", "that one served last"
    assert known(r1=("good", 3), r2=("good", 2)).previous("r1") == "r2", "an older one was brought back by its source"
    assert known(r1=("bad", 1), r2=("good", 2)).previous("r2") is None


def test_bad_and_withdrawn_ones_are_not_found_by_their_digest() -> None:
    found = known(r1=("bad", 1), r2=("withdrawn", 2), r3=("new", 0))
    assert [found.find(f"d-{name}") for name in ("r1", "r2", "r3")] == [None, None, "r3"]
    assert found.find("d-r2", "withdrawn") == "r2"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "releases" / "r1").mkdir(parents=True)
    written = known(r1=("withdrawn", 2.5))
    written.settings = {"init": "systemd", "port": None}
    written.write(tmp_path)
    assert Record.read(tmp_path) == written
    assert record.serving(tmp_path) == ""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "green-1").symlink_to("../releases/r1")
    (tmp_path / "active").write_text("green\n")
    assert record.serving(tmp_path) == "r1"
