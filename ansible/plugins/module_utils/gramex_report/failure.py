"""Says in plain lines why a task failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

TAIL = 20  # lines of a program's output that are shown
HIDDEN = "Its output is hidden, because it may hold secrets."
NOISE = {"invocation", "changed", "failed", "exception", "warnings", "deprecations", "ansible_facts", "diff"}


def explain(result: Mapping[str, Any]) -> list[str]:
    """Return the lines to show for a failed result: its message, the end of what its program wrote, never all of it."""
    if "censored" in result:
        return [HIDDEN]
    if isinstance(result.get("results"), list):
        return _items(result["results"])
    lines = str(result.get("msg") or "").strip().splitlines()
    said = "\n".join(lines)
    for names in (("stderr", "module_stderr"), ("stdout", "module_stdout")):
        for name in names:
            output = str(result.get(name) or "").strip()
            if output and output not in said:
                lines += output.splitlines()[-TAIL:]
                said = "\n".join(lines)
    if isinstance(result.get("rc"), int) and result["rc"] != 0:
        lines.append(f"Exit code {result['rc']}.")
    if lines:
        return lines
    rest = {name: value for name, value in result.items() if name not in NOISE and not name.startswith("_")}
    return yaml.safe_dump(rest, allow_unicode=True).strip().splitlines() if rest else ["It gave no reason."]


def _items(results: list[Any]) -> list[str]:
    """The failed items of a loop, each under its name."""
    lines = []
    for item in results:
        if isinstance(item, Mapping) and (item.get("failed") or item.get("unreachable")):
            name = item.get("_ansible_item_label", item.get("item", ""))
            lines += [f"{name}:", *(f"  {line}" for line in explain(item))]
    return lines or ["It gave no reason."]
