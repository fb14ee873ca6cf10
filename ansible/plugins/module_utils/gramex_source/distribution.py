"""What an environment is made from: this runtime, or the full Gramex in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FULL = "gramex"
SOURCE = "-source"  # at the end of the name of a lock: packages without wheels


@dataclass(frozen=True)
class Locks:
    """Locks on the controller: `wheels`, and `source` for packages that have none. None where there are no such."""

    wheels: Path
    source: Path | None = None

    @classmethod
    def of(cls, app: Mapping[str, Any], runtime: Path, repository: Path) -> Locks:
        """Return those of an app; `runtime` is the lock of this runtime."""
        if app["distribution"] != FULL:
            return cls(runtime)
        return cls(*(repository / "locks" / f"full-gramex{end}.txt" for end in ("", SOURCE)))

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of all of it."""
        content = b"".join(place.read_bytes() for place in self.places.values())
        return hashlib.sha256(content).hexdigest()

    @property
    def places(self) -> dict[str, Path]:
        """The files by the names that they have on their way to a host, which no other locks have."""
        key = hashlib.sha256(self.wheels.read_bytes()).hexdigest()[:16]
        found = {f"lock-{key}.txt": self.wheels}
        return {**found, f"lock-{key}{SOURCE}.txt": self.source} if self.source else found
