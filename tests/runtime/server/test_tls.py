"""HTTPS of the runtime itself."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
from typing import Any

import pytest


def client(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def fetch(port: int) -> http.client.HTTPResponse:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=client())
    connection.request("GET", "/page")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def served(port: int) -> bytes:
    """The certificate that the process shows, DER."""
    with socket.create_connection(("127.0.0.1", port), 20) as sock, client().wrap_socket(sock) as wrapped:
        found = wrapped.getpeercert(binary_form=True)
    assert found
    return found


def test_files_are_relative_to_the_start_folder(work: Any, certificate: Any) -> None:
    process = work(*certificate.options)
    assert fetch(process.port).status == 200
    assert served(process.port) == ssl.PEM_cert_to_DER_cert(certificate.path.read_text())
    assert f"https://127.0.0.1:{process.port}/" in process.log


@pytest.mark.parametrize(
    ("version", "works"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_versions(work: Any, certificate: Any, version: ssl.TLSVersion, works: bool) -> None:
    process = work(*certificate.options)
    with socket.create_connection(("127.0.0.1", process.port), 20) as sock:
        if works:
            with client(version).wrap_socket(sock) as wrapped:
                assert wrapped.version() == version.name.replace("TLSv1_", "TLSv1.")
        else:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                client(version).wrap_socket(sock)


def test_plain_http_fails_and_harms_nobody(work: Any, certificate: Any) -> None:
    process = work(*certificate.options)
    assert not process.raw(b"GET /page HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert fetch(process.port).status == 200
    assert "Traceback" not in process.log


def test_unix_socket_stays_plain(work: Any, certificate: Any) -> None:
    process = work(*certificate.options, unix=True)
    assert process.get("/page").status == 200


def test_client_that_never_shakes_hands_is_cut(work: Any, certificate: Any) -> None:
    process = work(*certificate.options, "--listen.header_timeout=0.5")
    assert process.connect().recv(1) == b""


def test_renewed_certificate_is_served_after_a_hangup(work: Any, certificate: Any, other_certificate: Any) -> None:
    process = work(*certificate.options)
    before = served(process.port)
    for name in ("path", "key"):
        getattr(certificate, name).write_bytes(getattr(other_certificate, name).read_bytes())
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    assert served(process.port) != before
    certificate.path.write_text("no certificate")
    process.kill(signal.SIGHUP)
    process.wait_log("stays in use")
    assert served(process.port) == ssl.PEM_cert_to_DER_cert(other_certificate.path.read_text())


def test_connections_are_drained(work: Any, certificate: Any) -> None:
    process = work(*certificate.options)
    connection = http.client.HTTPSConnection("127.0.0.1", process.port, timeout=20, context=client())
    connection.request("GET", "/slow?s=1")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    answer = connection.getresponse()
    assert (answer.read(), answer.headers["Connection"]) == (b"slow page", "close")
    connection.close()
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("certfile", "keyfile", "message"),
    [
        ("none.crt", "tls.key", "--listen.ssl_options.certfile: {folder}/none.crt cannot be read: No such file"),
        ("tls.crt", "none.key", "--listen.ssl_options.keyfile: {folder}/none.key cannot be read: No such file"),
        ("tls.crt", "other.key", "{folder}/other.key is not the key of the certificate {folder}/tls.crt"),
        ("work.py", "tls.key", "--listen.ssl_options.certfile: {folder}/work.py is no certificate in PEM format"),
        ("tls.crt", "work.py", "--listen.ssl_options.keyfile: {folder}/work.py is no private key in PEM format"),
        ("tls.crt", "locked.key", "--listen.ssl_options.keyfile: {folder}/locked.key is no private key"),
        ("", "tls.key", "--listen.ssl_options: needs certfile: and keyfile:"),
    ],
)
def test_what_is_wrong_with_the_files_is_said(
    work: Any, certificate: Any, other_certificate: Any, certfile: str, keyfile: str, message: str
) -> None:
    process = work(f"--listen.ssl_options.certfile={certfile}", f"--listen.ssl_options.keyfile={keyfile}", ready=False)
    assert process.wait() == 2, process.log
    assert message.format(folder=process.folder) in process.log
    assert "Traceback" not in process.log
