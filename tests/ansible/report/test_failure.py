"""Why a task failed, in lines."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_report.failure import HIDDEN, explain


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"msg": "one\ntwo\n"}, ["one", "two"]),
        (
            {"msg": "non-zero return code", "rc": 2, "stderr": "no such file", "stdout": ""},
            ["non-zero return code", "no such file", "Exit code 2."],
        ),
        ({"msg": "said it", "stderr": "said it"}, ["said it"]),
        ({"msg": "It failed", "module_stderr": "Killed", "rc": 137}, ["It failed", "Killed", "Exit code 137."]),
        ({"censored": "the output has been hidden", "changed": False}, [HIDDEN]),
        ({"size": 3, "invocation": {"module_args": {}}, "changed": False}, ["size: 3"]),
        ({"changed": False}, ["It gave no reason."]),
        ({"results": [{"item": "a", "failed": False}, {"item": "b", "failed": True, "msg": "no"}]}, ["b:", "  no"]),
    ],
)
def test_reason(result: dict[str, Any], lines: list[str]) -> None:
    assert explain(result) == lines


def test_a_long_output_is_shown_by_its_end() -> None:
    lines = explain({"msg": "failed", "stdout": "\n".join(f"line {number}" for number in range(1000))})
    assert lines == ["failed", *(f"line {number}" for number in range(980, 1000))]
