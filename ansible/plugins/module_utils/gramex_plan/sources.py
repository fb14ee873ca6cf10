"""Checks the sources of apps: brings them to the controller, where each must hold a gramex.yaml that parses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gramex_source import forms, git, holder

from gramex_plan.apps import App
from gramex_plan.nearest import nearest

ROOT = Path(__file__).resolve().parents[4]
RUNTIME = str(ROOT / "runtime")
CACHE = ROOT / "build" / "sources"


def check_sources(app: App, base: str, cache: Path = CACHE) -> None:
    """Make the app's sources folders of the controller (a relative one starts at `base`) and note what is wrong.

    What is on the host stays a mapping: `host` is its folder there, `what` and `where` name it in messages.
    """
    for number, child in enumerate(app["apps"]):
        if not child or not child["source"]:
            continue
        if isinstance(child["source"], Mapping):
            message = "a folder on the host can be an app of its own, but not one of several in an instance."
            app.wrong(message, "apps", f"[{number}].source")
        else:
            child["source"] = _folder(app, child, base, cache, f"apps[{number}]")
    if isinstance(app["source"], Mapping):
        for key in ("version", "checksum"):
            if app[key]:
                app.wrong("is not for a folder that is on the host.", key)
        told = {"what": f"{app.label}.source", "where": app.line("source")}
        app.values["source"] = {"host": app["source"]["host"], **told}
    elif app["source"]:
        app.values["source"] = _folder(app, app.values, base, cache)
    else:
        for key in ("version", "checksum"):
            if app[key] and app["apps"]:
                app.wrong("belongs to a source: write it beside the one that it is for.", key)


def _folder(app: App, given: Mapping[str, Any], base: str, cache: Path, inside: str = "") -> str:
    """Return the folder of a source, '' where there is none; `inside` names the app of several that has it."""
    label = f"{app.label}.{inside}" if inside else app.label
    if {problem.what for problem in app.checker.problems} & {f"{label}.version", f"{label}.checksum"}:
        return ""  # which source is meant is a guess
    run = holder.token(os.getppid())  # the play: each host has a process of its own
    try:
        folder, kind = forms.fetch(given["source"], given["version"], given["checksum"], base, cache, run)
    except forms.Unfit as error:
        names = getattr(error.__cause__, "names", [])
        near = nearest(str(given["version"]), names) if names else ""
        meant = f" Did you mean `{near}`?" if near else ""
        _wrong(app, f"{error}{meant}", error.key, inside, error.right)
        return ""
    config = folder / "gramex.yaml"
    if not folder.is_dir():
        _wrong(app, f"there is no folder {folder}. A relative source starts at {base}.", "source", inside)
    elif not config.is_file():
        where = f"the folder {folder}" if kind == "folder" else git.public(str(given["source"]))
        _wrong(app, f"{where} has no gramex.yaml, so it is not an app.", "source", inside)
    else:
        _check_config(app, config)
    return str(folder)


def _wrong(app: App, message: str, key: str, inside: str, right: str = "") -> None:
    if inside:
        app.wrong(message, "apps", f"{inside.removeprefix('apps')}.{key}", right)
    else:
        app.wrong(message, key, right=right)


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
