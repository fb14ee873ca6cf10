"""One digest for all that nginx loads of ours: files and certificates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .staging import Staging

PLACEHOLDER = "@GRAMEX_DIGEST@"  # in rendered files: only the host knows the certificates that it covers


def fill(
    files: Mapping[str, str], certificates: Iterable[Mapping[str, Any]], staging: Staging
) -> tuple[str, dict[str, str]]:
    """Return the digest, and the files with the digest in them."""
    total = hashlib.sha256()
    for name, text in sorted(files.items()):
        total.update(f"{name}\0{text}\0".encode())
    for item in certificates:
        # The chain counts as well; the key does not, for no other key fits the certificate.
        content = staging.at(Path(item["file"])).read_bytes()
        total.update(f"{item['domain']}\0{hashlib.sha256(content).hexdigest()}\0".encode())
    digest = total.hexdigest()
    return digest, {name: text.replace(PLACEHOLDER, digest) for name, text in files.items()}
