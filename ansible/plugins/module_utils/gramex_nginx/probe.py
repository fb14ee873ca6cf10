"""Look at nginx on a host before anything changes, and find what would stand in the way of our sites."""

from __future__ import annotations

import socket
from typing import Any

from . import record
from .command import there
from .config import Foreign, defaults, foreign
from .ports import takers
from .service import Service, version


def look(ports: list[int], names: list[str]) -> tuple[dict[str, Any], list[str]]:
    """
    Return what rendering has to know of this host, and the problems that must be solved first.

    ports: those that nginx shall listen on; names: the server names of our sites.
    """
    default = record.pristine_default()
    found = foreign(record.CONF, [record.DEFAULT_LINK] if default else [])
    nginx, openssl = version()
    wanted = [key for port in ports for key in (f"*:{port}", f"[::]:{port}")]
    kept, displaced = defaults(found.servers, wanted)
    facts = {
        "version": nginx,
        "openssl": openssl,
        "ipv6": _ipv6(),
        "kept": kept,
        "http": found.http,
        "missing": [name for name in ("nginx", "openssl") if not there(name)],
        "warnings": sorted(
            f"Names that nobody has were answered by {where}, the first server on its port; now they are refused. "
            "Give its listen directive `default_server` to have them back."
            for where in set(displaced.values())
        ),
    }
    return facts, _problems(found, ports, wanted, {name.lower() for name in names}, bool(nginx))


def _problems(found: Foreign, ports: list[int], wanted: list[str], names: set[str], installed: bool) -> list[str]:
    problems = [
        f"Port {port} is held by {who}: stop it, or set nginx_http_port and nginx_https_port."
        for port, who in sorted(takers(ports).items())
    ]
    if installed and not found.included:
        problems.append(
            "/etc/nginx/nginx.conf does not read conf.d: add `include /etc/nginx/conf.d/*.conf;` to its http block."
        )
    for server in found.servers:
        shared = sorted(names & set(server.names)) if server.listens.keys() & set(wanted) else []
        if shared:
            problems.append(
                f"{server.where}: this server has the name {shared[0]} as well: remove it there, or use another domain."
            )
        if server.dual and server.listens.keys() & set(wanted):
            problems.append(
                f"{server.where}: `ipv6only=off` takes the IPv4 port, too: write `listen 80;` and `listen [::]:80;`."
            )
    return problems


def remember() -> bool:
    """Write down how the host was before the role, once. Returns whether that was now."""
    if record.load():
        return False
    service = Service(foreign(record.CONF))
    installed = there("nginx")
    enabled = installed and service.enabled()
    record.Record(installed, enabled, service.master() != 0, record.pristine_default()).save()
    return True


def _ipv6() -> bool:
    """Can a program listen on IPv6 here? The kernel may have it switched off."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True
