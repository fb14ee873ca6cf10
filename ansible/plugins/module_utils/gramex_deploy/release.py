"""Makes one immutable copy of an app on the host, and forgets the copies that nobody needs any more."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import asuser, files
from .problem import Problem
from .record import COLOURS, Record

CHECK_TIMEOUT = 120
ROOM = 50 << 20  # bytes that stay free
STATES = ("good", "withdrawn", "bad")


def name(digest: str, taken: Iterable[str]) -> str:
    """Return the ID of a new release: UTC time and 8 digits of its digest; later than any that is `taken`."""
    now = time.time()
    newest = max(taken, default="")
    while (found := f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{digest[:8]}") <= newest:
        now += 1
    return found


def room(home: Path, size: int, environment: int) -> None:
    """Raise Problem where the disk has no room for a release of `size` bytes, and an environment of so many to build.

    A disk that runs full in the middle of it would stop what already runs from writing.
    """
    needed = ROOM + int(size * 1.5) + environment
    disk = os.statvfs(home)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise Problem(
            f"disk space: {needed >> 20} MB are needed at {home}, {free >> 20} MB are free. "
            "Make room there, or let apps keep fewer releases (`keep`)"
        )


@dataclass(frozen=True)
class Staged:
    """A release that is being made in `aside` and becomes `final` by a rename."""

    aside: Path
    final: Path

    @classmethod
    def unpack(cls, archive: Path, releases: Path, name: str, user: str) -> Staged:
        """Unpack an archive for the app's group to read and nobody to write."""
        staged = cls(releases / f".{name}.new", releases / name)
        files.remove(staged.aside)
        staged.aside.mkdir(mode=0o750)
        with tarfile.open(archive, "r:gz") as tar:
            extract(tar, staged.aside, files.gid(user), time.time())
        return staged

    def share(self, paths: Iterable[str], data: Path, user: str) -> None:
        """Replace each path by a link into the data folder. What a first release brings along is where data begins."""
        for path in paths:
            inside, kept = self.aside / path.rstrip("/"), data / path.rstrip("/")
            if not kept.exists():
                _begin(inside, kept, path.endswith("/"), user)
            files.remove(inside)
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.symlink_to(kept)

    def link_secrets(self, place: Path) -> None:
        """Link the app's secrets into the release; they are never copied."""
        link = self.aside / ".secrets.yaml"
        files.remove(link)
        link.symlink_to(place)

    def compile(self, python: Path) -> None:
        """Byte-compile, for the app cannot write here. With -I -S root runs no code of the environment."""
        arguments = ["-q", "-s", str(self.aside), "-p", str(self.final), str(self.aside)]
        subprocess.run(
            [str(python), "-I", "-S", "-m", "compileall", *arguments], capture_output=True, check=False, umask=0o027
        )
        for cache in self.aside.rglob("__pycache__"):
            shutil.chown(cache, 0, self.aside.stat().st_gid)
            for compiled in cache.iterdir():
                os.chown(compiled, 0, self.aside.stat().st_gid)

    def check(self, python: Path, user: str, environment: dict[str, str]) -> None:
        """Let `gramex check --config` judge the release as the app's user. Raises Problem with what it says."""
        done = asuser.run(
            [str(python), "-m", "gramex", "check", "--config"], user, self.aside, environment, CHECK_TIMEOUT
        )
        if done.code:
            said = done.output.strip().replace(f"{self.aside}/", "").replace(str(self.aside), "the release")
            said = said or f"exit code {done.code}"
            raise Problem(f"gramex check --config finds the release unfit:\n{said}")

    def finish(self) -> None:
        """Give it its name."""
        self.aside.rename(self.final)


def extract(tar: tarfile.TarFile, folder: Path, group: int, when: float) -> None:
    """Unpack the folders, files and links that the controller packed, for root and `group`, all of one time.

    Times of the source do not travel, but a new release must look newer than the last one: browsers ask by time.
    Links come last, so that nothing is written through one. Raises Problem for a name that leaves the folder.
    """
    links: list[tuple[Path, str]] = []
    os.chown(folder, 0, group)
    for member in tar:
        parts = PurePosixPath(member.name).parts
        if not parts or member.name.startswith("/") or ".." in parts:
            raise Problem(f"the archive holds a name that leaves its folder: {member.name}")
        place = folder.joinpath(*parts)
        if member.issym():
            links.append((place, member.linkname))
            continue
        if member.isdir():
            place.mkdir(mode=0o750)
        elif content := tar.extractfile(member):
            with content, place.open("xb") as written:
                shutil.copyfileobj(content, written)
        os.chown(place, 0, group)
        place.chmod(0o750 if member.mode & 0o100 else 0o640)
        os.utime(place, (when, when))
    for place, target in links:
        place.symlink_to(target)
        os.chown(place, 0, group, follow_symlinks=False)


def prune(home: Path, record: Record, keep: int) -> list[str]:
    """Remove releases and environments that are neither kept nor linked to by a colour; return the names of releases.

    Kept are the last `keep` good ones, as many that were withdrawn, which must be known again, and the last bad one, to
    look into. A bad one never pushes out a good one.
    """
    linked = {_target(home / "run" / f"{colour}-1") for colour in COLOURS}
    by_state = {state: sorted(n for n, r in record.releases.items() if r.state == state) for state in STATES}
    kept = {*linked, *by_state["good"][-keep:], *by_state["withdrawn"][-keep:], *by_state["bad"][-1:]}
    gone = [known for known in record.releases if known not in kept]
    for known in gone:
        del record.releases[known]
    if gone:
        record.write(home)
    used = {release.environment for release in record.releases.values()}
    used |= {_target(home / "venvs" / f"{colour}-1") for colour in COLOURS}
    for folder, names in ((home / "releases", set(record.releases)), (home / "venvs", used)):
        for place in folder.iterdir():
            if place.name not in names and not place.is_symlink():
                files.remove(place)
    return gone


def _target(link: Path) -> str:
    return link.readlink().name if link.is_symlink() else ""


def _begin(inside: Path, kept: Path, folder: bool, user: str) -> None:
    """Let the app's user make what its data begin with: in a folder of the app's, root would follow the app's links."""
    commands = [["mkdir", "-p", "--", str(kept.parent)]]
    if inside.exists() and not inside.is_symlink():
        commands.append(["cp", "-RPT", "--", str(inside), str(kept)])
    elif folder:
        commands.append(["mkdir", "--", str(kept)])
    for command in commands:
        done = asuser.run(command, user, Path("/"), {}, timeout=600)
        if done.code:
            raise Problem(f"shared: {kept} cannot be made: {done.last}")
