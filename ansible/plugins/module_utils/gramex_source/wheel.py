"""Builds the runtime's wheel from this repository, once for each state of its sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import tree

# What the wheel is made from, besides the version of its backend.
PARTS = ("pyproject.toml", "LICENSE", "runtime/gramex")
KEPT = 3
BUILD = "import sys; from hatchling.builders.wheel import WheelBuilder as B; list(B('.').build(directory=sys.argv[1]))"


class WheelError(Exception):
    """The wheel cannot be built; the text is for the user."""


@dataclass(frozen=True)
class Wheel:
    """A wheel on the controller. `digest` is the SHA-256 of its bytes, hex."""

    place: Path
    digest: str


def given(place: Path) -> Wheel:
    """Return a wheel that the operator names. Raises WheelError where there is none."""
    if not place.is_file() or place.suffix != ".whl":
        raise WheelError(f"gramex_wheel: {place} is not a wheel. Name a .whl file, or leave gramex_wheel empty")
    return Wheel(place, hashlib.sha256(place.read_bytes()).hexdigest())


def build(repository: Path) -> Wheel:
    """Return the wheel of the repository's present state; kept under build/wheel/DIGEST, so equal sources build once.

    Hatchling writes no time and no order of its own into a wheel, so equal sources give equal bytes.
    Raises WheelError where a part is missing or the build fails.
    """
    folder = repository / "build" / "wheel" / _sources(repository)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # plays for several hosts get here at the same time
        if not folder.exists():
            _build(repository, folder)
    return given(next(folder.glob("*.whl")))


def _sources(repository: Path) -> str:
    entries: list[tree.Entry] = []
    for part in PARTS:
        place = repository / part
        if place.is_dir():
            entries += tree.mounted(tree.read(place), part)
        elif place.is_file():
            entries.append(tree.Entry(part, "file", place=place))
        else:
            raise WheelError(
                f"{place} is missing: the roles must lie in a clone of the repository, or set gramex_wheel"
            )
    return tree.digest(entries)[:16]


def _build(repository: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".build-") as aside:
        done = subprocess.run(
            [sys.executable, "-c", BUILD, aside],
            cwd=repository,
            capture_output=True,
            text=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1580601600"},
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip() or "no output").splitlines()[-1]
            hint = "; install hatchling beside ansible, or set gramex_wheel" if "hatchling" in last else ""
            raise WheelError(f"the runtime's wheel cannot be built in {repository}: {last}{hint}")
        Path(aside).chmod(0o755)
        Path(aside).rename(folder)
        Path(aside).mkdir()  # the context manager removes what it made
    _forget(folder)


def _forget(newest: Path) -> None:
    """Keep the last few wheels: other checkouts and branches share the folder."""
    others = [place for place in newest.parent.iterdir() if place.is_dir() and not place.name.startswith(".")]
    for place in sorted(others, key=lambda place: place.stat().st_mtime, reverse=True)[KEPT:]:
        for wheel in place.iterdir():
            wheel.unlink()
        place.rmdir()
