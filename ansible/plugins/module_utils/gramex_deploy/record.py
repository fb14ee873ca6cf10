"""Remembers, in one file for each app, its releases and what each colour was started with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import files

COLOURS = ("blue", "green")


@dataclass
class Release:
    """One release. `state` is new (never started), good or bad; a bad one is never picked again."""

    digest: str
    environment: str
    state: str = "new"


@dataclass
class Record:
    """What /srv/gramex/APP/record.json holds. `started` maps a colour to what it was last started with."""

    releases: dict[str, Release] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Path) -> Record:
        """Read an app's record, without releases whose folder is gone.

        A missing or broken record is an empty one: the next change writes it anew.
        """
        try:
            known = json.loads((home / "record.json").read_text(encoding="utf-8"))
            releases = {name: Release(**release) for name, release in known["releases"].items()}
            started = dict(known["started"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()
        return cls(
            {name: release for name, release in releases.items() if (home / "releases" / name).is_dir()}, started
        )

    def write(self, home: Path) -> None:
        """Write it atomically."""
        files.replace(home / "record.json", (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode())

    def add(self, name: str, digest: str, environment: str) -> None:
        """Note a release that was just made."""
        self.releases[name] = Release(digest, environment)

    def find(self, digest: str) -> str | None:
        """Return the newest release of a digest that is not bad."""
        fits = [name for name, known in self.releases.items() if known.digest == digest and known.state != "bad"]
        return max(fits, default=None)


def active(home: Path) -> str | None:
    """Return the colour that serves, or None before the first."""
    try:
        colour = (home / "active").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return colour if colour in COLOURS else None


def other(colour: str | None) -> str:
    """Return the colour that a change starts while `colour` serves."""
    return "green" if colour == "blue" else "blue"
