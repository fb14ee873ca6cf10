"""Remembers what the role did to a host's firewall, so that just that can be undone."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

HOME = Path("/etc/gramex")
RECORD = HOME / "firewall.json"


@dataclass
class Record:
    """`backend` that has our rules, whether we `enabled` it, and which are `added` where it has no comments."""

    backend: str = ""
    enabled: bool = False
    added: list[list[str]] = field(default_factory=list)

    @classmethod
    def read(cls) -> Record:
        """Return the record; an empty one where the role has not been."""
        try:
            return cls(**json.loads(RECORD.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self) -> None:
        """Write the record, whole or not at all; an empty one leaves no file."""
        if self == Record():
            RECORD.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                HOME.rmdir()
            return
        HOME.mkdir(mode=0o755, exist_ok=True)
        aside = RECORD.with_name(".firewall.json.new")
        with aside.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream, indent=1)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(RECORD)
