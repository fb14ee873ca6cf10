"""Reads the entries of ``email:``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gramex.services.sections import Entry, EntryError, read_entries

if TYPE_CHECKING:
    from gramex.config import Loaded

KNOWN = ("type", "host", "port", "tls", "email", "user", "password", "timeout")
SMTP, SMTPS, SUBMISSION = 25, 465, 587
# Services that everybody knows: type -> host, at the port for submission, which begins with STARTTLS.
HOSTS = {
    "gmail": "smtp.gmail.com",
    "icloud": "smtp.mail.me.com",
    "live": "smtp.live.com",
    "mail.com": "smtp.mail.com",
    "mandrill": "smtp.mandrillapp.com",
    "office365": "smtp.office365.com",
    "outlook": "smtp-mail.outlook.com",
    "yahoo": "smtp.mail.yahoo.com",
}
TYPES = ("smtp", "smtps", *HOSTS)
TIMEOUT = 30.0  # seconds in which the server must answer each command


@dataclass(frozen=True)
class Server:
    """Where mail is handed in.

    `tls`: True insists on STARTTLS, False does without, None uses it where the server offers it. `wrapped`: TLS from
    the first byte. `email` is the sender, `user` the name to log in with, if there is a password.
    """

    name: str
    host: str
    port: int
    wrapped: bool
    tls: bool | None
    email: str
    user: str
    password: str = field(default="", repr=False)
    timeout: float = TIMEOUT


# The last configuration that was read, and what it has: its mistakes are logged once.
last: tuple[Loaded, dict[str, Server]] | None = None


def read_servers(loaded: Loaded) -> dict[str, Server]:
    """Return the entries of ``email:`` by their names. Mistakes are logged, and cost their entries."""
    global last
    if last is None or last[0] is not loaded:
        last = loaded, read_entries(loaded, "email", make_server)
    return last[1]


def make_server(entry: Entry) -> Server:
    """Return what an entry says.

    Raises:
        EntryError: the entry has a mistake.
    """
    entry.check_keys(KNOWN)
    spec: Mapping[str, Any] = entry.spec
    kind = spec.get("type")
    if kind not in TYPES:
        wrong = f"not {kind!r}" if kind is not None else "and is missing"
        raise EntryError("type", f"must be one of {', '.join(TYPES)}, {wrong}")
    host = spec.get("host") or HOSTS.get(str(kind))
    if not isinstance(host, str):
        raise EntryError("host", f"must be the name of the server, not {host!r}" if host else "is missing")
    port = entry.port("port", {"smtp": SMTP, "smtps": SMTPS}.get(str(kind), SUBMISSION))
    email, password = spec.get("email") or "", spec.get("password") or ""
    if not isinstance(email, str) or any(char in email for char in "\r\n\0"):
        raise EntryError("email", f"must be the address of the sender, not {email!r}")
    if isinstance(password, (bool, dict, list)):
        raise EntryError("password", "must be text")
    user = str(spec.get("user") or email)
    if password and not user:
        raise EntryError("email", "is missing: it is the name to log in with")
    timeout = spec.get("timeout", TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        raise EntryError("timeout", f"must be a number of seconds, not {timeout!r}")
    tls = entry.switch("tls", None if kind == "smtp" else True)
    return Server(entry.name, host, port, kind == "smtps", tls, email, user, str(password), float(timeout))
