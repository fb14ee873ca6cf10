"""Adds what follows from checked apps: folders, socket, outer URL, and the sites that nginx serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gramex_plan.values import Wrong, domain

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def complete(app: dict[str, Any], systemd: bool) -> dict[str, Any]:
    """
    Return the app with its derived keys; secrets become the sorted list of their names.

    Under systemd the socket is made by the socket unit; elsewhere by the app, in a folder that its user may write.
    """
    name = app["name"]
    socket = "" if app["port"] else f"/run/gramex/{name}.sock" if systemd else f"/run/gramex/{name}/{name}.sock"
    return {
        **app,
        "secrets": sorted(app["secrets"]),
        "root": app["path"].rstrip("/"),
        "home": f"/srv/gramex/{name}",
        "data": f"/var/lib/gramex/{name}",
        "config": f"/etc/gramex/{name}",
        "socket": socket,
        "upstream": f"unix:{socket}" if socket else f"127.0.0.1:{app['port']}",
    }


def sites(apps: list[dict[str, Any]], hostname: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a site for each domain of the present apps, sorted by domain, its apps with the longest path first."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for app in apps:
        if app["state"] == "present":
            grouped.setdefault(app["domain"], []).append(app)
    taken = set(grouped) | {name for app in apps if app["state"] == "present" for name in app["redirect"]}
    made = []
    for name, members in sorted(grouped.items()):
        members.sort(key=lambda app: (-len(app["path"]), app["path"]))
        made.append(
            {
                "domain": name,
                "names": [name, *local_names(name, hostname, taken)],
                "tls": members[0]["tls"],
                "redirect": sorted({other for app in members for other in app["redirect"]}),
                "apps": [app["name"] for app in members],
                "url": outer_url(name, members[0]["tls"], settings),
            }
        )
    return made


def local_names(name: str, hostname: str, taken: set[str]) -> list[str]:
    """The other names of this machine, for the site that is meant for it alone."""
    try:
        machine = domain(hostname)
    except Wrong:
        machine = "localhost"  # no name that a certificate could have
    if name not in ("localhost", machine):
        return []
    return [other for other in dict.fromkeys((*LOCAL_NAMES, machine)) if other != name and other not in taken]


def outer_ports(apps: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[int]:
    """The ports that nginx listens on for present apps: HTTP always, HTTPS where a domain has TLS."""
    ports = [settings.get("nginx_http_port", 80)]
    if any(app["tls"] != "none" for app in apps):
        ports.append(settings.get("nginx_https_port", 443))
    return ports


def outer_url(name: str, tls: str, settings: Mapping[str, Any]) -> str:
    """The site's URL as users type it, without a slash at the end."""
    scheme, usual, variable = ("http", 80, "nginx_http_port") if tls == "none" else ("https", 443, "nginx_https_port")
    port = settings.get(variable, usual)
    return f"{scheme}://{name}" + ("" if port == usual else f":{port}")


def app_urls(apps: list[dict[str, Any]], made: list[dict[str, Any]]) -> None:
    """Set each app's `url`: behind its site, or its own port where no proxy serves it."""
    outer = {name: site["url"] for site in made for name in site["apps"]}
    for app in apps:
        place = app["domain"] if app["expose"] else "127.0.0.1"
        scheme, usual = ("https", 443) if app["https"] else ("http", 80)
        at = place if app["port"] == usual else f"{place}:{app['port']}"
        own = f"{scheme}://{at}/" if app["port"] else app["upstream"]
        app["url"] = f"{outer[app['name']]}{app['path']}" if app["name"] in outer else own
