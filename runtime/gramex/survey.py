"""`gramex license`, `features` and `complexity`: what may be done with Gramex, and what an app is made of."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

GOOD, BAD, MISTAKE = 0, 1, 2  # exit codes
SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}
BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.With, ast.AsyncWith, ast.Assert,
    ast.comprehension, ast.BoolOp, ast.match_case,
)  # fmt: skip


def license(words: Sequence[str], options: Mapping[str, Any]) -> int:  # the command's name
    """Print the licence. Nothing has to be accepted."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution("gramex-runtime").read_text("licenses/LICENSE")
    except PackageNotFoundError:  # run from its sources
        text = None
    print(text or "MIT License: https://opensource.org/license/mit", end="" if text else "\n")
    return GOOD


def features(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Print which handlers and sections an app uses, how often, and which of them this runtime does not have."""
    from gramex.config import ConfigError, load
    from gramex.config.table import PACKAGE
    from gramex.handlers.registry import ABSENT, SHORT, short
    from gramex.setup import complain

    folder = Path(words[0] if words else ".").absolute()
    if not (folder / "gramex.yaml").exists():
        complain("features", f"there is no gramex.yaml in {folder}")
        return MISTAKE
    try:
        loaded = load(folder)
    except ConfigError as error:
        for problem in error.problems:
            complain("features", str(problem))
        return MISTAKE
    found: Counter[tuple[str, str]] = Counter()
    for section, entries in loaded.conf.items():
        if not isinstance(entries, dict):
            continue
        own = [name for name in entries if not loaded.where(section, str(name)).startswith(str(PACKAGE))]
        if section != "url" and own:
            found[section, ""] += len(own)
        for name in own if section == "url" else ():
            entry = entries[name] if isinstance(entries[name], dict) else {}
            handler = str(entry.get("service") or entry.get("handler") or "")
            found["url", SHORT.get(short(handler), handler)] += 1
    for (section, name), count in sorted(found.items()):
        absent = " (not in this runtime: answers 501)" if name and short(name) in ABSENT else ""
        print(f"{count:5}  {section}{f': {name}' if name else ''}{absent}")
    return GOOD


def complexity(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Print for each Python file of an app lines of code, functions, and ways through it (cyclomatic)."""
    folder = Path(words[0] if words else ".")
    if not folder.is_dir():
        from gramex.setup import complain

        complain("complexity", f"{folder}: there is no such folder")
        return BAD
    total = [0, 0, 0]
    print("lines  functions  complexity  file")
    for path in python_files(folder):
        counts = measure(path)
        if counts is None:
            print(f"    -          -           -  {path.relative_to(folder)}: no Python")
            continue
        total = [mine + its for mine, its in zip(total, counts, strict=True)]
        print(f"{counts[0]:5}  {counts[1]:9}  {counts[2]:10}  {path.relative_to(folder)}")
    print(f"{total[0]:5}  {total[1]:9}  {total[2]:10}  in all")
    return GOOD


def python_files(folder: Path) -> Iterator[Path]:
    """Return the app's own Python files."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from python_files(path)
        elif path.suffix == ".py":
            yield path


def measure(path: Path) -> tuple[int, int, int] | None:
    """Return lines with code, functions, and decisions + functions + 1 of a file; None if it cannot be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    nodes = list(ast.walk(tree))
    lines = {node.lineno for node in nodes if hasattr(node, "lineno")}
    functions = sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) for node in nodes)
    decisions = sum(
        len(node.values) - 1 if isinstance(node, ast.BoolOp) else 1 for node in nodes if isinstance(node, BRANCHES)
    )
    return len(lines), functions, decisions + functions + 1
