"""Asks an LDAP directory whether somebody is who they say: over TLS, with a certificate that was checked."""

from __future__ import annotations

import importlib.util
import logging
import re
import secrets
import ssl
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

app_log = logging.getLogger("gramex")

TLS = ("ldaps", "starttls", "none")
PORTS = {"ldaps": 636, "starttls": 389, "none": 389}
ATTRIBUTES = (
    "cn",
    "uid",
    "sAMAccountName",
    "displayName",
    "givenName",
    "sn",
    "mail",
    "memberOf",
    "department",
    "title",
)
# Attributes by which people are known: their spelling in the directory is the user's id, not what was typed.
NAMES = ("uid", "sAMAccountName", "userPrincipalName", "mail", "cn")
LONGEST = 1000  # characters of a value: pictures and certificates are not for a session
# Results of a bind that mean "no": wrong password, no such user, locked, expired.
REFUSED = frozenset(
    ("invalidCredentials", "noSuchObject", "invalidDNSyntax", "inappropriateAuthentication", "unwillingToPerform",
     "constraintViolation", "insufficientAccessRights")
)  # fmt: skip
NOT_IN_ACCOUNT_NAMES = re.compile(r'["/\\\[\]:;|=,+*?<>@]')  # of Active Directory


class DirectoryError(Exception):
    """The directory cannot be asked, or answers with something else than yes or no."""


class Directory:
    """A directory and how users are found in it."""

    def __init__(self, conf: Mapping[str, Any], folder: Path):
        """Take ``host``, ``port``, ``tls`` or ``use_ssl``, ``ca``, ``user``, ``search``, ``attributes``, ``timeout``.

        Raises:
            ValueError: one that cannot be meant.
        """
        if importlib.util.find_spec("ldap3") is None:
            raise ValueError("ldap3 is not installed; install gramex-runtime[ldap]")
        self.tls = parse_tls(conf)
        self.hosts = parse_hosts(conf.get("host"), conf.get("port"), self.tls)
        self.ca = folder / str(conf["ca"]) if conf.get("ca") else None
        self.context = None if self.tls == "none" else tls_context(self.ca)
        timeout = conf.get("timeout", 10)
        if isinstance(timeout, bool) or not isinstance(timeout, int) or not 1 <= timeout <= 120:
            raise ValueError(f"timeout: must be whole seconds from 1 to 120, not {timeout!r}")
        self.timeout = timeout
        user = conf.get("user")
        self.pattern = (user.get("dn") if isinstance(user, Mapping) else user) or ""
        if self.pattern and (not isinstance(self.pattern, str) or "{user}" not in self.pattern):
            raise ValueError(
                f"user: must contain {{user}}, as in uid={{user}},ou=people,dc=example,dc=org, not {user!r}"
            )
        self.search = parse_search(conf.get("search"))
        if not self.pattern and not self.search:
            raise ValueError("user: is missing; add user: 'uid={user},ou=people,dc=example,dc=org', or search:")
        attributes = conf.get("attributes", list(ATTRIBUTES))
        if not isinstance(attributes, list) or not all(isinstance(each, str) for each in attributes):
            raise ValueError(f"attributes: must be a list such as [cn, mail], not {attributes!r}")
        self.attributes = [each for each in attributes if each.lower() != "userpassword"]
        if self.tls == "none":
            app_log.warning("LDAP: passwords travel unencrypted to %s: set tls: ldaps or starttls", self.hosts[0][0])

    def find(self, name: str, password: str) -> dict[str, Any] | None:
        """Return the user with that name and password, None if there is none. Blocks: call it in a thread.

        Raises:
            DirectoryError: it cannot be found out.
        """
        # A bind with an empty password succeeds as nobody (RFC 4513, 5.1.2).
        if not name or not password or not name.isprintable() or not usable(name, self.pattern):
            return None
        if self.search and (self.search.get("user") or not self.pattern):
            return self._find_by_search(name, password)
        dn = bind_name(self.pattern, name)
        with self._connect(dn, password) as connection:
            if connection is None:
                return None
            entry = None
            if self.search:
                entry = self._entry(connection, self.search["base"], filter_for(self.search, name))
            elif "=" in self.pattern:
                entry = self._entry(connection, dn, "(objectClass=*)", "BASE")
        return self._user(name, entry or (dn, {}))

    def _find_by_search(self, name: str, password: str) -> dict[str, Any] | None:
        search = self.search
        with self._connect(search.get("user"), search.get("password")) as connection:
            if connection is None:
                raise DirectoryError("search.user is refused: check search.user and search.password")
            entry = self._entry(connection, search["base"], filter_for(search, name))
        # Somebody who is not there costs the same work.
        dn = entry[0] if entry else f"cn={secrets.token_hex(8)},{search['base']}"
        with self._connect(dn, password) as connection:
            if connection is None or entry is None:
                return None
        return self._user(name, entry)

    @contextmanager
    def _connect(self, dn: str | None, password: str | None) -> Any:
        """Give a connection that is bound as `dn`, or as nobody; None if the directory says no."""
        ldap3 = load_ldap3()
        last: Exception | None = None
        for host, port in self.hosts:
            connection = self._connection(ldap3, host, port, dn, password)
            try:
                connection.open(read_server_info=False)
                if self.tls == "starttls":
                    connection.start_tls(read_server_info=False)
                bound = connection.bind(read_server_info=False)
            except (ldap3.core.exceptions.LDAPExceptionError, OSError) as error:
                last = error
                close(connection)
                continue
            try:
                if not bound and connection.result["description"] not in REFUSED:
                    raise DirectoryError(f"{host}: {connection.result['description']}: {connection.result['message']}")
                yield connection if bound else None
            except ldap3.core.exceptions.LDAPExceptionError as error:
                raise DirectoryError(f"{host}: {error}") from None
            finally:
                close(connection)
            return
        raise DirectoryError(f"{', '.join(host for host, _ in self.hosts)}: {last}")

    def _connection(self, ldap3: Any, host: str, port: int, dn: str | None, password: str | None) -> Any:
        tls = verified_tls()(self.context) if self.context else None
        server = ldap3.Server(
            host, port, use_ssl=self.tls == "ldaps", get_info=ldap3.NONE, tls=tls, connect_timeout=self.timeout
        )
        return ldap3.Connection(
            server,
            user=dn or None,
            password=password or None,
            authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
            auto_referrals=False,  # a referral would carry the password to another server
            check_names=False,
            read_only=True,
            receive_timeout=self.timeout,
        )

    def _entry(
        self, connection: Any, base: str, wanted: str, scope: str = "SUBTREE"
    ) -> tuple[str, dict[str, list[bytes]]] | None:
        """Return the DN and the attributes of the one entry that matches, None without one, or with several."""
        connection.search(base, wanted, scope, attributes=self.attributes, size_limit=2, time_limit=self.timeout)
        if connection.result["description"] not in ("success", "noSuchObject", "sizeLimitExceeded"):
            raise DirectoryError(f"search: {connection.result['description']}: {connection.result['message']}")
        found = [each for each in connection.response or () if each.get("type") == "searchResEntry"]
        if len(found) != 1:
            if found:
                app_log.error(
                    "LDAP: %s finds several entries: nobody can log in by that name", self.search.get("filter")
                )
            return None
        return found[0]["dn"], found[0]["raw_attributes"]

    def _user(self, name: str, entry: tuple[str, Mapping[str, Sequence[bytes]]]) -> dict[str, Any]:
        dn, raw = entry
        values = {key: found for key, texts in raw.items() if (found := as_texts(texts))}
        known = {text.casefold(): text for key in NAMES for text in reversed(values.get(key, []))}
        id = known.get(name.casefold(), name)
        attributes = {key: found[0] if len(found) == 1 else found for key, found in values.items()}
        return {**attributes, "user": id, "id": id, "dn": dn}


def close(connection: Any) -> None:
    """Say goodbye, and close the socket; ldap3 leaves it open where it could not connect."""
    with suppress(Exception):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()


def as_texts(values: Sequence[bytes]) -> list[str]:
    """Return those values of an attribute that are text, and not too long."""
    found = []
    for value in values:
        with suppress(UnicodeDecodeError):
            text = value.decode()
            if text and len(text) <= LONGEST:
                found.append(text)
    return found


def escape(text: str, special: str) -> str:
    """Return `text` with special characters as a backslash and two hexadecimal digits: right in DNs and in filters."""
    return "".join("".join(f"\\{byte:02x}" for byte in char.encode()) if char in special else char for char in text)


def bind_name(pattern: str, name: str) -> str:
    """Return the name to bind with: a DN in which the user's name is one value (RFC 4514), or DOMAIN\\user."""
    return pattern.replace("{user}", escape(name, '\\,+"<>;=#/ \0') if "=" in pattern else name)


def filter_for(search: Mapping[str, Any], name: str) -> str:
    """Return the filter of ``search:`` for a user's name, which cannot end its part of it (RFC 4515)."""
    return str(search["filter"]).replace("{user}", escape(name, "\\*()\0"))


def usable(name: str, pattern: str) -> bool:
    """False for names that would mean another account where the pattern is no DN, such as DOMAIN\\{user}."""
    return not pattern or "=" in pattern or not NOT_IN_ACCOUNT_NAMES.search(name)


def parse_tls(conf: Mapping[str, Any]) -> str:
    """Return how the connection is protected: ldaps unless ``tls:`` or ``use_ssl: false`` (StartTLS) say otherwise.

    Raises:
        ValueError: neither.
    """
    tls = conf.get("tls")
    if tls is None:
        tls = "starttls" if conf.get("use_ssl") is False else "ldaps"
    if tls not in TLS:
        raise ValueError(f"tls: must be one of {', '.join(TLS)}, not {tls!r}")
    return str(tls)


def parse_hosts(host: Any, port: Any, tls: str) -> list[tuple[str, int]]:
    """Return (host, port) of the servers, in the order in which they are asked.

    Raises:
        ValueError: there is none, or one that cannot be.
    """
    names = host if isinstance(host, list) and host else [host]
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536):
        raise ValueError(f"port: must be 1 to 65535, not {port!r}")
    found = []
    for name in names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"host: must be a name such as ldap.example.org, or a list of them, not {host!r}")
        try:
            parts = urlsplit(name if "//" in name else f"//{name}")
            found.append((parts.hostname or "", parts.port or port or PORTS[tls]))
        except ValueError:
            raise ValueError(f"host: {name!r} is no host") from None
        if not parts.hostname or parts.path not in ("", "/") or parts.scheme not in ("", "ldap", "ldaps"):
            raise ValueError(f"host: must be a name such as ldap.example.org, not {name!r}")
        if (parts.scheme == "ldaps") != (tls == "ldaps") and parts.scheme:
            raise ValueError(f"host: {name!r} does not fit to tls: {tls}; leave the scheme out")
    return found


def parse_search(search: Any) -> dict[str, Any]:
    """Return ``search:`` with its defaults, nothing without it.

    Raises:
        ValueError: it lacks base, or its filter does not name the user.
    """
    if search is None:
        return {}
    if not isinstance(search, Mapping) or not isinstance(search.get("base"), str):
        raise ValueError("search: must be a mapping such as {base: 'dc=example,dc=org', filter: '(uid={user})'}")
    wanted = search.get("filter", "(uid={user})")
    if not isinstance(wanted, str) or "{user}" not in wanted or not wanted.startswith("("):
        raise ValueError(f"search.filter: must contain {{user}}, as in (uid={{user}}), not {wanted!r}")
    if search.get("user") and not search.get("password"):
        raise ValueError("search.password: is missing; without it the directory would be asked as nobody")
    return {**search, "filter": wanted}


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Return what checks a server's certificate: against a file of authorities, or those of the system.

    Raises:
        ValueError: the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"ca: {ca}: {error.strerror or error}; it must hold certificates in PEM") from None


@lru_cache(maxsize=1)
def load_ldap3() -> Any:
    """Return ldap3; importing it takes 0.2 s."""
    # Its last release uses names of pyasn1 that were renamed since.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ldap3(\.|$)")
    import ldap3  # type: ignore[import-untyped]
    import ldap3.core.exceptions  # type: ignore[import-untyped]

    return ldap3


@lru_cache(maxsize=1)
def verified_tls() -> Any:
    """Return ldap3's Tls with OpenSSL's own check of the host's name: ldap3's is a copy of one that Python dropped."""
    ldap3 = load_ldap3()

    class VerifiedTls(ldap3.Tls):  # type: ignore[name-defined]
        def __init__(self, context: ssl.SSLContext):
            super().__init__(validate=ssl.CERT_REQUIRED)
            self.context = context

        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            connection.socket = self.context.wrap_socket(connection.socket, server_hostname=connection.server.host)

    return VerifiedTls
