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

# Files besides requirements.txt by which `gramex setup` prepares an app, the same as in runtime/gramex/setup/steps.py.
SETUP = ("Makefile", "setup.sh", "setup.py", "bower.json", "package-lock.json", "yarn.lock", "package.json")


def requirements(entries: Iterable[tree.Entry], names: Iterable[str] = ("requirements.txt",)) -> list[tree.Entry]:
    """Return the files among `entries` that say what an app needs: `names`, in that order."""
    found = {entry.name: entry for entry in entries if entry.kind == "file"}
    return [found[name] for name in names if name in found]


def contents(entries: list[tree.Entry], inside: Iterable[str] = ()) -> dict[str, Any]:
    """Return what a deploy has to know of a source: digests, requirements, files of `gramex setup`, size in bytes.

    `inside` names the folders of several apps in one. All of it is plain, so that a host can tell it of its own folder.
    """
    places = ["", *(f"{name}/" for name in inside)]
    needed = requirements(entries, [f"{place}requirements.txt" for place in places])
    names = {entry.name for entry in entries if entry.kind == "file"}
    return {
        "files": tree.digest(entries),
        "needs": needs(entries, needed),
        "requirements": [entry.name for entry in needed],
        "setup": [place for place in places if any(f"{place}{name}" in names for name in SETUP)],
        "size": sum(len(e.content) if e.place is None else e.place.stat().st_size for e in entries if e.kind == "file"),
    }


def needs(entries: list[tree.Entry], needed: list[tree.Entry]) -> dict[str, str]:
    """Return digests of what an environment has to have for `needed`; of all where that reads other files."""
    texts = [entry.content if entry.place is None else entry.place.read_bytes() for entry in needed]
    whole = tree.digest(entries) if any(REFERS.search(text) for text in texts) else ""
    return {"requirements": tree.digest(needed), "whole": whole}


def environment(entries: list[tree.Entry], needed: list[tree.Entry], **parts: str) -> str:
    """Return the key (16 hex digits) of the environment that `needed` and wheel, lock and interpreter make."""
    return key(needs(entries, needed), **parts)


def key(needs: Mapping[str, str], **parts: str) -> str:
    """Return the same where `needs` were told already."""
    return digest({**needs, **parts})[:16]


def release(files: str, environment: str, private: str, user: str, shared: Iterable[str]) -> str:
    """Return the digest (hex) of a release: files, environment, keyed digest of env and secrets, user, shared paths."""
    parts = {"files": files, "environment": environment, "private": private, "user": user}
    return digest({**parts, "shared": sorted(shared)})


def digest(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a mapping, whatever its order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
