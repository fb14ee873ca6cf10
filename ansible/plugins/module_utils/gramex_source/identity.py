"""Says when two environments, and two releases, are the same: by digests of all that goes into them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import tree

# A line of requirements.txt that reads another file of the app, so that the text alone does not say what is installed.
REFERS = re.compile(rb"(?m)^\s*(-r|-c|-e|--requirement|--constraint|--editable|\.|file:|[^#\s]+\s*@\s*(file:|\.))")


def requirements(entries: Iterable[tree.Entry], names: Iterable[str] = ("requirements.txt",)) -> list[tree.Entry]:
    """Return the files among `entries` that say what an app needs: `names`, in that order."""
    found = {entry.name: entry for entry in entries if entry.kind == "file"}
    return [found[name] for name in names if name in found]


def environment(entries: list[tree.Entry], needed: list[tree.Entry], **parts: str) -> str:
    """Return the key (16 hex digits) of the environment that `needed` and wheel, lock and interpreter make."""
    texts = [entry.content if entry.place is None else entry.place.read_bytes() for entry in needed]
    whole = tree.digest(entries) if any(REFERS.search(text) for text in texts) else ""
    return digest({"requirements": tree.digest(needed), "whole": whole, **parts})[:16]


def release(files: str, environment: str, private: str, user: str, shared: Iterable[str]) -> str:
    """Return the digest (hex) of a release: files, environment, keyed digest of env and secrets, user, shared paths."""
    parts = {"files": files, "environment": environment, "private": private, "user": user}
    return digest({**parts, "shared": sorted(shared)})


def digest(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a mapping, whatever its order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
