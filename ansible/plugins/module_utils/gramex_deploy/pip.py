"""Runs pip for an environment, and turns its failures into what an operator can act on."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import asuser, files
from .problem import Problem

CACHE = Path("/var/cache/gramex")
WORK = CACHE / "work"  # of one run
TIMEOUT = 900  # seconds; a source package may have to be compiled
UNREACHABLE = re.compile(
    r"connection broken by|ConnectionError|NewConnectionError|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED"
    r"|Read timed out|ConnectTimeout|Name or service not known|Temporary failure in name resolution",
    re.IGNORECASE,
)
CLASH = re.compile(r"ResolutionImpossible|conflicting dependencies|The user requested \(constraint\)")
FLAGS = ["--disable-pip-version-check", "--no-input", "--no-color", "--retries", "2"]


@dataclass(frozen=True)
class Pip:
    """pip in a folder of its own, so that it need not be in the environments."""

    python: Path

    @classmethod
    def ensure(cls, python: str, key: str) -> Pip:
        """Make pip for an interpreter, once; `key` says which. Raises Problem where venv or ensurepip is missing."""
        place = CACHE / "pip" / key
        if not place.exists():
            aside = place.with_name(f".{key}.new")
            files.remove(aside)
            place.parent.mkdir(parents=True, exist_ok=True)
            command = [python, "-I", "-m", "venv", str(aside)]
            done = subprocess.run(command, capture_output=True, text=True, umask=0o022, check=False)
            if done.returncode:
                said = next((line for line in (done.stdout + done.stderr).splitlines() if line.strip()), "no output")
                raise Problem(
                    f"{python} cannot make a virtual environment ({said}). On Debian: apt install python3-venv"
                )
            aside.rename(place)
        return cls(place / "bin" / "python")

    def download(self, lock: Path, target: Path) -> None:
        """Fetch the wheels of a lock into `target`. Root may do it: none of their code runs, each has its hash."""
        if target.exists():
            return
        aside = target.with_name(f".{target.name}.new")
        files.remove(aside)
        aside.mkdir(parents=True)
        arguments = ["download", *FLAGS, "--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(lock)]
        done = subprocess.run(
            [str(self.python), "-I", "-m", "pip", *arguments, "--dest", str(aside)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            umask=0o022,
            check=False,
        )
        if done.returncode:
            files.remove(aside)
            raise Problem(explain(done.stdout))
        for wheel in aside.iterdir():
            wheel.chmod(0o644)
        aside.chmod(0o755)
        aside.rename(target)

    def install(self, into: Path, user: str, folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
        """Install into the environment `into`, as `user`, reading requirements from `folder`. Raises Problem."""
        command = [str(self.python), "-I", "-m", "pip", "--python", str(into / "bin" / "python"), "install", *FLAGS]
        done = asuser.run([*command, "--no-compile", *arguments], user, folder, environment, TIMEOUT)
        if done.code:
            raise Problem(explain(done.output))


def explain(output: str) -> str:
    """Return what went wrong by pip's own words, and what to do about it. URLs are shown without their credentials."""
    output = re.sub(r"://[^/\s@]+@", "://", output)
    errors = [line.strip() for line in output.splitlines() if re.match(r"\s*(ERROR|error):", line)]
    last = errors[0] if errors else asuser.Done(1, output).last
    if found := UNREACHABLE.search(output):
        cause = next(line.strip() for line in output.splitlines() if found.group() in line)
        cause = re.sub(r"^WARNING: Retrying .* after connection broken by |<pip\._vendor[^>]*>: ", "", cause)
        return (
            f"the package index cannot be reached from {os.uname().nodename}: {cause}\n"
            "Name a proxy, a certificate or an index in /etc/pip.conf there, "
            "or install without a network from a bundle: make bundle, then -e gramex_bundle=FILE"
        )
    if CLASH.search(output) and "gramex<0" in output:
        return "requirements.txt asks for gramex, but the runtime is what imports as gramex: remove that line"
    if CLASH.search(output):
        lines = [
            line.rstrip()
            for line in output.splitlines()
            if re.match(r"\s*(The user requested|ERROR: Cannot)|    ", line)
        ]
        return "requirements.txt clashes with the packages of the runtime, which are pinned:\n" + "\n".join(
            lines or [last]
        )
    return f"pip: {last}"
