"""Remembers, in one file of a host, which releases its apps have, which of them serve, and what they were made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MARK = "environment.txt"  # the last file of an environment: where it is, all of them are


@dataclass
class Release:
    """One release. `state` is new (never started), good or bad; a bad one is never picked again."""

    digest: str
    environment: str
    state: str = "new"


@dataclass
class App:
    """What is there of one app. `active` is the release that serves, `tasks` are names of scheduled tasks."""

    releases: dict[str, Release] = field(default_factory=dict)
    active: str = ""
    data: str = ""
    tasks: list[str] = field(default_factory=list)

    def find(self, digest: str) -> str:
        """Return the newest release of a digest that is not bad, '' where there is none."""
        return max(
            (name for name, known in self.releases.items() if known.digest == digest and known.state != "bad"),
            default="",
        )


@dataclass
class Record:
    """What record.json in winservice_root holds. `key` is the host's own, for digests of what must not be guessed."""

    key: str = ""
    apps: dict[str, App] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Record:
        """Read a record's text. A missing or broken record is an empty one: the next change writes it anew."""
        try:
            told: dict[str, Any] = json.loads(text)
            apps = {
                name: App(**{**app, "releases": {each: Release(**known) for each, known in app["releases"].items()}})
                for name, app in told["apps"].items()
            }
            return cls(str(told["key"]), apps)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    @classmethod
    def read(cls, root: Path) -> Record:
        """Read the record, without releases whose folder or environment is gone: the next run sends them anew."""
        try:
            found = cls.parse((root / "record.json").read_text(encoding="utf-8"))
        except OSError:
            return cls()
        for name, app in found.apps.items():
            folder = root / name / "releases"
            app.releases = {
                each: known
                for each, known in app.releases.items()
                if (folder / each).is_dir() and (root / "environments" / known.environment / MARK).is_file()
            }
        return found

    def write(self, root: Path) -> None:
        """Write it atomically."""
        aside = root / "record.new"
        aside.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        aside.replace(root / "record.json")
