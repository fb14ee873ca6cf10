"""LDAPAuth without a directory: its keys, its escaping, and a directory that is not there. See ldap/ for a real one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gramex.handlers.directory import Directory, bind_name, filter_for, parse_hosts, usable

Fixture = Callable[..., Any]
PATTERN = "uid={user},ou=people,dc=example,dc=org"
GOOD = {"host": "ldap.example.org", "user": PATTERN}


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("ann", "uid=ann,dc=x"),
        ("a,b", "uid=a\\2cb,dc=x"),
        ("a=b+c", "uid=a\\3db\\2bc,dc=x"),
        ("#a b", "uid=\\23a\\20b,dc=x"),
        ('"\\<>;', "uid=\\22\\5c\\3c\\3e\\3b,dc=x"),
        ("ä", "uid=ä,dc=x"),
        ("{user}", "uid={user},dc=x"),
    ],
)
def test_a_name_stays_one_value_of_a_dn(name: str, result: str):
    assert bind_name("uid={user},dc=x", name) == result


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("ann", "(uid=ann)"),
        ("*", "(uid=\\2a)"),
        ("x)(uid=*", "(uid=x\\29\\28uid=\\2a)"),
        ("a\\b", "(uid=a\\5cb)"),
        ("\0", "(uid=\\00)"),
    ],
)
def test_a_name_stays_one_value_of_a_filter(name: str, result: str):
    assert filter_for({"filter": "(uid={user})"}, name) == result


def test_account_names_cannot_change_the_domain():
    assert usable("ann", "CORP\\{user}")
    assert usable("ann.b-c", "{user}@corp.example")
    for name in ("OTHER\\ann", "ann@other.example", "a/b", "a*"):
        assert not usable(name, "CORP\\{user}")
        assert not usable(name, "{user}@corp.example")
    assert usable("a,b", PATTERN)


@pytest.mark.parametrize(
    ("host", "port", "tls", "result"),
    [
        ("a.example", None, "ldaps", [("a.example", 636)]),
        ("a.example", None, "starttls", [("a.example", 389)]),
        ("a.example", 1636, "ldaps", [("a.example", 1636)]),
        ("ldaps://a.example", None, "ldaps", [("a.example", 636)]),
        ("ldap://a.example:3389/", None, "starttls", [("a.example", 3389)]),
        (["a.example", "b.example:7"], 5, "ldaps", [("a.example", 5), ("b.example", 7)]),
        ("[::1]", None, "none", [("::1", 389)]),
    ],
)
def test_hosts(host: Any, port: Any, tls: str, result: list[tuple[str, int]]):
    assert parse_hosts(host, port, tls) == result


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"host": None}, "host: must be a name such as ldap.example.org"),
        ({"host": []}, "host: must be"),
        ({"host": "a b:c"}, "host: 'a b:c' is no host"),
        ({"host": "http://a.example"}, "host: must be a name"),
        ({"host": "ldap://a.example"}, "does not fit to tls: ldaps"),
        ({"port": 0}, "port: must be 1 to 65535"),
        ({"tls": "yes"}, "tls: must be one of ldaps, starttls, none"),
        ({"ca": "none.pem"}, "none.pem: No such file"),
        ({"user": None}, "user: is missing"),
        ({"user": "uid=ann"}, "user: must contain {user}"),
        ({"user": None, "search": {}}, "search: must be a mapping"),
        ({"search": {"base": "dc=x", "filter": "uid={user}"}}, "search.filter: must contain {user}"),
        ({"search": {"base": "dc=x", "filter": "(uid=ann)"}}, "search.filter: must contain {user}"),
        ({"search": {"base": "dc=x", "user": "cn=reader"}}, "search.password: is missing"),
        ({"attributes": "cn"}, "attributes: must be a list"),
        ({"timeout": 0.5}, "timeout: must be whole seconds"),
    ],
)
def test_mistakes(kwargs: dict[str, Any], words: str, tmp_path: Path):
    with pytest.raises(ValueError, match=r".") as caught:
        Directory({**GOOD, **kwargs}, tmp_path)
    assert words in str(caught.value)


def test_without_ldap3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"ldap3 is not installed; install gramex-runtime\[ldap\]"):
        Directory(GOOD, tmp_path)


def test_use_ssl_false_still_encrypts(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert Directory({**GOOD, "use_ssl": True}, tmp_path).tls == "ldaps"
    assert Directory({**GOOD, "use_ssl": False}, tmp_path).tls == "starttls"
    assert caplog.text == ""
    assert Directory({**GOOD, "tls": "none"}, tmp_path).tls == "none"
    assert "passwords travel unencrypted to ldap.example.org" in caplog.text


def test_a_directory_that_cannot_be_asked(serve: Fixture, app: Fixture, log_in: Fixture):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
        closed.close()
        hosts = {"silent": silent.getsockname()[1], "closed": port}
        url = {
            name: {
                "pattern": f"/{name}/",
                "handler": "LDAPAuth",
                "kwargs": {**GOOD, "host": "127.0.0.1", "port": port, "timeout": 1, "delay": 0},
            }
            for name, port in hosts.items()
        }
        server = serve(*app(url=url))
        for name in hosts:
            browser = server.browser()
            answer = log_in(browser, "ann", "secret", f"/{name}/")
            assert answer.status == 503, name
            assert answer.headers["Retry-After"]
            assert '<form method="post">' in answer.text
            assert browser.get("/private").status == 302
            server.wait_log(f"url:{name}: HTTP 503")
        assert log_in(server.browser()).status == 302  # other pages are not touched
        assert "Traceback" not in server.log


def test_no_password_is_no_question(serve: Fixture, app: Fixture, log_in: Fixture):
    # Directories take an empty password for a visitor without a name, and say yes.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        kwargs = {**GOOD, "host": "127.0.0.1", "port": listener.getsockname()[1], "timeout": 1, "delay": 0}
        server = serve(*app(url={"ldap": {"pattern": "/ldap/", "handler": "LDAPAuth", "kwargs": kwargs}}))
        assert log_in(server.browser(), "ann", "", "/ldap/").status == 401
        assert log_in(server.browser(), "", "x", "/ldap/").status == 401
        with pytest.raises(TimeoutError):
            listener.accept()
