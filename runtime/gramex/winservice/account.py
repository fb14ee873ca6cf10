"""The account that a service runs as: its name as Windows wants it, its password, its right to run services."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from gramex.winservice.errors import ServiceError

VARIABLE = "GRAMEX_SERVICE_PASSWORD"  # in the environment, which other users cannot read
# Accounts of Windows that have no password, by the short name that people know.
BUILT_IN = {
    "localsystem": "LocalSystem",
    "system": "LocalSystem",
    "localservice": "NT AUTHORITY\\LocalService",
    "networkservice": "NT AUTHORITY\\NetworkService",
}


def full_name(user: str) -> str:
    """Return the account as the service manager wants it: DOMAIN\\USER; a local one is .\\USER."""
    domain, _, name = user.rpartition("\\")
    if name.replace(" ", "").lower() in BUILT_IN and domain.lower() in ("", ".", "nt authority"):
        return BUILT_IN[name.replace(" ", "").lower()]
    return user if domain or "@" in user else f".\\{user}"


def needs_password(account: str) -> bool:
    """False for built-in and virtual accounts, and for those whose password Windows manages itself (NAME$)."""
    domain = account.rpartition("\\")[0].lower()
    return not (
        account in BUILT_IN.values()
        or domain in ("nt authority", "nt service")
        or account.partition("@")[0][-1:] == "$"
    )


def find_password(
    account: str, given: str | None, environ: Mapping[str, str] = os.environ, stdin: TextIO | None = None
) -> str | None:
    """Return the password of an account; None for those that have none.

    It is `given` (``-``: one line of standard input), else in the environment, else asked for where somebody sits.

    Raises:
        ServiceError: there is none.
    """
    stdin = sys.stdin if stdin is None else stdin
    if not needs_password(account):
        return None
    if given == "-":
        given = stdin.readline().rstrip("\r\n") if stdin else ""
        if not given:
            raise ServiceError(f"--password=-: there is no password for {account} on standard input")
    elif given is None:
        given = environ.get(VARIABLE)
        if given is None and stdin and stdin.isatty():
            from getpass import getpass

            given = getpass(f"Password of {account}: ")
    if not given:
        raise ServiceError(f"{account} needs a password: --password=- reads it from standard input, or set {VARIABLE}")
    return given


def allow_services(account: str) -> str:
    """Give an account the right to run services, as the Services window does. Returns why not, '' if that worked."""
    import pywintypes
    import win32security

    if not needs_password(account):
        return ""
    name = account.removeprefix(".\\")
    try:
        access = win32security.POLICY_LOOKUP_NAMES | win32security.POLICY_CREATE_ACCOUNT
        policy = win32security.LsaOpenPolicy(None, access)
        who = win32security.LookupAccountName(None, name)[0]
        win32security.LsaAddAccountRights(policy, who, ("SeServiceLogonRight",))
    except pywintypes.error as error:
        return str(error.strerror).strip()
    return ""
