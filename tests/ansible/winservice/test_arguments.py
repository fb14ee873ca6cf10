"""Every argument of a Windows module that the role uses stands in the module's own documentation.

Neither --syntax-check nor ansible-lint looks: these modules are PowerShell, which does not run where they do.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TASKS = ROOT / "ansible" / "roles" / "winservice" / "tasks"
ACTIONS = ("gramex_plan", "winservice_apply", "winservice_compare")
COLLECTIONS = ("ansible.windows.", "community.windows.")
OWN = {"winservice_apply", "winservice_compare", "ansible.builtin.include_tasks", "ansible.builtin.set_fact"}
OWN |= {"ansible.builtin.fail"}
KEYWORDS = {"name", "loop", "loop_control", "when", "register", "vars"}


def used() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where, module and arguments of each task, and of each call of a module by an action of ours."""
    for file in sorted(TASKS.glob("*.yml")):
        for task in yaml.safe_load(file.read_text(encoding="utf-8")):
            (module,) = set(task) - KEYWORDS
            yield f"{file.name}: {task['name']}", module, task[module]
    for name in ACTIONS:
        tree = ast.parse((ROOT / "ansible" / "plugins" / "action" / f"{name}.py").read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "_execute_module":
                module = call.args[0] if call.args else None
                if isinstance(module, ast.Constant) and str(module.value).startswith(COLLECTIONS):
                    (given,) = (word.value for word in call.keywords if word.arg == "module_args")
                    assert isinstance(given, ast.Dict), f"{name}: its arguments are not written out"
                    keys = [ast.literal_eval(key) for key in given.keys if key]
                    yield f"{name}.py:{call.lineno}", str(module.value), dict.fromkeys(keys)


USED = list(used())
WINDOWS = [each for each in USED if each[1].startswith(COLLECTIONS)]


@pytest.fixture(scope="module")
def documentation() -> dict[str, dict[str, Any]]:
    """The options of each module, as `ansible-doc -j` tells them."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "-j", *sorted({module for _, module, _ in WINDOWS})]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    return {name: each["doc"].get("options", {}) for name, each in json.loads(done.stdout).items()}


def test_every_module_is_known() -> None:
    assert {module for _, module, _ in USED} - {module for _, module, _ in WINDOWS} <= OWN
    assert len(WINDOWS) > 15


@pytest.mark.parametrize(("where", "module", "given"), WINDOWS, ids=[where for where, _, _ in WINDOWS])
def test_arguments_are_documented(
    where: str, module: str, given: dict[str, Any], documentation: dict[str, dict[str, Any]]
) -> None:
    assert list(problems(given, documentation[module])) == []


def problems(given: dict[str, Any], options: dict[str, Any], below: str = "") -> Iterator[str]:
    """What of the arguments is not as documented."""
    names = {alias: name for name, rule in options.items() for alias in (name, *rule.get("aliases", ()))}
    yield from (f"{below}{key} is no option" for key in given if key not in names)
    for name, rule in options.items():
        value = next((given[key] for key in given if names.get(key) == name), None)
        present = any(names.get(key) == name for key in given)
        if rule.get("required") and not present:
            yield f"{below}{name} is missing"
        if value is None or (isinstance(value, str) and "{{" in value):
            continue
        choices = {str(choice) for choice in rule.get("choices") or ()}
        words = value if isinstance(value, list) else re.split(r", *", str(value))
        if choices and not {str(word) for word in words} <= choices:
            yield f"{below}{name} is none of {sorted(choices)}: {value}"
        if rule.get("suboptions") and isinstance(value, list):
            for item in value:
                yield from problems(item, rule["suboptions"], f"{below}{name}.")


def test_the_check_sees_mistakes() -> None:
    options = {
        "path": {"required": True},
        "state": {"choices": ["present", "absent"]},
        "actions": {"suboptions": {"type": {"required": True, "choices": ["restart"]}}},
    }
    given = {"stat": 1, "state": "there", "actions": [{"kind": "restart"}, {"type": "reboot"}]}
    assert list(problems(given, options)) == [
        "stat is no option",
        "path is missing",
        "state is none of ['absent', 'present']: there",
        "actions.kind is no option",
        "actions.type is missing",
        "actions.type is none of ['restart']: reboot",
    ]
