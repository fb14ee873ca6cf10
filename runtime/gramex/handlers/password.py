"""Hashes and compares passwords. All names, known or not, cost the same work."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

LONGEST = 4096  # characters; what is longer is no password, and not worth the work
SCRYPT_HASH = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/.]+)={0,2}\$([A-Za-z0-9+/.]+)={0,2}"
)
# crypt(3), bcrypt, Django, Werkzeug and passlib: hashes that somebody may paste, and that are not passwords.
FOREIGN = re.compile(
    r"\$(?:1|5|6|y|7|2[abxy]?|pbkdf2[\w-]*|bcrypt[\w-]*|apr1)\$\S+|(?:pbkdf2|scrypt|bcrypt)[:_]\S+\$\S+"
)


class Hash(NamedTuple):
    """A password's hash. Two of the same `profile` cost the same work."""

    profile: str
    text: str


def hash_password(password: str) -> str:
    """Return the hash of a password, to be kept in its place: Argon2id, or scrypt where argon2-cffi is missing."""
    try:
        from argon2 import PasswordHasher

        # the OWASP cheat sheet's first choice; memory in KiB
        return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(password)
    except ImportError:
        salt = secrets.token_bytes(16)
        return f"$scrypt$ln=15,r=8,p=1${_b64(salt)}${_b64(_scrypt(password, salt, 15, 8, 1, 32))}"


def parse_hash(text: str) -> Hash | None:
    """Return the hash that `text` is, None if it is a plain password.

    Raises:
        ValueError: it is a hash, but damaged, too expensive, or of a kind that is not known.
    """
    if text.startswith("$argon2"):
        return Hash(_argon2_profile(text), text)
    if text.startswith("$scrypt$"):
        found = SCRYPT_HASH.fullmatch(text)
        if not found:
            raise ValueError("is a damaged scrypt hash; it should look like $scrypt$ln=15,r=8,p=1$SALT$HASH")
        ln, r, p = (int(number) for number in found.groups()[:3])
        if not (1 <= ln <= 20 and 1 <= r <= 32 and 1 <= p <= 16):
            raise ValueError("is a scrypt hash that costs too much or too little to check; use ln=15,r=8,p=1")
        try:
            _decode(found[4])
            length = len(_decode(found[5]))
        except ValueError:
            raise ValueError("is a damaged scrypt hash: its salt or hash is not base64") from None
        return Hash(f"scrypt {ln} {r} {p} {length}", text)
    if FOREIGN.fullmatch(text):
        raise ValueError("is a hash of a kind that is not known; use argon2id or scrypt")
    return None


def matches(hash: Hash, password: str) -> bool:
    """True if `password` has that hash. Takes about 50 ms of one core: call it in a thread."""
    if hash.profile.startswith("scrypt"):
        found = SCRYPT_HASH.fullmatch(hash.text)
        assert found  # noqa: S101  parse_hash made sure
        wanted = _decode(found[5])
        made = _scrypt(password, _decode(found[4]), int(found[1]), int(found[2]), int(found[3]), len(wanted))
        return hmac.compare_digest(made, wanted)
    from argon2 import PasswordHasher
    from argon2.exceptions import Argon2Error

    try:
        return PasswordHasher().verify(hash.text, password)
    except Argon2Error:
        return False


class Credentials:
    """User names with their passwords and attributes.

    `hashed` is True if a check costs so much that it belongs into a thread. Plain passwords are not kept, only their
    digests under a key that ends with the process. Users that cannot log in, such as those without a password, are
    left out; `problems` says who and why.
    """

    def __init__(self, users: Any):
        """Take ``{user: password}`` or ``{user: {password: ..., attribute: ...}}``.

        Raises:
            ValueError: it is no mapping.
        """
        if not isinstance(users, Mapping):
            raise ValueError(f"credentials: must be a mapping of user to password, not {type(users).__name__}")
        self._key = secrets.token_bytes(32)
        self._plain: dict[str, bytes] = {}
        self._hashes: dict[str, Hash] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.problems: list[str] = []
        for user, entry in users.items():
            name = str(user)
            values = dict(entry) if isinstance(entry, Mapping) else {"password": entry}
            password = values.pop("password", None)
            try:
                hash = _parse(password)
            except ValueError as error:
                self.problems.append(f"credentials: {name}: the password {error}")
                continue
            if hash:
                self._hashes[name] = hash
            else:
                self._plain[name] = self._digest(str(password))
            self.attributes[name] = values
        self._nobody = secrets.token_bytes(32)
        # One hash of each kind stands in for those who have none of it.
        self._stand_ins = {hash.profile: hash for hash in self._hashes.values()}
        self.hashed = bool(self._hashes)

    def check(self, user: str, password: str) -> bool:
        """True if `user` has that password. Compares one digest and one hash of each kind, whoever asks."""
        usable = 0 < len(password) <= LONGEST and password.isprintable()
        password = password if usable else "-"
        plain = hmac.compare_digest(self._digest(password), self._plain.get(user, self._nobody))
        own = self._hashes.get(user)
        hashed = False
        for profile, stand_in in self._stand_ins.items():
            is_own = own is not None and own.profile == profile
            matched = matches(own if own is not None and is_own else stand_in, password)
            hashed |= matched and is_own
        return usable and (plain or hashed)

    def _digest(self, password: str) -> bytes:
        return hmac.digest(self._key, password.encode("utf-8", "surrogatepass"), "sha256")


def _parse(password: Any) -> Hash | None:
    if isinstance(password, (bool, Mapping, list)):
        raise ValueError(f"must be text, not {type(password).__name__}")
    if password is None or str(password) == "":
        raise ValueError("is empty; nobody can log in as this user")
    return parse_hash(str(password))


def _argon2_profile(text: str) -> str:
    try:
        import argon2
    except ImportError:
        raise ValueError("is an Argon2 hash, and argon2-cffi is not installed; install it or use scrypt") from None
    try:
        known = argon2.extract_parameters(text)
        _decode(text.split("$")[-1])
    except (argon2.exceptions.InvalidHashError, ValueError):
        raise ValueError(
            "is a damaged Argon2 hash; it should look like $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH"
        ) from None
    if known.memory_cost > 2**20 or known.time_cost > 32:
        raise ValueError("is an Argon2 hash that costs too much to check; use m=19456,t=2,p=1")
    return f"argon2 {known.type.name} {known.version} {known.time_cost} {known.memory_cost} {known.parallelism}"


def _scrypt(password: str, salt: bytes, ln: int, r: int, p: int, length: int) -> bytes:
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=1 << ln, r=r, p=p, dklen=length, maxmem=(128 * r << ln) * 2 + 2**20)


def _b64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    text = text.replace(".", "+").rstrip("=")  # passlib writes a dot for a plus
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
