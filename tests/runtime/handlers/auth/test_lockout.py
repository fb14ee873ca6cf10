"""The key ``delay:``."""

from __future__ import annotations

from typing import Any

import pytest

from gramex.handlers.lockout import parse_delay


@pytest.mark.parametrize(
    ("delay", "seconds"), [(None, (1, 1, 5)), (2, (2,)), (0.5, (0.5,)), ([1, 2.5], (1, 2.5)), (0, (0,))]
)
def test_delay(delay: Any, seconds: tuple[float, ...]):
    assert parse_delay(delay) == seconds


@pytest.mark.parametrize("delay", ["1", [], [1, "x"], -1, True, {"a": 1}, [None]])
def test_mistakes(delay: Any):
    with pytest.raises(ValueError, match=r"delay: must be seconds, or a list such as \[1, 1, 5\]"):
        parse_delay(delay)
