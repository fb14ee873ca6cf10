"""`gramex install` and `gramex uninstall`: put an app below the data folder, and take it away."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gramex.setup import BAD, GOOD, all_of, complain, say
from gramex.setup.archive import SourceError, unpack
from gramex.setup.fetch import fetch
from gramex.setup.register import Register, data_folder, is_name
from gramex.setup.steps import set_up

URLS = ("http://", "https://")


def install(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Install NAME from SOURCE, or again from where it came. Exit code 0: done; 1: failed, all is as it was before.

    Raises:
        UsageError: no name, or none that an app can have.
    """
    name = named("install", words)
    return attempt("install", lambda register: install_one(register, name, words[1] if len(words) > 1 else ""))


def uninstall(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Remove each of the named apps. Exit code 0: done; 1: one is not installed, or could not be removed.

    Raises:
        UsageError: no name, or none that an app can have.
    """
    for word in words or [""]:
        named("uninstall", [word] if word else [])
    return attempt("uninstall", lambda register: all_of(uninstall_one(register, word) for word in words))


def named(command: str, words: Sequence[str]) -> str:
    """Return the name of an app, the first word.

    Raises:
        UsageError: there is none, or no app can have it.
    """
    from gramex.arguments import UsageError

    if not words:
        raise UsageError(f"{command}: say the name of an app. gramex {command} --help shows how")
    if not is_name(words[0]):
        raise UsageError(f"{command}: {words[0]!r} cannot be the name of an app: use letters, digits, '-', '_' and '.'")
    return words[0]


def attempt(command: str, work: Callable[[Register], bool]) -> int:
    """Do `work` while no other command changes the installed apps; say in one line what went wrong."""
    from gramex.config import ConfigError

    try:
        register = Register(data_folder(Path.cwd()))
        with register.lock:
            return GOOD if work(register) else BAD
    except (ConfigError, SourceError, ValueError) as error:
        complain(command, str(error))
    except shutil.Error as error:
        complain(command, "; ".join(str(each[2]) for each in error.args[0]))
    except OSError as error:
        complain(command, f"{error.filename or ''}: {error.strerror or error}")
    return BAD


def install_one(register: Register, name: str, source: str) -> bool:
    """Install one app. False if a step of its set-up failed.

    Raises:
        SourceError: the source cannot be used.
        OSError, ValueError: nothing can be written; the list of apps is damaged.
    """
    known = register.read().get(name)
    source = source or str((known or {}).get("url") or "")
    if not source:
        raise SourceError(f"{name} is not installed: say where it comes from, gramex install {name} SOURCE")
    target = register.folder / name
    with tempfile.TemporaryDirectory(prefix=".new-", dir=register.folder) as temporary:
        new, old = Path(temporary, "app"), Path(temporary, "old")
        source = obtain(source, new, register.folder, Path(temporary))
        had = os.path.lexists(target)
        if had:
            target.rename(old)
        try:
            new.rename(target)
            good = set_up(target)
            if good:
                installed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                register.note(name, {"target": str(target), "url": source, "installed": installed})
        except BaseException:
            put_back(target, old, had)
            raise
        if not good:
            put_back(target, old, had)
            complain(
                "install", f"{name}: the set-up failed. {'The app is as it was before' if had else 'Not installed'}"
            )
            return False
    say("install", f"{name}: installed in {target}")
    return True


def put_back(target: Path, old: Path, had: bool) -> None:
    """Undo an installation."""
    remove(target)
    if had:
        old.rename(target)


def obtain(source: str, new: Path, apps: Path, temporary: Path) -> str:
    """Copy the app from its source to the folder `new`; return the source as it can be used again, from anywhere.

    Raises:
        SourceError: it cannot be used.
        OSError: it cannot be read, or nothing can be written.
    """
    archive = Path(source).expanduser().absolute()
    try:
        if source.lower().startswith(URLS):
            archive = temporary / "source.zip"
            say("install", f"fetching {source.partition('?')[0]}")
            fetch(source, archive)
        elif "://" in source:
            raise SourceError("must be a folder, a ZIP file, or its URL, with http or https")
        elif archive.is_dir():
            # The data folder may be inside of the app, and is no part of it.
            data = (apps.parent, apps)

            def ignore(folder: str, names: list[str]) -> list[str]:
                return [name for name in names if any(is_same(Path(folder, name), each) for each in data)]

            shutil.copytree(archive, new, symlinks=True, ignore=ignore)
            return str(archive)
        elif not archive.is_file():
            raise SourceError("there is no such folder or file")
        new.mkdir()
        unpack(archive, new)
    except SourceError as error:
        raise SourceError(f"{source.partition('?')[0]}: {error}") from None
    return source if source.lower().startswith(URLS) else str(archive)


def is_same(path: Path, folder: Path) -> bool:
    """True if a path is a folder that exists, and is `folder`."""
    return path.is_dir() and path.samefile(folder)


def uninstall_one(register: Register, name: str) -> bool:
    """Remove one app and its note. False if there is neither.

    Raises:
        OSError, ValueError: it cannot be removed; the list of apps is damaged.
    """
    noted, target = register.read(), register.folder / name
    if name not in noted and not os.path.lexists(target):
        complain("uninstall", f"{name} is not installed. Installed: {', '.join(sorted(noted)) or 'nothing'}")
        return False
    remove(target)
    register.note(name, None)
    say("uninstall", f"{name}: removed")
    return True


def remove(path: Path) -> None:
    """Remove a folder and all that is in it, or a link; nothing that links lead to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Start an installed app in its folder, with options as `gramex` has them. Returns the server's exit code.

    Raises:
        UsageError: no name, or an app of that name is not installed.
    """
    from gramex.arguments import UsageError
    from gramex.cli import start

    name = named("run", words)
    try:
        register = Register(data_folder(Path.cwd()))
        noted = register.read()
    except (OSError, ValueError) as error:
        complain("run", str(error))
        return BAD
    folder = register.folder / name
    if name not in noted or not folder.is_dir():
        raise UsageError(f"run: {name} is not installed. Installed: {', '.join(sorted(noted)) or 'nothing'}")
    # The app keeps its data where it was installed, whatever its own folder's .secrets.yaml says.
    os.environ["GRAMEXDATA"] = str(register.folder.parent.absolute())
    # Modules of the folder where the command was typed are not the app's.
    here = str(Path.cwd())
    sys.path[:] = [path for path in sys.path if path not in ("", here)]
    os.chdir(folder)
    return start(nested(options))


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as nested mappings: ``{'a.b': 1}`` is ``{'a': {'b': 1}}``."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        *above, last = name.split(".")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return found
