"""Proxy headers count only from those who may send them."""

import socket
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders

from gramex.handlers.trusted import PROXY_HEADERS, Trusted


def peer(ip="127.0.0.1", family=socket.AF_INET, protocol="http"):
    return SimpleNamespace(remote_ip=ip, address_family=family, protocol=protocol)


SENT = {
    "X-Real-IP": "10.1.2.3",
    "X-Scheme": "https",
    "X-Request-URI": "/outer/page?x=1",
    "X-Gramex-Root": "/outer",
}


@pytest.mark.parametrize(
    "context",
    [
        peer(),
        peer("127.8.9.10"),
        peer("::1", socket.AF_INET6),
        peer("::ffff:127.0.0.1", socket.AF_INET6),
        peer("", socket.AF_UNIX),
    ],
)
def test_loopback_and_unix_sockets_are_trusted(context):
    headers = HTTPHeaders(SENT)
    assert Trusted().apply(context, headers) == ("10.1.2.3", "https")
    assert headers["X-Gramex-Root"] == "/outer"


@pytest.mark.parametrize("context", [peer("192.0.2.7"), peer("2001:db8::1", socket.AF_INET6)])
def test_headers_of_others_are_removed(context):
    headers = HTTPHeaders({**SENT, "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"})
    assert Trusted().apply(context, headers) == (context.remote_ip, "http")
    assert not [name for name in PROXY_HEADERS if name in headers]


def test_peers_can_be_configured():
    trusted = Trusted("192.0.2.0/24, 2001:db8::/32")
    assert trusted.trusts(peer("192.0.2.7"))
    assert trusted.trusts(peer("2001:db8::5", socket.AF_INET6))
    assert not trusted.trusts(peer())
    assert not trusted.trusts(peer("", socket.AF_UNIX))


def test_nobody_can_be_trusted():
    assert not Trusted(False).trusts(peer())


@pytest.mark.parametrize("peers", [["nonsense"], 5])
def test_wrong_peers_are_named(peers):
    with pytest.raises(ValueError, match=str(peers[0] if isinstance(peers, list) else peers)):
        Trusted(peers)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}, "2.2.2.2"),
        ({"X-Forwarded-For": "1.1.1.1, junk"}, "127.0.0.1"),
        ({"X-Real-IP": "junk", "X-Forwarded-For": "3.3.3.3"}, "3.3.3.3"),
        ({"X-Real-IP": "4.4.4.4", "X-Forwarded-For": "3.3.3.3"}, "4.4.4.4"),
        ({"X-Real-IP": "::5"}, "::5"),
    ],
)
def test_client_address(headers, expected):
    assert Trusted().apply(peer(), HTTPHeaders(headers))[0] == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Scheme": "https"}, "https"),
        ({"X-Forwarded-Proto": "http, https"}, "https"),
        ({"X-Scheme": "ftp"}, "http"),
        ({"X-Scheme": "javascript:alert(1)"}, "http"),
    ],
)
def test_scheme(headers, expected):
    assert Trusted().apply(peer(), HTTPHeaders(headers))[1] == expected


def test_without_xheaders_address_and_scheme_stay():
    headers = HTTPHeaders(SENT)
    assert Trusted(xheaders=False).apply(peer(), headers) == ("127.0.0.1", "http")
    assert headers["X-Request-Uri"] == "/outer/page?x=1"


@pytest.mark.parametrize(
    "value", ["//evil.com/", "/\\evil.com", "http://evil.com/", "page", "/a b", "/a\tb", "\\\\evil"]
)
@pytest.mark.parametrize("name", ["X-Request-Uri", "X-Gramex-Root"])
def test_what_is_no_path_is_removed(name, value):
    headers = HTTPHeaders()
    headers[name] = value
    Trusted().apply(peer(), headers)
    assert name not in headers
