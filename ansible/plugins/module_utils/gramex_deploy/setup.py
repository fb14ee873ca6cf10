"""Lets an app prepare its release, as its own user: make, setup.sh, npm and what else `gramex setup` runs."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import asuser, files
from .pip import WORK
from .problem import Problem

TIMEOUT = 1800  # seconds; R compiles its packages
SHOWN = 30  # lines


def run(
    release: Path, places: Iterable[str], python: Path, user: str, environment: Mapping[str, str], tools: str = ""
) -> list[str]:
    """Run `gramex setup` in each of the `places` of a release that is being made; return what it skipped.

    `tools` is a folder whose programs come first, such as the R that is meant. The release is the user's meanwhile, and
    root's again when this returns. Raises Problem with the end of the output.
    """
    group = release.stat().st_gid
    skipped: list[str] = []
    own(release, files.uid(user), group)
    try:
        with tempfile.TemporaryDirectory(dir=WORK) as name:
            shutil.chown(name, user, user)
            told = {
                **asuser.network(),
                "HOME": name,
                "TMPDIR": name,
                "npm_config_cache": f"{name}/npm",
                "PATH": os.pathsep.join(filter(None, (tools, asuser.PATH))),
                **environment,
            }
            folders = [str(release / place) for place in places]
            done = asuser.run([str(python), "-m", "gramex", "setup", *folders], user, release, told, TIMEOUT)
            lines = done.output.replace(f"{release}/", "").replace(str(release), ".").splitlines()
            if done.code:
                raise Problem("gramex setup failed:\n" + "\n".join(lines[-SHOWN:]))
            # What is installed already, under the constraints of the runtime, needs no pip.
            skipped = [line for line in lines if ": skipped: " in line and "requirements.txt: skipped" not in line]
    finally:
        own(release, 0, group)
    return skipped


def own(release: Path, owner: int, group: int) -> None:
    """Give all of a release to an owner, for the group to read; links are given, not followed.

    From the top down: once a folder is root's, nothing in it can be exchanged for a link to somewhere else.
    """
    for folder, inside, names in os.walk(release):
        for name in [".", *inside, *names] if folder == str(release) else [*inside, *names]:
            place = Path(folder, name)
            os.chown(place, owner, group, follow_symlinks=False)
            mode = place.lstat().st_mode
            if stat.S_ISDIR(mode):
                place.chmod(0o750)
            elif stat.S_ISREG(mode):
                place.chmod(0o750 if mode & stat.S_IXUSR else 0o640)
            elif not stat.S_ISLNK(mode):
                place.unlink()  # a socket or pipe that somebody left
