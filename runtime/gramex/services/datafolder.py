"""The data folder, $GRAMEXDATA, and the key that signs cookies: made once, shared by all processes of an app."""

from __future__ import annotations

import logging
import os
import secrets
import time
from pathlib import Path

app_log = logging.getLogger("gramex")

KEY_FILE = "cookie.key"
KEY_LENGTH = 32  # characters; what we make is longer, what an operator puts there must not be shorter
SHORTEST = 16  # characters of a configured one that nothing is said about
PUBLISHED = ("secret-key", "gramex-")  # defaults of Gramex
KEY_WAIT = 2.0  # seconds that another process may take between creating the key file and filling it


def ensure_data_folder(folder: Path) -> bool:
    """Make the data folder. False, with a warning in the log, if nothing can be written there."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        if os.access(folder, os.W_OK | os.X_OK):
            return True
        reason = "it is not writable for this user"
    app_log.warning(
        "GRAMEXDATA: nothing can be kept in %s: %s. Logs and sessions end with this process. "
        "Set GRAMEXDATA to a folder that it may write",
        folder,
        reason,
    )
    return False


def cookie_secret(configured: object, folder: Path, writable: bool) -> str:
    """Return the key that signs cookies: the configured one, else what ``cookie.key`` in the data folder holds.

    The file is made with a random key and mode 0600 by the first process that needs it. Where it can be neither read
    nor made, a warning is logged and the key lives in memory.
    """
    if configured:
        if len(str(configured)) < SHORTEST or configured in PUBLISHED:
            app_log.warning(
                "app.settings.cookie_secret can be guessed, and who guesses it can be any user. Leave it out: a random "
                "one is made and kept"
            )
        return str(configured)
    path = folder / KEY_FILE
    reason = "the data folder is not writable"
    try:
        if path.exists():
            return _read_key(path)
        if writable:
            return _make_key(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    app_log.warning(
        "%s: no key for cookies: %s. Users have to log in again after a restart, and other processes do not accept "
        "their cookies. Set GRAMEX_COOKIE_SECRET, or app.settings.cookie_secret in a secret file",
        path,
        reason,
    )
    return secrets.token_hex(32)


def _read_key(path: Path) -> str:
    """Return the key in a file, waiting for a process that is just writing it.

    Raises:
        ValueError: it stays too short to be a key.
        OSError: it cannot be read.
    """
    end = time.monotonic() + KEY_WAIT
    while len(key := path.read_text(encoding="ascii", errors="replace").strip()) < KEY_LENGTH:
        if time.monotonic() > end:
            raise ValueError(f"it holds less than {KEY_LENGTH} characters. Remove it and a new one is made")
        time.sleep(0.02)
    return key


def _make_key(path: Path) -> str:
    """Create the key file, or return what another process put there first.

    The file appears under its name only when it is complete: a hard link to it either is made or fails because the
    name is taken. File systems without links get an exclusive create; `_read_key` waits for its content.
    """
    key = secrets.token_hex(32)
    draft = path.with_name(f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write_new(draft, key)
        os.link(draft, path)
        return key
    except FileExistsError:
        return _read_key(path)
    except (OSError, NotImplementedError):
        if not draft.exists():
            raise
    finally:
        draft.unlink(missing_ok=True)
    try:
        _write_new(path, key)
        return key
    except FileExistsError:
        return _read_key(path)


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
