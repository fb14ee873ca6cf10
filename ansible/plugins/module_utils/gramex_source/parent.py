"""Puts several apps into one instance: mounts their folders and writes the parent gramex.yaml that imports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from . import tree

# Names in these sections are private to an app, so equal names in two apps must not meet.
NAMESPACE = ["url", "cache", "schedule", "watch"]
HEAD = "# Written by the gramex role: several apps in one instance, each below its own path.\n"


def entries(apps: Sequence[Mapping[str, str]]) -> list[tree.Entry]:
    """Return the tree of an instance that holds `apps`, each with `name`, `source` and `path`.

    Raises SourceError as tree.read does.
    """
    found = [tree.Entry("gramex.yaml", "file", content=text(apps).encode())]
    for app in apps:
        found += tree.mounted(tree.read(Path(app["source"])), app["name"])
    return found


def text(apps: Sequence[Mapping[str, str]]) -> str:
    """Return the parent gramex.yaml. The path of an app becomes the YAMLURL that its patterns begin with."""
    imports = {
        app["name"]: {"path": f"{app['name']}/gramex.yaml", "namespace": list(NAMESPACE), "YAMLURL": app["path"]}
        for app in apps
    }
    return HEAD + yaml.safe_dump({"import": imports}, sort_keys=False, allow_unicode=True, default_flow_style=None)
