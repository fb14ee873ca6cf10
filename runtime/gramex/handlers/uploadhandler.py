"""What apps import to see the files that an UploadHandler stored: ``FileUpload(path).info()``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gramex.handlers.upload import UploadHandler
from gramex.handlers.uploadfolder import UploadFolder

__all__ = ["FileUpload", "UploadHandler"]


class FileUpload:
    """The folder of an UploadHandler."""

    def __init__(self, path: str | os.PathLike[str]):
        """Take the folder, made if it does not exist.

        Raises:
            OSError: the folder cannot be made.
        """
        self.folder = UploadFolder(Path(path))

    def info(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each file that is still there, by its key.

        Raises:
            OSError, sqlite3.Error: the list cannot be read.
        """
        return self.folder.files()
