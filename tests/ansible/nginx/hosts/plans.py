"""Plans for the hosts of these tests."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {
    "nginx_state": "present",
    "nginx_certificates": {},
    "nginx_selfsigned_days": 825,
    "nginx_hsts": 63072000,
    "nginx_acme_root": "/var/lib/gramex-acme",
    "nginx_http_port": 80,
    "nginx_https_port": 443,
    "nginx_wait": 10,
}


def app(name: str, path: str = "/", **keys: Any) -> dict[str, Any]:
    """An app on the test's upstream."""
    base = {"name": name, "path": path, "root": path.rstrip("/"), "strip": True, "state": "present"}
    base["distribution"] = "gramex-runtime"
    return {**base, "upstream": f"unix:/run/gramex-test/{name}.sock", "timeout": 30, "max_upload": "100m", **keys}


def site(domain: str, apps: list[str], **keys: Any) -> dict[str, Any]:
    """A site."""
    base = {"domain": domain, "names": [domain], "tls": "selfsigned", "redirect": [], "url": f"https://{domain}"}
    return {**base, "apps": apps, **keys}


def local(timeout: int = 30, **settings: Any) -> dict[str, Any]:
    """Three apps on localhost. Another timeout is another configuration."""
    apps = [
        app("site", timeout=timeout),
        app("api", "/api/", max_upload="1k"),
        app("raw", "/raw/", strip=False, upstream="127.0.0.1:8001"),
        app("gone", "/gone/"),  # nobody listens there
    ]
    names = ["localhost", "127.0.0.1", "[::1]", "machine"]
    sites = [site("localhost", ["gone", "api", "raw", "site"], names=names, redirect=["www.example.com"])]
    return {"apps": apps, "sites": sites, "settings": {**SETTINGS, **settings}}


def one(domain: str, tls: str = "selfsigned", **settings: Any) -> dict[str, Any]:
    """One app on one domain."""
    scheme = "http" if tls == "none" else "https"
    return {
        "apps": [app("site")],
        "sites": [site(domain, ["site"], tls=tls, url=f"{scheme}://{domain}")],
        "settings": {**SETTINGS, **settings},
    }


def nothing() -> dict[str, Any]:
    """No sites: what the role brought goes away."""
    return {"apps": [], "sites": [], "settings": dict(SETTINGS)}
