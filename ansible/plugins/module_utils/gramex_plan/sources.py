"""Checks the folders of apps on the controller: there, with a gramex.yaml that parses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from gramex_plan.apps import App

# The page writes `import: */gramex.yaml` without quotes, which YAML takes for an alias; the runtime quotes it first.
BARE_GLOB = re.compile(
    r"^(\s*(?:-\s+)?(?:import|path)\s*:\s+|\s*-\s+)(\*[^\s#]*[/.][^\s#]*)(?=\s*(?:#|$))", re.MULTILINE
)


def check_sources(app: App, base: str) -> None:
    """Make the app's sources absolute (a relative one starts at `base`) and note what is wrong with them."""
    for number, child in enumerate(app["apps"]):
        if child and child["source"]:
            child["source"] = _check_folder(app, child["source"], base, "apps", f"[{number}].source")
    if app["source"]:
        app.values["source"] = _check_folder(app, app["source"], base, "source")


def _check_folder(app: App, source: str, base: str, key: str, part: str = "") -> str:
    folder = Path(os.path.normpath(Path(base) / Path(source).expanduser()))
    config = folder / "gramex.yaml"
    if folder.is_file():
        app.wrong(f"{folder} is a file: archives are planned but not built yet. Give a folder.", key, part)
    elif not folder.is_dir():
        app.wrong(f"there is no folder {folder}. A relative source starts at {base}.", key, part)
    elif not config.is_file():
        app.wrong(f"the folder {folder} has no gramex.yaml, so it is not an app.", key, part)
    else:
        for line, name, message in faults(config):
            app.checker.add(message, name or app.label, f"{config}:{line or 1}")
    return str(folder)


def faults(config: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line, key, message) for what keeps a gramex.yaml from being read; line 0 and key '' where unknown."""
    try:
        text = config.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield 0, "", "is not UTF-8 text."
        return
    except OSError as error:
        yield 0, "", f"cannot be read: {error.strerror}."
        return
    try:
        root = yaml.compose(BARE_GLOB.sub(r'\1"\2"', text), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        yield line, enclosing_key(text, line), f"is not valid YAML: {error.problem or error.context}."
        return
    except yaml.YAMLError as error:
        yield 0, "", f"is not valid YAML: {error}."
        return
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        yield root.start_mark.line + 1, "", "must be a mapping of sections such as `url:`."
        return
    yield from _duplicates(root, ())


def _duplicates(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[int, str, str]]:
    """Yield keys that a mapping has twice: the runtime would read neither."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            line = key.start_mark.line + 1
            if name in seen and name not in ("", "<<"):
                yield line, ".".join((*path, name)), f"is there twice, first on line {seen[name]}."
            seen.setdefault(name, line)
            yield from _duplicates(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, path)


def enclosing_key(text: str, line: int) -> str:
    """The dotted key that a line of YAML text belongs to, judged by indentation, since the text does not parse."""
    path: list[tuple[int, str]] = []
    for row in text.splitlines()[:line]:
        found = re.match(r"( *)(?:- )?[\"']?([^\s\"'#:][^\"'#:]*)[\"']?\s*:(?:\s|$)", row)
        if found:
            indent = len(found[1])
            path = [each for each in path if each[0] < indent] + [(indent, found[2])]
    return ".".join(name for _indent, name in path)
