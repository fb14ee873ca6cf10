"""Whose proxy headers count, and what of them: a client's own are removed before anything can read them."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.netutil import is_valid_ip

PROXY_HEADERS = frozenset(
    ["X-Real-Ip", "X-Forwarded-For", "X-Scheme", "X-Forwarded-Proto", "X-Request-Uri", "X-Gramex-Root"]
)
# A path, and nothing that could start another header, host or scheme: no control characters, spaces, or backslashes.
OUTER_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*|/")
LOCAL = "127.0.0.1"  # how a peer on a UNIX socket is called where an address is needed


class Trusted:
    """The peers whose proxy headers are believed."""

    def __init__(self, peers: Any = None, xheaders: bool = True):
        """Take ``app.listen.trusted``: addresses, networks such as 10.0.0.0/8, or ``unix``; None for the default.

        Raises:
            ValueError: something that is neither address nor network.
        """
        if peers is None:
            peers = ["127.0.0.0/8", "::1", "unix"]
        elif isinstance(peers, str):
            peers = peers.replace(",", " ").split()
        elif peers is False:
            peers = []
        if not isinstance(peers, Iterable):
            raise ValueError(f"app.listen.trusted: must be a list of addresses, networks or unix, not {peers!r}")
        names = [str(peer).strip() for peer in peers]
        self.unix = "unix" in names
        self.networks = [ipaddress.ip_network(name, strict=False) for name in names if name != "unix"]
        self.xheaders = xheaders
        self.known: dict[str, bool] = {}

    def trusts(self, context: Any) -> bool:
        """True if the peer of a connection is trusted. The answer is kept on the connection's context."""
        try:
            return context.trusted
        except AttributeError:
            pass
        if context.address_family in (socket.AF_INET, socket.AF_INET6):
            context.trusted = self.trusts_address(str(context.remote_ip))
        else:
            context.trusted = self.unix
            context.remote_ip = LOCAL
        return context.trusted

    def trusts_address(self, text: str) -> bool:
        """True if an address is in one of the networks; an IPv4 address mapped into IPv6 counts as IPv4."""
        if text not in self.known:
            address = ipaddress.ip_address(text.partition("%")[0])
            address = getattr(address, "ipv4_mapped", None) or address
            if len(self.known) > 1000:
                self.known.clear()
            self.known[text] = any(address in network for network in self.networks)
        return self.known[text]

    def apply(self, context: Any, headers: HTTPHeaders) -> tuple[str, str]:
        """Return the client's address and protocol; leave only valid proxy headers of trusted peers in `headers`."""
        trusted = self.trusts(context)
        ip, protocol = context.remote_ip, context.protocol
        if PROXY_HEADERS.isdisjoint(headers):
            return ip, protocol
        present = PROXY_HEADERS.intersection(headers)
        if not trusted:
            for name in present:
                del headers[name]
            return ip, protocol
        context.is_proxy = True
        if self.xheaders:
            for candidate in (headers.get("X-Real-Ip"), headers.get("X-Forwarded-For", "").rpartition(",")[2]):
                if candidate and is_valid_ip(candidate.strip()):
                    ip = candidate.strip()
                    break
            scheme = headers.get("X-Scheme") or headers.get("X-Forwarded-Proto", "").rpartition(",")[2]
            if scheme.strip().lower() in ("http", "https"):
                protocol = scheme.strip().lower()
        for name in ("X-Request-Uri", "X-Gramex-Root"):
            if name in headers and not OUTER_PATH.fullmatch(headers[name]):
                del headers[name]
        return ip, protocol
