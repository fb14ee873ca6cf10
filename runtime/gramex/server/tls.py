"""Makes the TLS context from ``app.listen.ssl_options``."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gramex.config import ConfigError, Loaded
from gramex.server.errors import mistake

# Mozilla's intermediate guideline, 5.7. TLS 1.3 suites are chosen by OpenSSL itself.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
KNOWN = ("certfile", "keyfile", "password", "ca_certs", "ciphers")


def tls_context(loaded: Loaded) -> ssl.SSLContext | None:
    """Return a server context for TLS 1.2 and up, None where none is configured.

    Files are relative to the start folder. With ``ca_certs`` clients must show a certificate signed by one of those.

    Raises:
        ConfigError: a file is missing, cannot be read, is not PEM, or certificate and key do not match.
    """
    listen = (loaded.conf.get("app") or {}).get("listen") or {}
    options = listen.get("ssl_options")
    if not options:
        return None
    if not isinstance(options, Mapping) or not options.get("certfile"):
        raise _error(loaded, "", "needs certfile: and keyfile:, paths of PEM files")
    unknown = sorted(set(map(str, options)) - set(KNOWN))
    if unknown:
        raise _error(loaded, unknown[0], f"is not known. Use {', '.join(KNOWN)}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    try:
        context.set_ciphers(str(options.get("ciphers") or CIPHERS))
    except ssl.SSLError:
        raise _error(loaded, "ciphers", "names no cipher that this OpenSSL has") from None
    load_certificate(context, loaded)
    if options.get("ca_certs"):
        path = _readable(loaded, "ca_certs", options["ca_certs"])
        try:
            context.load_verify_locations(path)
        except ssl.SSLError as error:
            raise _error(loaded, "ca_certs", f"{path} has no certificate in PEM format: {_reason(error)}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def load_certificate(context: ssl.SSLContext, loaded: Loaded) -> None:
    """Read certificate and key into a context; done again at a reload, a renewed certificate is served from then on.

    Raises:
        ConfigError: as `tls_context`.
    """
    options: Mapping[str, Any] = loaded.conf["app"]["listen"]["ssl_options"]
    certificate = _readable(loaded, "certfile", options["certfile"])
    key = _readable(loaded, "keyfile", options["keyfile"]) if options.get("keyfile") else None
    password = str(options.get("password") or "")
    try:
        # Without a callable OpenSSL would ask for the password of an encrypted key on the terminal.
        context.load_cert_chain(certificate, key, lambda: password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _error(
                loaded, "keyfile", f"{key or certificate} is not the key of the certificate {certificate}"
            ) from None
        if _holds_certificate(certificate):
            hint = "is no private key in PEM format, or needs another password:"
            raise _error(loaded, "keyfile", f"{key or certificate} {hint} {_reason(error)}") from None
        raise _error(loaded, "certfile", f"{certificate} is no certificate in PEM format: {_reason(error)}") from None


def _holds_certificate(path: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True


def _readable(loaded: Loaded, key: str, value: Any) -> Path:
    path = loaded.folder / str(value)
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise _error(loaded, key, f"{path} cannot be read: {error.strerror}") from None
    return path


def _reason(error: ssl.SSLError) -> str:
    return str(error.reason or error).replace("_", " ").lower()


def _error(loaded: Loaded, key: str, message: str) -> ConfigError:
    return mistake(loaded, message, "listen", "ssl_options", *([key] if key else []))
