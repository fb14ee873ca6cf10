"""What users and apps get through nginx."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import plans
from .conftest import CERTIFICATE, Machine

SPOOFED = {
    "X-Real-IP": "6.6.6.6",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=6.6.6.6",
    "X-Scheme": "gopher",
    "X-Request-URI": "/evil",
    "X-Gramex-Root": "/evil",
    "X_Real_IP": "6.6.6.6",
    "Proxy": "evil.example",
}


@pytest.fixture(scope="module")
def served(host: Machine) -> Machine:
    """A host that serves three apps on localhost."""
    run = host.deploy(plans.local())
    assert not run.failed, run.message
    return host


def seen(answer: dict[str, Any]) -> dict[str, Any]:
    """What the app got."""
    assert answer.get("status") == 200, answer
    return json.loads(answer["text"])


@pytest.mark.parametrize(
    ("path", "inner", "root"),
    [("/a?b=c", "/a?b=c", None), ("/api/a?b=c", "/a?b=c", "/api"), ("/raw/a", "/raw/a", None)],
)
def test_clients_cannot_speak_for_the_proxy(served: Machine, path: str, inner: str, root: str | None) -> None:
    got = seen(served.ask(f"https://localhost{path}", at="127.0.0.1", trust=CERTIFICATE, headers=SPOOFED))
    headers = got["headers"]
    assert got["uri"] == inner
    assert headers["host"] == "localhost"
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-scheme"] == headers["x-forwarded-proto"] == "https"
    assert headers["x-request-uri"] == path
    assert headers.get("x-gramex-root") == root
    assert "evil" not in json.dumps(headers)
    assert "6.6.6.6" not in json.dumps(headers)


def test_only_websockets_are_upgraded(served: Machine) -> None:
    headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    got = seen(served.ask("https://localhost/", trust=CERTIFICATE, headers=headers))["headers"]
    assert "upgrade" not in got
    assert "connection" not in got


@pytest.mark.parametrize("path", ["/ws", "/api/ws", "/raw/ws"])
def test_websockets(served: Machine, path: str) -> None:
    said = served.job("socket", url=f"https://localhost{path}", trust=CERTIFICATE)
    assert said == {"status": 101, "heard": ["one", "two"]}


def test_redirects_of_an_app_below_a_path_are_kept(served: Machine) -> None:
    said = served.ask("https://localhost/api/redirect", trust=CERTIFICATE)
    assert (said["status"], said["headers"]["location"]) == (302, "/api/login/?next=x%2Fy")


def test_the_path_without_its_slash_leads_to_it(served: Machine) -> None:
    said = served.ask("https://localhost/api?x=1", trust=CERTIFICATE)
    assert (said["status"], said["headers"]["location"]) == (301, "https://localhost/api/?x=1")


@pytest.mark.parametrize("path", ["/a%2Fb", "/a%20b", "/%E2%82%AC", "//a", "/a;b"])
def test_what_is_not_stripped_reaches_the_app_as_it_was_sent(served: Machine, path: str) -> None:
    assert seen(served.ask(f"https://localhost{path}", trust=CERTIFICATE))["uri"] == path


def test_big_uploads_up_to_the_apps_limit(served: Machine) -> None:
    size = 90 * 1024 * 1024
    answer = served.ask("https://localhost/up", trust=CERTIFICATE, method="POST", size=size)
    got = seen(answer)
    assert (got["size"], got["sha256"]) == (size, answer["sent"])
    assert served.ask("https://localhost/up", trust=CERTIFICATE, method="POST", size=101 * 1024 * 1024)["status"] == 413
    assert served.ask("https://localhost/api/up", trust=CERTIFICATE, method="POST", size=1025)["status"] == 413
    assert served.ask("https://localhost/api/up", trust=CERTIFICATE, method="POST", size=1024)["status"] == 200


def test_plain_http_leads_to_https(served: Machine) -> None:
    said = served.ask("http://localhost/a%2Fb?c=d")
    assert (said["status"], said["headers"]["location"]) == (301, "https://localhost/a%2Fb?c=d")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_other_domains_lead_to_the_site(served: Machine, scheme: str) -> None:
    said = served.ask(f"{scheme}://www.example.com/a?b", at="127.0.0.1")
    assert (said["status"], said["headers"]["location"]) == (301, "https://localhost/a?b")


def test_acme_answers_are_served_on_port_80(served: Machine) -> None:
    served.write("/var/lib/gramex-acme/.well-known/acme-challenge/token", "answer")
    said = served.ask("http://localhost/.well-known/acme-challenge/token")
    assert (said["status"], said["text"]) == (200, "answer")
    assert served.ask("http://localhost/.well-known/acme-challenge/none")["status"] == 404
    assert served.ask("http://localhost/.well-known/acme-challenge/../../../../etc/passwd")["status"] in (301, 400)
    served.shell("rm -r /var/lib/gramex-acme/.well-known")


def test_names_that_nobody_has(served: Machine) -> None:
    assert "error" in served.ask("http://nobody.example/", at="127.0.0.1")
    said = served.ask("https://nobody.example/", at="127.0.0.1")
    assert said.get("status") == 421, said


def test_nothing_tells_versions_or_is_said_twice(served: Machine) -> None:
    for path in ("/", "/own", "/api/none", "/api"):
        said = served.ask(f"https://localhost{path}", trust=CERTIFICATE)
        assert said["headers"]["server"] == "nginx"
        names = [name for name, _ in said["pairs"]]
        assert len(names) == len(set(names))


def test_error_pages_of_the_app_pass(served: Machine) -> None:
    said = served.ask("https://localhost/own", trust=CERTIFICATE)
    assert said["status"] == 503
    assert json.loads(said["text"])["uri"] == "/own"


def test_an_app_that_is_away(served: Machine) -> None:
    said = served.ask("https://localhost/gone/", trust=CERTIFICATE)
    assert said["status"] == 502
    assert said["headers"]["content-type"] == "text/html; charset=utf-8"
    assert "does not answer at the moment" in said["text"]


def test_a_connection_that_an_app_drops_costs_nothing_where_it_is_safe(served: Machine) -> None:
    """The address is listed twice: a killed process is asked again, but never for what must not be done twice."""
    gets = [served.ask("https://localhost/drop", trust=CERTIFICATE)["status"] for _ in range(6)]
    assert gets == [200] * 6
    posts = [served.ask("https://localhost/drop", trust=CERTIFICATE, method="POST", size=3)["status"] for _ in range(3)]
    assert sorted(posts) == [200, 200, 502]


def test_old_tls_is_refused(served: Machine) -> None:
    text = served.shell(
        "echo | openssl s_client -connect 127.0.0.1:443 -servername localhost -tls1_1 2>&1", check=False
    )
    assert "Cipher is (NONE)" in text


def test_nothing_more_listens(served: Machine) -> None:
    ports = {line.split()[3] for line in served.shell("ss -Hltn").splitlines()}
    assert ports == {"0.0.0.0:80", "[::]:80", "0.0.0.0:443", "[::]:443", "127.0.0.1:8001"}


def test_without_tls(served: Machine) -> None:
    run = served.deploy(plans.one("plain.example", tls="none"))
    assert not run.failed, run.message
    assert run.rows == [
        {"domain": "plain.example", "urls": ["http://plain.example/"], "fingerprint": "", "expires": ""}
    ]
    got = seen(served.ask("http://plain.example/x", at="127.0.0.1"))
    assert got["headers"]["x-scheme"] == "http"
    assert "0.0.0.0:443" not in served.shell("ss -Hltn")
    assert served.shell("ls /etc/gramex").split() == ["nginx.json"]


def test_other_ports(served: Machine) -> None:
    plan = plans.one("ports.example", nginx_http_port=8080, nginx_https_port=8443)
    plan["sites"][0]["url"] = "https://ports.example:8443"
    run = served.deploy(plan)
    assert not run.failed, run.message
    said = served.ask("http://ports.example:8080/x", at="127.0.0.1")
    assert said["headers"]["location"] == "https://ports.example:8443/x"
    assert seen(served.ask("https://ports.example:8443/x", at="127.0.0.1"))["headers"]["host"] == "ports.example:8443"
    assert ":80 " not in served.shell("ss -Hltn")


def test_long_names(served: Machine) -> None:
    run = served.deploy(plans.one(f"{'a' * 60}.{'b' * 60}.example"))
    assert not run.failed, run.message
