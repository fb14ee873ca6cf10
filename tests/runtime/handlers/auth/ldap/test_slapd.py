"""LDAPAuth against a real slapd: who comes in, over which connection, and what a wrong certificate does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gramex.handlers.directory import Directory, DirectoryError

Fixture = Callable[..., Any]
ANN = "ann's sécret"
PATTERN = "uid={user},ou=people,dc=example,dc=org"
READER = {"user": "cn=reader,dc=example,dc=org", "password": "reader's secret"}
BOB = "o'neil, (bob)*"


@pytest.fixture
def directory(slapd: Any) -> Callable[..., Directory]:
    """Make a Directory of the container's slapd; keyword arguments are those of the entry."""

    def make(**kwargs: Any) -> Directory:
        port = slapd.ldaps if kwargs.get("tls", "ldaps") == "ldaps" else slapd.ldap
        return Directory({"host": "localhost", "port": port, "ca": str(slapd.ca), "timeout": 5, **kwargs}, Path("/"))

    return make


@pytest.mark.parametrize("tls", ["ldaps", "starttls", "none"])
def test_bind_by_pattern(directory: Fixture, tls: str):
    asked = directory(user=PATTERN, tls=tls)
    assert asked.find("Ann", ANN) == {
        "user": "Ann", "id": "Ann", "dn": "uid=Ann,ou=people,dc=example,dc=org", "uid": "Ann", "cn": "Ann Example",
        "sn": "Example", "mail": ["ann@example.org", "a.example@example.org"],
    }  # fmt: skip
    assert asked.find("ann", ANN)["id"] == "Ann"  # as the directory spells it
    for name, password in [
        ("Ann", "wrong"), ("Ann", ""), ("nobody", ANN), ("", ANN), ("", ""), ("Ann\0", ANN), ("Ann,ou=people", ANN),
        ("twin,ou=others,dc=example,dc=org\0", "twin's secret"), ("*", ANN), ("A*", ANN), ("Ann", "ann's secret"),
    ]:  # fmt: skip
        assert asked.find(name, password) is None, name


def test_names_with_special_characters(directory: Fixture):
    for asked in (directory(user=PATTERN), directory(search={"base": "dc=example,dc=org", **READER})):
        assert asked.find(BOB, "bob's secret")["cn"] == "Bob"
        assert asked.find("o'neil, (bob)", "bob's secret") is None


def test_search_by_a_reader(directory: Fixture):
    search = {"base": "dc=example,dc=org", "filter": "(mail={user})", **READER}
    asked = directory(search=search, attributes=["departmentNumber", "mail", "userPassword"])
    user = asked.find("A.Example@example.org", ANN)
    assert user == {
        "user": "a.example@example.org", "id": "a.example@example.org", "dn": "uid=Ann,ou=people,dc=example,dc=org",
        "departmentNumber": "7", "mail": ["ann@example.org", "a.example@example.org"],
    }  # fmt: skip
    for name, password in [
        ("ann@example.org", "wrong"), ("ann@example.org", ""), ("*", ANN), ("ann*", ANN), ("x)(uid=Ann", ANN),
        ("x)(|(uid=*", ANN), ("nobody@example.org", ANN), ("ann@example.org", "reader's secret"),
    ]:  # fmt: skip
        assert asked.find(name, password) is None, name


def test_search_with_the_users_own_rights(directory: Fixture):
    asked = directory(user=PATTERN, search={"base": "dc=example,dc=org"})
    assert asked.find("Ann", ANN)["cn"] == "Ann Example"
    assert asked.find("Ann", "wrong") is None


def test_two_of_a_name_are_nobody(directory: Fixture, caplog: pytest.LogCaptureFixture):
    asked = directory(search={"base": "dc=example,dc=org", **READER})
    assert asked.find("twin", "twin's secret") is None
    assert "several entries" in caplog.text
    assert directory(user=PATTERN).find("twin", "twin's secret")["sn"] == "One"


def test_somebody_who_is_not_there_costs_a_bind_too(directory: Fixture, monkeypatch: pytest.MonkeyPatch):
    asked = directory(search={"base": "dc=example,dc=org", **READER})
    bound: list[str] = []
    real = Directory._connection

    def counted(self: Directory, ldap3: Any, host: str, port: int, dn: str, password: str) -> Any:
        bound.append(password)
        return real(self, ldap3, host, port, dn, password)

    monkeypatch.setattr(Directory, "_connection", counted)
    asked.find("Ann", "wrong")
    asked.find("nobody", "wrong")
    assert bound == ["reader's secret", "wrong"] * 2


@pytest.mark.parametrize("tls", ["ldaps", "starttls"])
def test_certificates_are_checked(directory: Fixture, slapd: Any, tls: str):
    for kwargs in ({"ca": str(slapd.other)}, {"ca": None}, {"host": "127.0.0.1"}):
        with pytest.raises(DirectoryError, match=r"(?i)certificate"):
            directory(user=PATTERN, tls=tls, **kwargs).find("Ann", ANN)


def test_a_reader_with_a_wrong_password_is_our_mistake(directory: Fixture):
    asked = directory(search={"base": "dc=example,dc=org", **READER, "password": "old"})
    with pytest.raises(DirectoryError, match=r"check search\.user"):
        asked.find("Ann", ANN)


def test_the_next_host_is_asked(directory: Fixture, slapd: Any):
    hosts = ["localhost:1", f"localhost:{slapd.ldaps}"]
    assert directory(host=hosts, port=None, user=PATTERN).find("Ann", ANN)


def test_the_log_in_page(serve: Fixture, app: Fixture, log_in: Fixture, slapd: Any):
    kwargs = {
        "host": "localhost", "port": slapd.ldaps, "ca": str(slapd.ca), "timeout": 2, "delay": 0,
        "search": {"base": "dc=example,dc=org", **READER},
    }  # fmt: skip
    url = {
        "ldap": {"pattern": "/ldap/", "handler": "LDAPAuth", "kwargs": kwargs},
        "staff": {
            "pattern": "/staff",
            "handler": "FunctionHandler",
            "kwargs": {"function": "handler.current_user['cn']", "auth": {"membership": {"mail": "ann@example.org"}}},
        },
    }
    server = serve(*app(url=url), "--log.level=debug")
    browser = server.browser()
    assert log_in(browser, "ann", "wrong", "/ldap/").status == 401
    assert log_in(browser, "ann", "", "/ldap/").status == 401
    assert browser.get("/staff").status == 302
    assert log_in(browser, "ann", ANN, "/ldap/?next=/staff").headers["Location"] == "/staff"
    assert browser.get("/staff").text == "Ann Example"
    bob = server.browser()
    assert log_in(bob, BOB, "bob's secret", "/ldap/").status == 302
    assert bob.get("/staff").status == 403
    slapd.pause()
    try:
        begin = time.monotonic()
        answer = log_in(server.browser(), "ann", ANN, "/ldap/")
        assert answer.status == 503
        assert "Cannot log in now" in answer.text
        assert time.monotonic() - begin < 15
        assert server.get("/page.html").status == 200
    finally:
        slapd.resume()
    assert log_in(server.browser(), "ann", ANN, "/ldap/").status == 302
    server.wait_log("url:ldap: HTTP 503")
    for secret in ("sécret", "reader's", "bob's secret"):
        assert secret not in server.log
