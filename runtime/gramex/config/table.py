"""The one table of variables that all files, and the app's code, share."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .view import View

PACKAGE = Path(__file__).resolve().parent.parent

# Code reads it as gramex.config.variables, a name also as an attribute. It is always the same object.
variables: dict[str, Any] = View()


def begin(secrets: Mapping[str, Any], folder: Path) -> None:
    """Fill the table anew with what holds before any file is read.

    Our own paths have slashes, on Windows too: a backslash means something else in the code of an expression.
    """
    variables.clear()
    variables.update(os.environ)
    variables.update(secrets)
    variables["GRAMEXPATH"] = PACKAGE.as_posix()
    variables["GRAMEXAPPS"] = (PACKAGE / "apps").as_posix()
    variables["GRAMEXHOST"] = socket.gethostname()
    if not variables.get("GRAMEXDATA"):
        variables["GRAMEXDATA"] = data_folder(folder).as_posix()


def data_folder(folder: Path) -> Path:
    """Return where data are kept if neither the environment nor a secret says so; `folder` is the app's.

    The environment is read when called. A user without a home folder keeps them beside the app.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) / "Gramex Data" if local else folder / ".gramexdata"
    home = os.path.expanduser("~")  # noqa: PTH111  Path.home() raises where there is none
    if not os.path.isabs(home):  # noqa: PTH117
        return folder / ".gramexdata"
    if sys.platform == "darwin":
        return Path(home, "Library", "Application Support", "Gramex Data")
    return Path(home, ".config", "gramexdata")


def enter_file(path: Path, start: Path, url: Any = None) -> None:
    """Set the variables of the file at `path`, an absolute one; `start` is the start folder, `url` the mount if any."""
    variables["YAMLPATH"] = path.parent.as_posix()
    variables["YAMLFILE"] = path.as_posix()
    variables["YAMLURL"] = folder_url(path.parent, start) if url is None else mount_url(url)


def folder_url(folder: Path, start: Path) -> str:
    """Return the path of a folder below the start folder, for URLs: ``.``, ``app/ui``, ``../x``."""
    try:
        return os.path.relpath(folder, start).replace(os.sep, "/")
    except ValueError:  # another drive on Windows: nothing relative leads there
        return "."


def mount_url(url: Any) -> str:
    """Return the ``YAMLURL`` of an import, without the slashes at its ends; ``.`` for the root."""
    return str(url).strip("/") or "."
