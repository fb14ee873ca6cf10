"""Where the role nginx keeps its things on a host, and what it found there before it came.

The record is written before the first change, so that an interrupted run can still be undone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .command import run

CONF = Path("/etc/nginx")
HOME = Path("/etc/gramex")
TLS = HOME / "tls"  # DOMAIN/cert.pem and DOMAIN/key.pem
RECORD = HOME / "nginx.json"  # the dot keeps it apart from the folders of apps
DEFAULT_LINK = CONF / "sites-enabled" / "default"
DEFAULT_SITE = CONF / "sites-available" / "default"

_NEW = HOME / ".nginx.json.new"


@dataclass
class Record:
    """
    What the host looked like before the role: was nginx installed, enabled, running.

    default_site: where the link led that was taken away; folders: made by the role outside of its own.
    """

    installed: bool
    enabled: bool
    running: bool
    default_site: str = ""
    folders: list[str] = field(default_factory=list)

    def save(self) -> None:
        """Write the record, whole or not at all."""
        HOME.mkdir(mode=0o755, exist_ok=True)
        with _NEW.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream, indent=1)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        _NEW.replace(RECORD)


def load() -> Record | None:
    """Return the record, None where the role has not been."""
    try:
        return Record(**json.loads(RECORD.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def forget() -> None:
    """Remove the record, and /etc/gramex where nothing else is in it."""
    RECORD.unlink(missing_ok=True)
    _NEW.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        HOME.rmdir()


def pristine_default() -> str:
    """Return where the enabled default site leads if it is the one that Debian ships, unchanged; else ''.

    Many people edit that file in place: then it is their site, and the role leaves it alone.
    """
    try:
        target = os.readlink(DEFAULT_LINK)  # noqa: PTH115 -- the text of the link
        if DEFAULT_LINK.resolve() != DEFAULT_SITE.resolve():
            return ""
        found = hashlib.md5(DEFAULT_SITE.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return ""
    _, shipped, _ = run("dpkg-query", "-W", "-f=${Conffiles}", "nginx-common")
    return target if re.search(rf"^ {re.escape(str(DEFAULT_SITE))} {found}\b", shipped, re.MULTILINE) else ""
