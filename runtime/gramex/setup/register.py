"""The apps that `gramex install` brought: where they are, and the list of them in ``apps.yaml``."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any

from gramex.handlers.paths import DEVICES
from gramex.services.lock import FileLock

FILE = "apps.yaml"
NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,98}[A-Za-z0-9_-])?", re.ASCII)


def data_folder(folder: Path) -> Path:
    """Return $GRAMEXDATA as an app started in `folder` has it.

    Raises:
        ConfigError: the folder's ``.secrets.yaml`` cannot be read.
    """
    from gramex.config import variables
    from gramex.config.secretfile import read_secrets
    from gramex.config.table import begin

    begin(read_secrets(folder, [], []), folder)
    return folder / str(variables["GRAMEXDATA"])


def is_name(name: str) -> bool:
    """True if an app can be called so: the name is that of its folder too."""
    return bool(NAME.fullmatch(name)) and name.partition(".")[0].lower() not in DEVICES and name.lower() != FILE


class Register:
    """The folder ``$GRAMEXDATA/apps`` and its list, for one command at a time."""

    def __init__(self, data: Path):
        """Take $GRAMEXDATA; the folder of apps is made in it.

        Raises:
            OSError: it cannot be made.
        """
        self.folder = data / "apps"
        data.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o750, exist_ok=True)
        self.path = self.folder / FILE
        self.lock = FileLock(self.folder / ".lock")

    def read(self) -> dict[str, dict[str, Any]]:
        """Return what is noted of each app.

        Raises:
            ValueError: the list is damaged.
            OSError: it cannot be read.
        """
        import yaml

        try:
            noted = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.path}: cannot be read: {' '.join(str(error).split())}") from None
        if noted is None:
            return {}
        if not isinstance(noted, dict) or not all(isinstance(each, dict) for each in noted.values()):
            raise ValueError(f"{self.path}: must be a mapping of app to what is known of it")
        return {str(name): each for name, each in noted.items()}

    def write(self, noted: dict[str, dict[str, Any]]) -> None:
        """Replace the list, which is complete at any moment.

        Raises:
            OSError: it cannot be written.
        """
        import yaml

        draft = self.path.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            draft.touch(0o600, exist_ok=False)  # a URL may hold a password
            with draft.open("w", encoding="utf-8") as stream:
                yaml.safe_dump(noted, stream, allow_unicode=True)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def note(self, name: str, entry: dict[str, Any] | None) -> None:
        """Note an app, or with None that it is gone."""
        noted = self.read()
        noted.pop(name, None)
        if entry is not None:
            noted[name] = entry
        self.write(noted)
