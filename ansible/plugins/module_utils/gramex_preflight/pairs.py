"""Reads, on the host, certificates that IT put there. Their keys stay where they are."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read(places: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return for each domain `pem` (the leaf), or `error` and the `file` that it is about."""
    return {domain: _read(place["certificate"], place["key"]) for domain, place in places.items()}


def _read(certificate: str, key: str) -> dict[str, str]:
    for file in (certificate, key):
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            return {"file": file, "error": f"cannot be read: {error.strerror}"}
        if file == certificate:
            leaf = PEM.search(content.decode("latin-1"))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=leaf.group() if leaf else " ")
    except ssl.SSLError:
        return {"file": certificate, "error": "holds no certificate; it must be PEM, leaf first, then the chain"}
    try:
        # An empty pass phrase: it must never wait for somebody to type one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return {
                "file": key,
                "error": f"does not belong to the certificate in {certificate}; give the pair that does",
            }
        return {"file": key, "error": "holds no private key that can be used; it must be PEM without a pass phrase"}
    return {"pem": leaf.group() if leaf else ""}
