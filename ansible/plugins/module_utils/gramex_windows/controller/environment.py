"""Makes environments for Windows: interpreter, wheels of the lock, our wheel and what apps require, in one archive.

They are put together on the controller, so a host needs neither a package index nor pip. An archive is kept under
build/windows, named by the key of all that went into it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gramex_deploy.pip import explain

from ..host.record import MARK
from . import lock
from .interpreter import Interpreter

SECONDS = 900
KEPT = 4
MOMENT = (2020, 2, 2, 0, 0, 0)
PACKAGES = "Lib/site-packages"
# Where Windows looks for DLLs of pythonservice.exe: beside it.
BESIDE = ("pywin32_system32/*.dll", "win32/pythonservice.exe")
LAYOUT = ("DLLs", "Lib")  # of what an installer puts down; an embeddable package has neither


class BuildError(Exception):
    """An environment cannot be made; the text is for the operator."""


@dataclass(frozen=True)
class Recipe:
    """What goes into an environment. `key` is the digest of all of it; `wheels` is where to take wheels from if not
    from the package index; `requirements` are an app's own files, `folder` is where they are."""

    key: str
    interpreter: Interpreter
    lock: Path
    wheel: Path
    wheel_digest: str
    requirements: tuple[str, ...] = ()
    folder: Path | None = None
    wheels: Path | None = None


def build(recipe: Recipe, cache: Path) -> Path:
    """Return the archive of an environment, made unless it is there. Raises BuildError."""
    archive = cache / f"{recipe.key}.zip"
    with _alone(cache):
        if archive.is_file():
            os.utime(archive)
            return archive
        with tempfile.TemporaryDirectory(dir=cache, prefix=".build-") as name:
            work = Path(name)
            (work / "pip").mkdir()
            tree = work / "tree"
            with zipfile.ZipFile(recipe.interpreter.place) as packed:
                packed.extractall(tree)
            _install(recipe, tree / PACKAGES, work / "pip")
            _settle(tree, recipe)
            _pack(tree, work / "packed.zip")
            (work / "packed.zip").rename(archive)
        for old in sorted(cache.glob("????????????????.zip"), key=lambda place: place.stat().st_mtime)[:-KEPT]:
            old.unlink()
    return archive


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # plays for several hosts get here at the same time
        yield


def _install(recipe: Recipe, target: Path, work: Path) -> None:
    version = recipe.interpreter.version
    try:
        pinned = lock.windows(recipe.lock.read_text(encoding="utf-8"), version)
    except ValueError as error:
        raise BuildError(f"{recipe.lock}: {error}") from error
    wanted = pinned + (_needed(recipe, pinned, work) if recipe.requirements else "")
    file = work / "all.txt"
    file.write_text(f"{wanted}{recipe.wheel} --hash=sha256:{recipe.wheel_digest}\n", encoding="utf-8")
    source = ["--no-index", "--find-links", str(recipe.wheels)] if recipe.wheels else []
    _run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"),
            *("--platform", "win_amd64", "--implementation", "cp", "--python-version", recipe.interpreter.dotted),
            *("--only-binary", ":all:", "--no-deps", "--require-hashes", "--target", str(target), *source),
            *("-r", str(file)),
        ],
        work,
    )


def _needed(recipe: Recipe, pinned: str, work: Path) -> str:
    folder = recipe.folder or work
    return resolve(recipe.requirements, folder, pinned, recipe.interpreter, work, recipe.wheels)


def resolve(
    requirements: Sequence[str], folder: Path, pinned: str, interpreter: Interpreter, work: Path, wheels: Path | None
) -> str:
    """Return what requirements (files, relative to `folder`) need beside `pinned`, as pins with hashes, for Windows.

    `work` is a folder for files, `wheels` where packages are if not in the index. Raises BuildError.
    """
    constraints = work / "constraints.txt"
    # The runtime is what imports as gramex; the package of that name would overwrite it.
    constraints.write_text("".join(f"{pin}\n" for pin in lock.pins(pinned)) + "gramex<0\n", encoding="utf-8")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not uv:
        raise BuildError("requirements.txt for Windows hosts is worked out by uv, which is not here: pip install uv")
    out = work / "resolved.txt"
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    _run(
        [
            *(uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--no-build"),
            *("--python-platform", "x86_64-pc-windows-msvc", "--python-version", interpreter.dotted, *source),
            *("--constraint", str(constraints), "--output-file", str(out), *requirements),
        ],
        folder,
        {"UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1", **({} if source else _index())},
        _uv_said,
    )
    known = {pin.partition("==")[0].lower().replace("_", "-") for pin in lock.pins(pinned)}
    found = lock.windows(out.read_text(encoding="utf-8"), interpreter.version)
    return "".join(
        f"{pin} {rest}\n"
        for pin, _marker, rest in lock.PIN.findall(found)
        if pin.partition("==")[0].lower().replace("_", "-") not in known
    )


def _index() -> dict[str, str]:
    """uv does not read pip's settings: tell it pip's index."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return {"UV_DEFAULT_INDEX": done.stdout.strip()} if done.stdout.strip() else {}


def _pip_said(output: str) -> str:
    """What pip means, with the bundle that is for these hosts."""
    return (
        explain(output)
        .replace("make bundle,", "make bundle SUITE=windows,")
        .replace("gramex_bundle", "winservice_bundle")
    )


def _uv_said(output: str) -> str:
    """The end of what uv writes, without credentials of an index."""
    lines = [line.strip() for line in re.sub(r"://[^/\s@]+@", "://", output).splitlines() if line.strip()]
    return "requirements.txt: " + " ".join(lines[-6:])


def _run(
    command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None, said: Callable[[str], str] = _pip_said
) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(more or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"the environment for Windows hosts cannot be made: {said(done.stdout)}")


def _settle(tree: Path, recipe: Recipe) -> None:
    """Let the interpreter see its packages and nothing of the host, and put DLLs where Windows looks for them."""
    packages = tree / PACKAGES
    for name in BESIDE:
        for place in packages.glob(name):
            shutil.copyfile(place, tree / place.name)
    shutil.rmtree(packages / "bin", ignore_errors=True)  # starters for the controller's system
    version = recipe.interpreter.paths.removesuffix("._pth")
    folders = [name for name in LAYOUT if (tree / name / "os.py").is_file() or any((tree / name).glob("*.pyd"))]
    lines = [f"{version}.zip", *folders, ".", "Lib\\site-packages", "import site"]
    (tree / recipe.interpreter.paths).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _pack(tree: Path, target: Path) -> None:
    """Write the archive; equal trees give equal bytes. The mark comes last."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        total = hashlib.sha256()
        for place in sorted(place for place in tree.rglob("*") if place.is_file()):
            name = place.relative_to(tree).as_posix()
            content = place.read_bytes()
            total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
            archive.writestr(zipfile.ZipInfo(name, MOMENT), content, zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo(MARK, MOMENT), f"{total.hexdigest()}\n", zipfile.ZIP_DEFLATED)
