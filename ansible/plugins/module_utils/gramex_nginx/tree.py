"""Compare the staged certificates with those that are there."""

from __future__ import annotations

from pathlib import Path

from .record import TLS
from .swap import Change, change


def certificate_changes(staged: Path) -> list[Change]:
    """What has to change in /etc/gramex/tls so that it is as `staged`."""
    paths = {path.relative_to(staged): path for path in staged.rglob("*") if path.is_file()}
    made = [change(TLS / name, path.read_bytes(), path.stat().st_mode & 0o777) for name, path in sorted(paths.items())]
    stray = [path for path in sorted(TLS.rglob("*")) if path.is_file() and path.relative_to(TLS) not in paths]
    made += [change(path, None) for path in stray]
    return [item for item in made if item]
