"""Certificate files, on the controller and on the host: pair, time and names."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gramex_preflight import certificates, pairs

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
Made = Callable[..., dict[str, str]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes a pair of files; returns certificate and key as nginx_certificates has them."""

    def make(
        name: str = "a", days: tuple[int, int] = (-10, 300), names: tuple[str, ...] = ("shop.example",), **pem: Any
    ) -> dict[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(7).not_valid_before(NOW + days[0] * DAY).not_valid_after(NOW + days[1] * DAY)
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
            builder = builder.add_extension(alternatives, critical=False)
        leaf = builder.sign(key, hashes.SHA256())
        encryption = pem.get("encryption", serialization.NoEncryption())
        kind = serialization.PrivateFormat.PKCS8
        files = {"certificate": tmp_path / f"{name}.pem", "key": tmp_path / f"{name}.key"}
        files["certificate"].write_bytes(b"a comment\n" + leaf.public_bytes(serialization.Encoding.PEM))
        files["key"].write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, encryption))
        return {name: str(file) for name, file in files.items()}

    return make


@pytest.fixture(params=["controller", "host"])
def said(request: pytest.FixtureRequest) -> Callable[..., list[tuple[str, bool, str]]]:
    """Judges a pair where it is: both places find the same."""

    def judged(pair: dict[str, str], others: tuple[str, ...] = ()) -> list[tuple[str, bool, str]]:
        given = {"shop.example": {**pair, "where": request.param}}
        found = pairs.read(certificates.on_host(given, given))
        assert bool(found) is (request.param == "host")
        problems = certificates.judge({"shop.example": others}, given, found, lambda file: Path(file).read_text(), NOW)
        return [(problem.who, problem.warning, problem.message) for problem in problems]

    return judged


def test_a_good_pair(made: Made, said: Any) -> None:
    assert said(made()) == []
    assert said(made(names=("*.example", "www.shop.example")), ("www.shop.example",)) == []


def test_a_key_of_another(made: Made, said: Any) -> None:
    pair = {**made(), "key": made("b")["key"]}
    text = f"{pair['key']} does not belong to the certificate in {pair['certificate']}; give the pair that does."
    assert said(pair) == [("you", False, text)]


def test_a_locked_key(made: Made, said: Any) -> None:
    pair = made(encryption=serialization.BestAvailableEncryption(b"hush"))
    text = "holds no private key that can be used; it must be PEM without a pass phrase."
    assert said(pair) == [("you", False, f"{pair['key']} {text}")]


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_file_that_is_not_there(which: str, made: Made, said: Any) -> None:
    pair = made()
    Path(pair[which]).unlink()
    ((who, warning, text),) = said(pair)
    assert (who, warning) == ("you", False)
    assert text.startswith(f"{pair[which]} cannot be read: ")


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"])
def test_no_certificate(content: str, made: Made, said: Any) -> None:
    pair = made()
    Path(pair["certificate"]).write_text(content)
    ((who, warning, text),) = said(pair)
    assert (who, warning) == ("you", False)
    assert text == f"{pair['certificate']} holds no certificate; it must be PEM, leaf first, then the chain."


@pytest.mark.parametrize(
    ("days", "warning", "text"),
    [
        ((-300, -1), False, "ended on 2029-12-31. Browsers refuse it."),
        ((-300, 0), False, "ended on 2030-01-01. Browsers refuse it."),
        ((2, 300), False, "begins on 2030-01-03. Browsers refuse it until then."),
        ((-300, 29), True, "ends on 2030-01-30, soon."),
    ],
)
def test_time(days: tuple[int, int], warning: bool, text: str, made: Made, said: Any) -> None:
    pair = made(days=days)
    assert said(pair) == [("domain owner", warning, f"{pair['certificate']} {text}")]


def test_names(made: Made, said: Any) -> None:
    pair = made(names=("other.example", "*.shop.example"))
    start = f"{pair['certificate']} is for *.shop.example, other.example, not for"
    assert said(pair, ("www.shop.example", "old.example")) == [
        ("domain owner", False, f"{start} shop.example: browsers warn of it."),
        ("domain owner", True, f"{start} old.example: browsers warn of it."),
    ]
    assert said(made(names=()))[0][2].endswith("is for no name, not for shop.example: browsers warn of it.")


def test_no_files_are_given() -> None:
    (problem,) = certificates.judge({"shop.example": []}, {}, {}, lambda file: "")
    assert str(problem).splitlines()[0] == (
        "nginx_certificates.shop.example: is missing: shop.example has `tls: files`."
    )


def test_whose_certificates_are_looked_at() -> None:
    app = {"state": "present", "domain": "a.example", "tls": "files", "redirect": ["b.example"]}
    apps = [app, {**app, "redirect": ["c.example", "b.example"]}, {**app, "domain": "x.example", "tls": "selfsigned"}]
    apps.append({**app, "domain": "y.example", "state": "absent"})
    assert certificates.wanted(apps) == {"a.example": ["b.example", "c.example"]}
