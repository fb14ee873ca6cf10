"""Reads and checks a bundle: a tar archive of plain files, each named with its SHA-256 in its first member, SHA256SUMS.

============== ====================================================================
member         holds
============== ====================================================================
SHA256SUMS     a line for each other member, as sha256sum(1) writes it
manifest.json  format, suite and architecture of the hosts, Python version, packages
wheels/*.whl   the runtime's packages, and those of apps
debs/*.deb     packages of the operating system, and debs/Packages, their index
python/*.zip   in a bundle for Windows hosts: their interpreter
============== ====================================================================
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUMS, MANIFEST, FORMAT = "SHA256SUMS", "manifest.json", 1
MEMBER = re.compile(
    r"manifest\.json|wheels/[A-Za-z0-9][\w.+!~-]*\.whl|debs/(?:Packages|[A-Za-z0-9][\w.+:%~-]*\.deb)|python/[\w.-]+\.zip"
)
LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
SUMS_BYTES = 4_000_000
CHUNK = 1 << 20


class BundleError(Exception):
    """A bundle that must not be used; the text is for the operator."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every byte was checked. `digest` identifies its content."""

    digest: str
    manifest: dict[str, Any]


def check(place: Path) -> Bundle:
    """Read a whole bundle and return what it is.

    Raises:
        BundleError: it is no bundle, a file in it is not what SHA256SUMS says, is missing or is not listed.
    """
    for _ in (members := _Members(place)):
        pass
    return members.bundle()


def extract(place: Path, into: Path) -> Bundle:
    """Check a bundle while its files are written into the folder `into`; use them only if this returns."""
    members = _Members(place)
    for name, blocks in members:
        target = into / name
        target.parent.mkdir(mode=0o755, exist_ok=True)
        with target.open("wb") as file:
            for block in blocks:
                file.write(block)
        target.chmod(0o644)
    return members.bundle()


class _Members:
    """The members of a bundle as (name, blocks of bytes), each compared with its sum once it was read."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sums: dict[str, str] = {}
        self.digest = ""
        self.manifest = b""

    def __iter__(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        try:
            with tarfile.open(self.place, "r:") as tar:
                first = tar.next()
                if first is None or first.name != SUMS or not first.isreg() or first.size > SUMS_BYTES:
                    raise BundleError(
                        f"{self.place}: is no bundle: it does not begin with {SUMS}. Make one: make bundle"
                    )
                self._read_sums(tar.extractfile(first).read())  # type: ignore[union-attr]
                left = set(self.sums)
                while member := tar.next():
                    if not member.isreg() or member.name not in left:
                        raise self.wrong(member.name, f"is not listed in {SUMS}, or stands there twice")
                    left.discard(member.name)
                    blocks = self._blocks(tar.extractfile(member), member.name)
                    yield member.name, blocks
                    for _ in blocks:  # what the caller did not read is checked all the same
                        pass
                if left:
                    raise self.wrong(min(left), "is missing")
        except (tarfile.TarError, EOFError) as error:
            raise BundleError(
                f"{self.place}: is damaged: {error}. Copy it again, or make it anew: make bundle"
            ) from None
        except OSError as error:
            raise BundleError(f"{self.place}: cannot be read: {error.strerror or error}") from None

    def wrong(self, name: str, what: str) -> BundleError:
        return BundleError(f"{self.place}: {name} {what}. Copy the bundle again, or make it anew: make bundle")

    def bundle(self) -> Bundle:
        try:
            manifest = json.loads(self.manifest)
        except ValueError:
            raise self.wrong(MANIFEST, "cannot be read") from None
        if manifest.get("format") != FORMAT:
            raise BundleError(f"{self.place}: was made by another version of this project. Make it anew: make bundle")
        return Bundle(self.digest, manifest)

    def _read_sums(self, text: bytes) -> None:
        self.digest = hashlib.sha256(text).hexdigest()
        for line in text.decode("utf-8", "replace").splitlines():
            found = LINE.fullmatch(line)
            if not found or not MEMBER.fullmatch(found[2]) or found[2] in self.sums:
                raise self.wrong(SUMS, f"has a line that is none of a bundle: {line[:100]!r}")
            self.sums[found[2]] = found[1]
        if MANIFEST not in self.sums:
            raise self.wrong(MANIFEST, "is missing")

    def _blocks(self, file: Any, name: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        while block := file.read(CHUNK):
            digest.update(block)
            if name == MANIFEST:
                self.manifest += block
            yield block
        if digest.hexdigest() != self.sums[name]:
            raise self.wrong(name, f"is not what {SUMS} says: it was changed or damaged on its way")
