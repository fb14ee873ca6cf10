"""Make, read and judge certificates with the openssl command; a host needs no Python package for it."""

from __future__ import annotations

import ipaddress
import os
import re
import tempfile
import time
from calendar import timegm
from dataclasses import dataclass, field
from pathlib import Path

from .command import run

RENEW = 30 * 86400  # seconds: a self-signed certificate with less time left is made anew
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """A certificate or key that cannot be used; the text is for the operator."""


@dataclass
class Certificate:
    """What a certificate file says. ends: seconds since the epoch."""

    fingerprint: str  # SHA-256 of the leaf, upper case hexadecimal with colons
    ends: int
    names: list[str] = field(default_factory=list)  # as in `subject_names`
    public: str = ""  # the leaf's public key, PEM

    @property
    def expires(self) -> str:
        """Last day as an ISO date, UTC."""
        return time.strftime("%Y-%m-%d", time.gmtime(self.ends))

    def left(self) -> float:
        """Seconds that it still holds; negative when it has ended."""
        return self.ends - time.time()

    def covers(self, name: str) -> bool:
        """Is the certificate good for this name or address?"""
        (wanted,) = subject_names([name])
        star = "DNS:*." + wanted.partition(":")[2].partition(".")[2]
        return wanted in self.names or (wanted.startswith("DNS:") and star in self.names)


def subject_names(names: list[str]) -> list[str]:
    """Return ``DNS:name`` or ``IP:address`` for each server name, ``[::1]`` included, sorted and without repeats."""
    found = set()
    for name in names:
        try:
            found.add(f"IP:{ipaddress.ip_address(name.strip('[]'))}")
        except ValueError:
            found.add(f"DNS:{name.lower()}")
    return sorted(found)


def openssl(*args: str, data: bytes | None = None) -> str:
    """Run openssl and return what it prints. Raises CertificateError with its last words."""
    code, output, errors = run("openssl", *args, data=data, seconds=60)
    if code == 127:
        raise CertificateError("the command openssl is missing: apt-get install openssl")
    if code:
        raise CertificateError((errors.strip().splitlines() or [f"openssl {args[0]} failed"])[0])
    return output


def read(path: Path) -> Certificate:
    """Read the leaf (first certificate) of a PEM file. Raises CertificateError where there is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: cannot be read: {error.strerror}") from None
    match = _PEM.search(content)
    if not match:
        raise CertificateError(f"{path}: holds no certificate; it must be PEM, leaf first, then the chain")
    try:
        text = openssl("x509", "-noout", "-fingerprint", "-sha256", "-enddate", "-pubkey", data=match.group())
    except CertificateError as error:
        raise CertificateError(f"{path}: is no certificate that can be read: {error}") from None
    ends = _search(r"notAfter=(.+)", text)
    return Certificate(
        fingerprint=_search(r"Fingerprint=([0-9A-F:]+)", text).upper(),
        ends=timegm(time.strptime(ends, "%b %d %H:%M:%S %Y %Z")),
        names=_names(match.group()),
        public=_search(r"(-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----)", text),
    )


def _search(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.DOTALL if "-----" in pattern else 0)
    return match.group(1).strip() if match else ""


def _names(pem: bytes) -> list[str]:
    """Subject alternative names; -ext answers with an error text on standard error where there are none."""
    text = openssl("x509", "-noout", "-ext", "subjectAltName", data=pem)
    found = re.findall(r"(DNS|IP Address):([^,\s]+)", text)
    return subject_names([value for _, value in found])


def check_key(path: Path, key: Path, certificate: Certificate) -> None:
    """Raise CertificateError unless the key file at `key` belongs to the certificate read from `path`."""
    try:
        # An empty pass phrase: openssl must never wait for somebody to type one.
        public = openssl("pkey", "-in", str(key), "-pubout", "-passin", "pass:")
    except CertificateError:
        raise CertificateError(
            f"{key}: holds no private key that nginx can use; it must be PEM without a pass phrase"
        ) from None
    if "".join(public.split()) != "".join(certificate.public.split()):
        raise CertificateError(f"{key}: this key does not belong to the certificate in {path}; give the pair that does")


def make(folder: Path, domain: str, names: list[str], days: int) -> None:
    """Make a random P-256 key (key.pem, 0600) and a self-signed certificate (cert.pem) for `names` in `folder`."""
    subject = subject_names(names)
    # Common names have at most 64 characters; clients look at the alternative names.
    common = domain if len(domain) <= 64 else "gramex"
    settings = "\n".join(
        [
            "[req]",
            "distinguished_name = name",
            "prompt = no",
            "x509_extensions = leaf",
            "[name]",
            f"CN = {common}",
            "[leaf]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            "extendedKeyUsage = serverAuth",
            "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid",
            f"subjectAltName = {', '.join(subject)}",
        ]
    )
    key, cert = folder / "key.pem", folder / "cert.pem"
    mask = os.umask(0o077)
    try:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
        with tempfile.NamedTemporaryFile("w", suffix=".cnf", encoding="utf-8") as config:
            config.write(settings + "\n")
            config.flush()
            lifetime = ("-days", str(max(1, days)))
            openssl(
                "req",
                "-x509",
                "-new",
                "-sha256",
                *lifetime,
                "-key",
                str(key),
                "-config",
                config.name,
                "-out",
                str(cert),
            )
    finally:
        os.umask(mask)
    cert.chmod(0o644)


def unfit(folder: Path, names: list[str]) -> str:
    """Why the self-signed pair in `folder` cannot stay: '' if it can."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not cert.exists() or not key.exists():
        return "there was none"
    try:
        found = read(cert)
        check_key(cert, key, found)
    except CertificateError:
        return "the former one could not be used"
    if key.stat().st_mode & 0o077:
        return "others could read the former key"
    if found.names != subject_names(names):
        return "the names changed"
    return "" if found.left() >= RENEW else f"the former one ends on {found.expires}"
