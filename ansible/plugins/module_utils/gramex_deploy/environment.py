"""Builds an app's virtual environment: the hashed lock, the runtime's wheel, then the app's own requirements."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import asuser, files
from .pip import CACHE, WORK, Pip
from .problem import Problem

OLDEST, NEWEST = (3, 10), {"gramex": (3, 12)}
ROOM = {"gramex": 700 << 20}  # bytes that an environment takes, with the wheels that it is made from
SMALL = 100 << 20  # the same of this runtime, without the app's own requirements
PIN = re.compile(r"(?m)^[A-Za-z0-9._-]+==[^\\\n]*[^\\\s]")  # with its marker: a lock may pin by Python version


@dataclass(frozen=True)
class Recipe:
    """What goes into an environment. `key` is the digest of all of it."""

    key: str
    python: str
    interpreter: str  # version and ABI; names the folder of what is shared by environments
    distribution: str
    locks: tuple[Path, ...]  # of wheels, then of packages that have none
    lock_digest: str
    wheel: Path
    wheel_digest: str
    requirements: tuple[str, ...]  # paths below the release


def room(distribution: str) -> int:
    """Return the bytes that an environment needs."""
    return ROOM.get(distribution, SMALL)


def judge(python: str, found: dict, distribution: str) -> None:
    """Raise Problem if an interpreter (as gramex_state found it) cannot carry the distribution."""
    if found.get("error"):
        raise Problem(f"python: {python} does not run: {found['error']}. Name an interpreter that is there")
    if tuple(found["version"][:2]) < OLDEST:
        version = ".".join(str(part) for part in found["version"])
        raise Problem(
            f"python: {python} is Python {version}; the runtime needs 3.10 or newer. Name a newer interpreter"
        )
    newest = NEWEST.get(distribution)
    if newest and tuple(found["version"][:2]) > newest:
        version, last = (".".join(str(part) for part in parts) for parts in (found["version"], newest))
        raise Problem(f"python: {python} is Python {version}; the full Gramex runs on {last} at most")
    if found["real"].startswith(("/root/", "/home/")):
        raise Problem(
            f"python: {python} is {found['real']}, below a home folder, where the app's user cannot reach it. "
            "Name one below /usr or /opt"
        )


def ensure(venvs: Path, recipe: Recipe, user: str, release: Path) -> bool:
    """Build the environment in `venvs` unless it is there; `release` holds the requirements. Returns True if built.

    It is built aside by the app's user, given to root, and renamed: one that was interrupted never has the final name.
    Raises Problem in words for the operator.
    """
    final = venvs / recipe.key
    if final.exists():
        return False
    pip = Pip.ensure(recipe.python, recipe.interpreter)
    wheels = CACHE / "wheels" / house(recipe.lock_digest, recipe.interpreter)
    pip.download(recipe.locks[0], wheels)
    aside = venvs / f".{recipe.key}.new"
    files.remove(aside)
    aside.mkdir(mode=0o755)
    shutil.chown(aside, user, user)
    try:
        with _workplace(user, recipe) as work:
            _fill(aside, final, pip, wheels, recipe, user, release, work)
        settle(aside, final, files.gid(user))
        aside.rename(final)
    finally:
        files.remove(aside)
    return True


def house(lock_digest: str, interpreter: str) -> str:
    """Return the name of the folder of wheels that environments of one lock and interpreter share."""
    return f"{lock_digest[:16]}-{interpreter}"


def forget(lock_digests: set[str], interpreters: set[str]) -> None:
    """Remove wheels and pips of former locks and interpreters: new environments are made from the present ones."""
    houses = {house(digest, interpreter) for digest in lock_digests for interpreter in interpreters}
    for place in [*CACHE.glob("pip/*"), *CACHE.glob("wheels/*")]:
        if place.name not in interpreters | houses:
            files.remove(place)


def _fill(
    aside: Path, final: Path, pip: Pip, wheels: Path, recipe: Recipe, user: str, release: Path, work: Path
) -> None:
    temporary = {"TMPDIR": str(work), "PIP_CACHE_DIR": str(work / "cache")}
    _run([recipe.python, "-I", "-m", "venv", "--without-pip", str(aside)], user, work)
    offline = ["--no-index", "--no-deps", "--require-hashes"]
    pip.install(aside, user, work, temporary, *offline, "--find-links", str(wheels), "-r", str(work / "lock.txt"))
    # Where packages come from is the host's business: its settings hold, though the app's user cannot see them.
    host = {**asuser.network(), "PIP_CONFIG_FILE": str(work / "pip.conf"), **temporary}
    if recipe.locks[1:]:
        built = ["--no-deps", "--require-hashes", "--no-binary", ":all:", "--no-build-isolation", "--use-pep517"]
        pip.install(aside, user, work, host, *built, "-r", str(work / "source.txt"))
    else:
        pip.install(aside, user, work, temporary, *offline, "-r", str(work / "wheel.txt"))
    if recipe.requirements:
        wanted = [word for name in recipe.requirements for word in ("-r", str(release / name))]
        pip.install(aside, user, release, host, *wanted, "-c", str(work / "constraints.txt"))
    compiled = ["-I", "-S", "-m", "compileall", "-q", "-s", str(aside), "-p", str(final), str(aside / "lib")]
    # Packages may carry files that are no Python of this version: what does not compile is no reason to stop.
    asuser.run([str(aside / "bin" / "python"), *compiled], user, work, temporary, timeout=300)


@contextmanager
def _workplace(user: str, recipe: Recipe) -> Iterator[Path]:
    """Give the app's user a folder for the time of a build, with what root alone may read elsewhere."""
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        work = Path(name)
        locks = [place.read_text(encoding="utf-8") for place in recipe.locks]
        pins = [pin for text in locks for pin in PIN.findall(text)]
        # The runtime is what imports as gramex; the package of that name would overwrite it.
        pins += [] if locks[1:] else ["gramex<0"]
        wheel = work / recipe.wheel.name
        texts = {
            "lock.txt": locks[0],
            "source.txt": "".join(locks[1:]),
            "wheel.txt": f"{wheel} --hash=sha256:{recipe.wheel_digest}\n",
            "constraints.txt": "".join(f"{pin}\n" for pin in pins),
            "pip.conf": _settings(),
        }
        for file, text in texts.items():
            files.replace(work / file, text.encode(), 0, files.gid(user), 0o640)
        shutil.copyfile(recipe.wheel, wheel)
        wheel.chmod(0o644)
        shutil.chown(work, user, user)
        yield work


def _settings() -> str:
    """Root's pip settings, with those of a file that the host's own PIP_CONFIG_FILE names."""
    named = os.environ.get("PIP_CONFIG_FILE", "")
    return Path(named).read_text(encoding="utf-8") if named and Path(named).is_file() else asuser.pip_settings()


def _run(command: list[str], user: str, folder: Path) -> None:
    try:
        done = asuser.run(command, user, folder, {}, timeout=300)
    except PermissionError as error:
        raise Problem(
            f"python: user {user} cannot execute {command[0]}; name an interpreter below /usr or /opt"
        ) from error
    if done.code:
        raise Problem(f"{' '.join(command[:4])}: {done.last}")


def settle(aside: Path, final: Path, group: int) -> None:
    """Give a built environment to root, read-only for the app's group, and put its final path into its scripts."""
    # From the top down: once a folder is root's, nothing in it can be exchanged for a link to somewhere else.
    for folder, inside, names in os.walk(aside):
        for name in [".", *inside, *names]:
            place = Path(folder, name)
            os.chown(place, 0, group, follow_symlinks=False)
            if not place.is_symlink():
                place.chmod(stat.S_IMODE(place.stat().st_mode) & 0o755 | 0o044)
    old, new = os.fsencode(aside), os.fsencode(final)
    for script in [aside / "pyvenv.cfg", *(aside / "bin").iterdir()]:
        if script.is_file() and not script.is_symlink() and old in (text := script.read_bytes()):
            files.replace(script, text.replace(old, new), 0, group, stat.S_IMODE(script.stat().st_mode))
