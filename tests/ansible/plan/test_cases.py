"""Golden cases: each document of a file in cases/ is an input with the errors or the part of the plan that it gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(Path(__file__).with_name("cases").glob("*.yml"))
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['case']}")
    for file in FILES
    for case in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]


def part_of(wanted: Any, found: Any) -> Any:
    """What of `found` is asked for by `wanted`: the same keys of mappings, whole lists unless items are mappings."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: part_of(value, found.get(key, "(missing)")) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [part_of(one, other) for one, other in zip(wanted, found, strict=True)]
    return found


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], planned: Callable[..., tuple[dict[str, Any], list[str]]]) -> None:
    case = yaml.safe_load(yaml.safe_dump(case, sort_keys=False).replace("{root}", str(ROOT)))
    plan, problems = planned(case["input"], case.get("host"), case.get("facts"))
    assert [problem.splitlines() for problem in problems] == [
        error.strip().splitlines() for error in case.get("errors", [])
    ]
    assert part_of(case.get("plan", {}), plan) == case.get("plan", {})


def test_every_case_file_has_cases() -> None:
    assert len(FILES) >= 5
    assert len(CASES) >= 60
