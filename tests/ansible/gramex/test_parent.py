"""Several apps in one instance: the runtime reads the parent, and no name of one app hides another's."""

from __future__ import annotations

from pathlib import Path

import yaml
from gramex_source import parent

import gramex.config

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "shared"
APPS = [
    {"name": "one", "source": str(EXAMPLES / "one"), "path": "/one/"},
    {"name": "two", "source": str(EXAMPLES / "two"), "path": "/deep/er/"},
]


def test_each_app_has_its_folder(folder):
    entries = parent.entries(APPS)
    names = {entry.name for entry in entries}
    assert {"gramex.yaml", "one", "one/gramex.yaml", "two/gramex.yaml", "two/two_clock.py"} <= names
    assert len(names) == len(entries)


def test_the_runtime_reads_it_with_all_urls_at_their_paths(folder, tmp_path):
    top = folder({"gramex.yaml": parent.text(APPS)}, "instance")
    for app in APPS:
        (top / app["name"]).symlink_to(app["source"])
    loaded = gramex.config.load(top)
    patterns = {entry["pattern"] for name, entry in loaded.conf["url"].items() if name.startswith(("one:", "two:"))}
    assert patterns >= {"/one/", "/one/clock", "/deep/er/", "/deep/er/clock"}
    assert not [problem for problem in loaded.problems if "Duplicate" in problem.message]


def test_the_parent_is_plain_yaml():
    assert yaml.safe_load(parent.text(APPS))["import"]["two"] == {
        "path": "two/gramex.yaml",
        "namespace": ["url", "cache", "schedule", "watch"],
        "YAMLURL": "/deep/er/",
    }
