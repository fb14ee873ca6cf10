"""Certificates on a host: made once, renewed when they must be, given by files, and shown by nginx."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from . import plans
from .conftest import CERTIFICATE, Machine


@pytest.fixture(scope="module")
def served(host: Machine) -> Machine:
    """A host that serves localhost."""
    run = host.deploy(plans.local())
    assert not run.failed, run.message
    return host


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of an authority of our own: a.*, b.* for shop.example; short.* that has ended."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "30")
    for name in ("a", "b"):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:shop.example")
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=shop", "-days", "60", *signed)
    chain = (folder / "a.pem").read_text() + (folder / "ca.pem").read_text()
    (folder / "a.pem").write_text(chain)
    return folder


def test_it_stays_the_same(served: Machine) -> None:
    first = served.shell(f"cat {CERTIFICATE} /etc/gramex/tls/localhost/key.pem")
    assert served.deploy(plans.local(timeout=31)).done == ["nginx reloaded"]
    assert served.shell(f"cat {CERTIFICATE} /etc/gramex/tls/localhost/key.pem") == first


def test_other_names_need_another_one(served: Machine) -> None:
    plan = plans.local()
    plan["sites"][0]["names"].append("other.example")
    before = served.deploy(plans.local()).rows[0]["fingerprint"]
    run = served.deploy(plan)
    assert run.done == ["self-signed certificate of localhost made: the names changed", "nginx reloaded"]
    said = served.ask("https://other.example/", at="127.0.0.1", trust=CERTIFICATE)
    assert said["fingerprint"] == run.rows[0]["fingerprint"] != before
    assert served.deploy(plan).changed is False


def test_one_that_ends_soon_is_made_anew(served: Machine) -> None:
    served.deploy(plans.one("soon.example", nginx_selfsigned_days=29))
    run = served.deploy(plans.one("soon.example"))
    assert run.done[0].startswith("self-signed certificate of soon.example made: the former one ends on 20")
    assert served.deploy(plans.one("soon.example")).changed is False
    assert served.shell("ls /etc/gramex/tls").split() == ["soon.example"]


def test_check_shows_no_certificate_that_it_does_not_keep(served: Machine) -> None:
    run = served.deploy(plans.one("check.example"), "--check", "--diff")
    assert run.rows == [
        {"domain": "check.example", "urls": ["https://check.example/"], "fingerprint": "", "expires": ""}
    ]
    assert "PRIVATE" not in run.output
    assert "check.example" not in served.shell("ls /etc/gramex/tls")


def files(folder: Path, certificate: str, key: str, **keys: str) -> dict[str, object]:
    """A plan with files on the controller."""
    given = {"certificate": str(folder / certificate), "key": str(folder / key), **keys}
    return plans.one("shop.example", "files", nginx_certificates={"shop.example": given})


def test_files_of_the_controller(served: Machine, issued: Path) -> None:
    run = served.deploy(files(issued, "a.pem", "a.key"), "--diff", "-vvv")
    assert not run.failed, run.message
    assert "PRIVATE" not in run.output
    served.write("/root/ca.pem", (issued / "ca.pem").read_text())
    said = served.ask("https://shop.example/", at="127.0.0.1", trust="/root/ca.pem")
    assert said["status"] == 200
    assert said["fingerprint"] == run.rows[0]["fingerprint"]
    assert said["headers"]["strict-transport-security"] == "max-age=63072000"
    own = served.ask("https://shop.example/own", at="127.0.0.1", trust="/root/ca.pem")
    assert [value for name, value in own["pairs"] if name == "strict-transport-security"] == ["max-age=63072000"]
    assert served.shell("stat -c %a /etc/gramex/tls/shop.example/key.pem").strip() == "600"
    assert served.deploy(files(issued, "a.pem", "a.key")).changed is False


def test_a_new_file_is_shown(served: Machine, issued: Path) -> None:
    before = served.deploy(files(issued, "a.pem", "a.key")).rows[0]["fingerprint"]
    run = served.deploy(files(issued, "b.pem", "b.key"))
    assert run.done == ["nginx reloaded"]
    said = served.ask("https://shop.example/", at="127.0.0.1")
    assert said["fingerprint"] == run.rows[0]["fingerprint"] != before


def test_a_pair_that_does_not_fit_changes_nothing(served: Machine, issued: Path) -> None:
    served.deploy(files(issued, "a.pem", "a.key"))
    before = served.snapshot()
    run = served.deploy(files(issued, "a.pem", "b.key"))
    assert "certificate of shop.example" in run.message
    assert "this key does not belong to the certificate in /etc/gramex/tls/shop.example/cert.pem" in run.message
    assert "PRIVATE" not in run.output
    assert served.snapshot() == before


def test_a_file_that_is_not_there(served: Machine, issued: Path) -> None:
    run = served.deploy(files(issued, "a.pem", "none.key"))
    assert f"nginx_certificates.shop.example.key: {issued}/none.key cannot be read" in run.message


def test_files_of_the_host_are_left_where_they_are(served: Machine, issued: Path) -> None:
    for name in ("b.pem", "b.key"):
        served.write(f"/etc/ssl/it/{name}", (issued / name).read_text())
    plan = files(Path("/etc/ssl/it"), "b.pem", "b.key", where="host")
    run = served.deploy(plan)
    assert not run.failed, run.message
    assert served.ask("https://shop.example/", at="127.0.0.1")["fingerprint"] == run.rows[0]["fingerprint"]
    assert served.shell("ls /etc/gramex").split() == ["nginx.json"]
    # IT renews it in place: the next run has nginx load it.
    served.write("/etc/ssl/it/b.pem", (issued / "a.pem").read_text())
    served.write("/etc/ssl/it/b.key", (issued / "a.key").read_text())
    run = served.deploy(plan)
    assert run.done == ["nginx reloaded"]
    assert served.ask("https://shop.example/", at="127.0.0.1")["fingerprint"] == run.rows[0]["fingerprint"]


def test_doubts_are_said(served: Machine, issued: Path) -> None:
    plan = files(issued, "a.pem", "a.key")
    plan["sites"][0]["redirect"] = ["www.shop.example"]  # type: ignore[index]
    assert "The certificate of shop.example is not for www.shop.example" in served.deploy(plan).warnings


def test_clients_by_address_get_the_certificate_with_the_address(served: Machine) -> None:
    plan = plans.local()
    plan["apps"].append(plans.app("other"))
    plan["sites"].append(plans.site("a.example", ["other"]))
    run = served.deploy(plan)
    assert not run.failed, run.message
    assert served.ask("https://127.0.0.1/", trust=CERTIFICATE)["status"] == 200
    assert served.ask("https://a.example/", at="127.0.0.1")["fingerprint"] == run.rows[1]["fingerprint"]
