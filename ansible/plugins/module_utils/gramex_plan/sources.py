"""Checks the folders of apps on the controller: there, with a gramex.yaml that parses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gramex_plan.apps import App

RUNTIME = str(Path(__file__).resolve().parents[4] / "runtime")
LATER = "is planned but not built yet. Give a folder."


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
        app.wrong(f"{folder} is a file: an archive as a source {LATER}", key, part)
    elif not folder.is_dir():
        app.wrong(f"there is no folder {folder}. A relative source starts at {base}.", key, part)
    elif not config.is_file():
        app.wrong(f"the folder {folder} has no gramex.yaml, so it is not an app.", key, part)
    else:
        _check_config(app, config)
    return str(folder)


def _check_config(app: App, config: Path) -> None:
    """Read a gramex.yaml as the runtime will, and note what keeps it from being read."""
    if RUNTIME not in sys.path:
        sys.path.append(RUNTIME)
    from gramex.config import ConfigError  # the runtime of this repository, of which this part needs PyYAML alone
    from gramex.config.tree import Budget
    from gramex.config.yamlfile import read_yaml

    try:
        content = read_yaml(config, Budget(), [])
    except ConfigError as error:
        for problem in error.problems:
            at = f"{config}:{problem.line}" if problem.line else str(config)
            app.checker.add(problem.message, problem.key or app.label, at)
    else:
        if content is not None and not isinstance(content, Mapping):
            app.checker.add("must be a mapping of sections such as `url:`.", app.label, str(config))
