"""What is read of a log that both colours write to."""

from __future__ import annotations

from pathlib import Path

import pytest
from gramex_deploy import sysv

LINES = ["I blue-1 one", "a line of no colour", "I green-1 two", "I blue-1 three"]


@pytest.mark.parametrize(
    ("colour", "expected"),
    [("", LINES), ("blue", [LINES[0], LINES[1], LINES[3]]), ("green", [LINES[1], LINES[2]])],
)
def test_a_log_is_that_of_the_colour_that_is_named(tmp_path: Path, colour: str, expected: list[str]) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    assert sysv.tail(log, 0, colour).splitlines() == expected
    assert sysv.tail(log, 0, colour, 1).splitlines() == expected[-1:]
