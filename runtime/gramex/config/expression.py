"""Evaluates the Python expressions of a configuration: conditions in keys, and computed variables."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import types
from collections.abc import Mapping
from typing import Any

_BARE_NAME = re.compile(r"[^\W\d]\w*(\s*\.\s*[^\W\d]\w*)*")
# What a condition may use beside the variables.
CONDITION_MODULES = ("os", "sys", "re", "datetime", "socket", "six")


def condition(text: str, variables: Mapping[str, Any]) -> bool:
    """Return whether a condition holds.

    Raises:
        Exception: whatever the expression raises; NameError where it uses a name that is neither variable nor module.
    """
    tree = ast.parse(text.strip(), mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    scope: dict[str, Any] = {name: variables[name] for name in names if name in variables}
    scope.update((name, _module(name)) for name in names.intersection(CONDITION_MODULES))
    return bool(eval(compile(tree, "<condition>", "eval"), scope))  # noqa: S307  the app's own code


def compute(spec: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
    """Return the value of ``{function: EXPR, args: [...], kwargs: {...}}``.

    Modules that the expression names are imported. A bare name of something that can be called is called: with `args`
    and `kwargs` if they are given, else with the values of `scope`.

    Raises:
        Exception: whatever the expression raises.
    """
    text = str(spec["function"]).strip()
    tree = ast.parse(text, mode="eval")
    names: dict[str, Any] = dict(scope)
    names.update(_imports(tree, names))
    value = eval(compile(tree, "<variable>", "eval"), names)  # noqa: S307  the app's own code
    if "args" in spec or "kwargs" in spec:
        args = spec.get("args", [])
        return value(*(args if isinstance(args, list) else [args]), **(spec.get("kwargs") or {}))
    if _BARE_NAME.fullmatch(text) and callable(value):
        return value(*scope.values()) if _takes(value, len(scope)) else value()
    return value


def _takes(function: Any, count: int) -> bool:
    """Return whether `function` can be called with `count` positional arguments."""
    import inspect

    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):  # ValueError: some built-in functions do not tell
        return False
    return True


def _imports(tree: ast.AST, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the modules that an expression names, each imported as deep as its dotted name goes."""
    found: dict[str, Any] = {}
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if node in inner or not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        dotted = _dotted(node)
        if dotted and dotted[0] not in known and dotted[0] not in bound and not hasattr(builtins, dotted[0]):
            root = _module(dotted[0])
            found[dotted[0]] = value = root
            for depth, name in enumerate(dotted[1:], 2):
                if not hasattr(value, name) and isinstance(value, types.ModuleType) and hasattr(value, "__path__"):
                    importlib.import_module(".".join(dotted[:depth]))
                value = getattr(value, name, None)
    return found


def _dotted(node: ast.expr) -> list[str]:
    """Return the names of ``a.b.c``; an empty list for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def _module(name: str) -> Any:
    """Import a module. Old apps ask `six` which Python this is; where it is not installed, that much is answered.

    Raises:
        NameError: there is no such module.
        ImportError: it exists, and fails.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        if name == "six":
            return types.SimpleNamespace(PY2=False, PY3=True, PY34=True, string_types=(str,), text_type=str)
        raise NameError(f"name {name!r} is not defined, and there is no module of that name") from None
