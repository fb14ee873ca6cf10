"""Certificates made and judged with the real openssl, checked with an independent library."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from pathlib import Path
from socket import create_connection, create_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from gramex_nginx import certificate
from gramex_nginx.certificate import CertificateError, check_key, make, openssl, read, subject_names, unfit

NAMES = ["localhost", "127.0.0.1", "[::1]", "Machine", "www.example.com"]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    make(tmp_path, "localhost", NAMES, 825)
    return tmp_path


def test_made_for_all_names_on_p256(pair: Path) -> None:
    found = x509.load_pem_x509_certificate((pair / "cert.pem").read_bytes())
    key = found.public_key()
    assert isinstance(key, EllipticCurvePublicKey)
    assert isinstance(key.curve, SECP256R1)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "machine", "www.example.com"}
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    }
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    assert 823 <= left.days <= 825


def test_read_says_what_the_library_says(pair: Path) -> None:
    found = x509.load_pem_x509_certificate((pair / "cert.pem").read_bytes())
    read_back = read(pair / "cert.pem")
    assert bytes.fromhex(read_back.fingerprint.replace(":", "")) == found.fingerprint(hashes.SHA256())
    assert read_back.expires == found.not_valid_after_utc.date().isoformat()
    assert read_back.names == subject_names(NAMES)


def test_the_key_is_private_and_new_each_time(pair: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert (pair / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (pair / "cert.pem").stat().st_mode & 0o777 == 0o644
    other = tmp_path_factory.mktemp("other")
    make(other, "localhost", NAMES, 825)
    assert (other / "key.pem").read_bytes() != (pair / "key.pem").read_bytes()


def test_it_stays_while_it_is_good(pair: Path) -> None:
    assert unfit(pair, list(reversed(NAMES))) == ""


def test_why_it_is_made_anew(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unfit(pair / "nowhere", NAMES) == "there was none"
    assert unfit(pair, ["localhost"]) == "the names changed"
    (pair / "key.pem").chmod(0o640)
    assert unfit(pair, NAMES) == "others could read the former key"
    (pair / "key.pem").chmod(0o600)
    monkeypatch.setattr(certificate, "RENEW", 826 * 86400)
    assert unfit(pair, NAMES).startswith("the former one ends on 20")
    (pair / "cert.pem").write_text("nonsense")
    assert unfit(pair, NAMES) == "the former one could not be used"


def test_one_that_ends_soon_is_renewed(tmp_path: Path) -> None:
    make(tmp_path, "localhost", ["localhost"], 29)
    assert unfit(tmp_path, ["localhost"]).startswith("the former one ends on 20")
    make(tmp_path, "localhost", ["localhost"], 31)
    assert unfit(tmp_path, ["localhost"]) == ""


def test_a_key_of_another_certificate_is_refused(pair: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make(other, "localhost", NAMES, 825)
    found = read(pair / "cert.pem")
    check_key(pair / "cert.pem", pair / "key.pem", found)
    with pytest.raises(CertificateError, match="does not belong to the certificate in"):
        check_key(pair / "cert.pem", other / "key.pem", found)


def test_rsa_pairs_of_others_are_read(tmp_path: Path) -> None:
    files = ["-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=old", "-days", "3", *files)
    found = read(tmp_path / "c")
    check_key(tmp_path / "c", tmp_path / "k", found)
    assert found.names == []
    assert not found.covers("old")


def test_keys_with_a_pass_phrase_are_refused_without_asking(pair: Path) -> None:
    locked = pair / "locked.pem"
    openssl("pkey", "-in", str(pair / "key.pem"), "-aes256", "-passout", "pass:secret", "-out", str(locked))
    with pytest.raises(CertificateError, match="without a pass phrase"):
        check_key(pair / "cert.pem", locked, read(pair / "cert.pem"))


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.pem").write_text(text)
    with pytest.raises(CertificateError, match=r"c\.pem: .*certificate"):
        read(tmp_path / "c.pem")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="cannot be read: No such file"):
        read(tmp_path / "c.pem")


@pytest.mark.parametrize(
    ("name", "good"),
    [("localhost", True), ("[::1]", True), ("127.0.0.1", True), ("MACHINE", True), ("127.0.0.2", False), ("x", False)],
)
def test_names_it_covers(pair: Path, name: str, good: bool) -> None:
    assert read(pair / "cert.pem").covers(name) is good


def test_stars_cover_one_level(tmp_path: Path) -> None:
    make(tmp_path, "example.com", ["*.example.com"], 100)
    found = read(tmp_path / "cert.pem")
    assert found.covers("www.example.com")
    assert not found.covers("a.b.example.com")
    assert not found.covers("example.com")


def test_long_names_fit(tmp_path: Path) -> None:
    name = f"{'a' * 60}.{'b' * 60}.example.com"
    make(tmp_path, name, [name], 100)
    assert read(tmp_path / "cert.pem").names == [f"DNS:{name}"]


def test_clients_that_trust_it_connect(pair: Path) -> None:
    """The strictest client at hand: Python's default context, with strict checks where they are not the default."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair / "cert.pem", pair / "key.pem")
    client = ssl.create_default_context(cafile=str(pair / "cert.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    with create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(2):
                plain, _ = listener.accept()
                with server.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        for name in ("localhost", "127.0.0.1"):
            with (
                create_connection(listener.getsockname()) as plain,
                client.wrap_socket(plain, server_hostname=name) as secure,
            ):
                assert secure.version() == "TLSv1.3"
                secure.send(b"x")
        thread.join(10)
    assert not thread.is_alive()
