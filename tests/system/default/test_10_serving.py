"""What stands after one run of site.yml: services, sockets, certificates, pages."""

import subprocess

import pytest
from testinfra.host import Host

from system import visit
from system.target import Browser, Target

APPS = ("site", "api", "shared")
CERTIFICATE = "/etc/gramex/tls/localhost/cert.pem"


@pytest.mark.init("systemd")
@pytest.mark.parametrize("app", APPS)
def test_systemd_runs_the_active_colour_behind_its_socket(target: Target, host: Host, app: str) -> None:
    unit = host.service(f"gramex-{app}.socket")
    assert unit.is_running
    assert unit.is_enabled
    running = target.output(f"systemctl list-units --plain --no-legend --state=active 'gramex-{app}@*' | cut -d' ' -f1")
    assert running == f"gramex-{app}@blue-1.service"
    assert target.output(f"systemctl show -P User {running}") == f"gramex-{app}"


@pytest.mark.init("sysvinit")
@pytest.mark.parametrize("app", APPS)
def test_the_init_script_reports_and_starts_at_boot(target: Target, app: str) -> None:
    assert target.run(f"service gramex-{app} status").returncode == 0
    assert target.output(f"ls /etc/rc2.d | grep -c 'S[0-9]*gramex-{app}$'") == "1"


@pytest.mark.parametrize("app", APPS)
def test_only_nginx_reaches_an_app(target: Target, app: str) -> None:
    path = f"/run/gramex/{app}.sock" if target.init == "systemd" else f"/run/gramex/{app}/{app}.sock"
    assert target.output(f"stat -L -c '%F %a %G' {path}") == "socket 660 www-data"
    assert target.run(f"su -s /bin/sh nobody -c 'test -w {path}'").returncode != 0


def test_nothing_else_listens(target: Target) -> None:
    """The apps need no port, and nginx only two."""
    ports = [name for name in target.snapshot()["listeners"] if name.startswith("tcp")]
    assert ports == ["tcp 443", "tcp 80"]


@pytest.mark.parametrize("app", APPS)
def test_an_app_cannot_write_its_release_nor_read_others(target: Target, app: str) -> None:
    user = f"gramex-{app}"
    other = next(name for name in APPS if name != app)
    assert target.run(f"su -s /bin/sh {user} -c 'touch /srv/gramex/{app}/releases/*/x'").returncode != 0
    assert target.run(f"su -s /bin/sh {user} -c 'ls /srv/gramex/{other}/releases/*/'").returncode != 0
    assert target.run(f"su -s /bin/sh {user} -c 'ls /var/lib/gramex/{other}/'").returncode != 0


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "machine"])
def test_the_certificate_is_good_for_each_name(target: Target, name: str) -> None:
    """Clients that trust the certificate reach the site without a warning under every name of this machine."""
    served = target.ask(
        "certificate", host=target.output("hostname") if name == "machine" else name, authority=CERTIFICATE
    )
    assert "error" not in served, served["error"]
    assert served["protocol"] == "TLSv1.3"
    assert served["pem"].strip() == target.output(f"cat {CERTIFICATE}")


def test_the_certificate_is_p256_and_its_key_is_private(target: Target) -> None:
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text"],
        input=target.output(f"cat {CERTIFICATE}"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "ASN1 OID: prime256v1" in text
    assert f"DNS:{target.output('hostname')}" in text
    assert target.output("stat -c '%a %U:%G' /etc/gramex/tls/localhost/key.pem") == "600 root:root"


def test_http_leads_to_https(browser: Browser) -> None:
    answer = browser.get("http://localhost/members?a=1&b=%2F")
    assert answer.status in (301, 308)
    assert answer.headers["location"] == "https://localhost/members?a=1&b=%2F"


def test_every_page_has_its_content(browser: Browser) -> None:
    visit.visit_pages(browser)
    assert browser.get("/api/add?x=1&x=2.5&x=two").json() == {"sum": 3.5, "refused": ["two"]}
    assert browser.get("/shared/one/clock").json()["app"] == "one"
    assert browser.get("/missing").status == 404
    assert browser.get("/gramex.yaml").status in (403, 404)


def test_members_log_in_with_the_secret_and_out_again(browser: Browser) -> None:
    assert visit.log_in(browser, "alpha") in (200, 401), "the example's own password still opens"
    assert not visit.is_member(browser)
    assert visit.log_in(browser, "from the vault") == 302
    assert visit.is_member(browser)
    assert browser.get("/logout").status == 302
    assert not visit.is_member(browser)


def test_a_session_cookie_is_safe(browser: Browser) -> None:
    visit.log_in(browser, "from the vault")
    answer = browser.get("/login/")
    cookies = [line.lower() for line in answer.cookies]
    assert visit.is_member(browser)
    assert all("httponly" in line and "secure" in line and "samesite" in line for line in cookies), cookies


def test_messages_come_back_over_a_websocket(browser: Browser) -> None:
    visit.talk(browser)
    visit.sign(browser, "posted")


def test_secrets_are_stored_for_the_app_alone(target: Target) -> None:
    assert target.output("stat -c '%a %U:%G' /etc/gramex/site/secrets.yaml") == "640 root:gramex-site"
    found = target.run("grep -rl 'from the vault' /srv /var/lib/gramex /var/log /etc /run --exclude-dir=systemd")
    assert found.stdout.split() == ["/etc/gramex/site/secrets.yaml"]


def test_a_host_is_reached_from_outside_too(target: Target, host: Host) -> None:
    """Not only over its loopback interface."""
    address = target.output("hostname -i").split()[0]
    assert not address.startswith("127.")
    assert "error" not in target.ask("certificate", host=address)
