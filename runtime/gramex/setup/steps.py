"""`gramex setup`: runs, in each folder, the tools whose files are there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gramex.setup import BAD, GOOD, all_of, complain, say


class Step(NamedTuple):
    """A file, and the commands of which the first that this machine has is run. PYTHON is the running interpreter."""

    file: str
    commands: tuple[tuple[str, ...], ...]


PYTHON = "PYTHON"
PIP = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", "requirements.txt")
POWERSHELL = ("-NoProfile", "-NonInteractive", "-File", "setup.ps1")
STEPS = (
    Step("Makefile", (("make",),)),
    Step("setup.ps1", (("pwsh", *POWERSHELL), ("powershell", *POWERSHELL))),
    Step("setup.sh", (("bash", "setup.sh"), ("sh", "setup.sh"), ("ash", "setup.sh"))),
    Step("requirements.txt", (PIP,)),
    Step("setup.py", ((PYTHON, "setup.py"),)),
    Step("bower.json", (("bower", "--allow-root", "install"),)),
)
# Of these, the first whose file is there.
NODE = (
    Step("package-lock.json", (("npm", "ci"),)),
    Step("yarn.lock", (("yarn", "install", "--prefer-offline"),)),
    Step("package.json", (("npm", "install"), ("yarn", "install", "--prefer-offline"))),
)


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Set up each of the folders. Exit code 0: all steps went well; 1: one failed, or a folder is missing.

    Raises:
        UsageError: no folder is given.
    """
    if not words:
        from gramex.arguments import UsageError

        raise UsageError("setup: say which folder to set up, such as: gramex setup .")
    return GOOD if all_of(set_up(Path(word)) for word in words) else BAD


def set_up(folder: Path) -> bool:
    """Run the steps of one folder, those after a failed one too. True if all went well."""
    if not folder.is_dir():
        complain("setup", f"{folder}: there is no such folder")
        return False
    return all_of(perform(step, folder) for step in wanted(folder))


def wanted(folder: Path) -> Iterator[Step]:
    """Return the steps whose files a folder has."""
    yield from (step for step in STEPS if (folder / step.file).is_file())
    yield from [step for step in NODE if (folder / step.file).is_file()][:1]


def perform(step: Step, folder: Path) -> bool:
    """Run one step. True if it went well, or this machine has no tool for it: that is only said."""
    path = search_path()
    command = next((found for words in step.commands if (found := resolve(words, path))), None)
    if command is None:
        tools = " or ".join("pip" if words is PIP else words[0] for words in step.commands)
        complain("setup", f"{folder}: {step.file}: skipped: there is no {tools} here")
        return True
    say("setup", f"{folder}: {step.file}: {' '.join(command)}")
    try:
        # Nobody may be there to answer a question.
        environ = {**os.environ, "PATH": path}
        done = subprocess.run(command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    except OSError as error:
        complain("setup", f"{folder}: {step.file}: {command[0]}: {error.strerror}")
        return False
    if done.returncode:
        complain("setup", f"{folder}: {step.file}: failed with exit code {done.returncode}")
    return done.returncode == 0


def resolve(words: tuple[str, ...], path: str) -> list[str] | None:
    """Return a command with the full path of its tool, None if there is none."""
    if words[0] == PYTHON:
        if words is PIP and importlib.util.find_spec("pip") is None:
            return None
        return [sys.executable, *words[1:]]
    tool = shutil.which(words[0], path=path)
    return [tool, *words[1:]] if tool else None


def search_path() -> str:
    """Return PATH with the running interpreter's folder first: scripts that call python or pip mean that one."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
