"""Remembers, in one file for each app, its releases and what each colour was started with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import files

COLOURS = ("blue", "green")
USABLE = ("new", "good")


@dataclass
class Release:
    """One release. `state` is new (never started), good, bad (did not start) or withdrawn (somebody went back from it).

    The last two are never picked again, unless somebody asks for a withdrawn one by its name.
    """

    digest: str
    environment: str
    state: str = "new"
    served: float = 0  # when it was last brought into service, in seconds since 1970
    distribution: str = "gramex-runtime"


@dataclass
class Record:
    """What /srv/gramex/APP/record.json holds.

    `started` maps a colour to what it was last started with; `settings` is what those who start and stop the app
    without its inventory's help have to know of it: init, port, drain, start_timeout, user, keep, health, distribution.
    """

    releases: dict[str, Release] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Path) -> Record:
        """Read an app's record, without releases whose folder is gone.

        A missing or broken record is an empty one: the next change writes it anew.
        """
        try:
            known = json.loads((home / "record.json").read_text(encoding="utf-8"))
            releases = {name: Release(**release) for name, release in known["releases"].items()}
            started, settings = dict(known["started"]), dict(known.get("settings", {}))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()
        return cls(
            {name: release for name, release in releases.items() if (home / "releases" / name).is_dir()},
            started,
            settings,
        )

    def write(self, home: Path) -> None:
        """Write it atomically."""
        files.replace(home / "record.json", (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode())

    def add(self, name: str, digest: str, environment: str, distribution: str) -> None:
        """Note a release that was just made."""
        self.releases[name] = Release(digest, environment, distribution=distribution)

    def find(self, digest: str, *states: str) -> str | None:
        """Return the newest release of a digest that is in one of the states: new or good, if none are given."""
        fits = [name for name, r in self.releases.items() if r.digest == digest and r.state in (states or USABLE)]
        return max(fits, default=None)

    def previous(self, serving: str) -> str | None:
        """Return the good release that served last before the one that serves, of the same distribution."""
        known = self.releases.get(serving)
        good = [
            (r.served, name)
            for name, r in self.releases.items()
            if r.state == "good" and name != serving and (known is None or r.distribution == known.distribution)
        ]
        return max(good, default=(0, None))[1]


def serving(home: Path) -> str:
    """Return the name of the release that the active colour has, '' before the first."""
    link = home / "run" / f"{active(home)}-1"
    return link.readlink().name if link.is_symlink() else ""


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
