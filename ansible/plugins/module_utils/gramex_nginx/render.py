"""Turn the plan into nginx's files, on the controller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .digest import PLACEHOLDER

TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "nginx" / "templates"
# In 127/8 and nobody's: one more address of the socket at the HTTP port, not one more socket.
STATUS_ADDRESS = "127.71.82.77"
ASSUMED = {"version": "1.26", "openssl": "3.5", "ipv6": True, "kept": {}, "http": {}}  # --check before nginx is there
_PLAIN = re.compile(r"[A-Za-z0-9._~/:%+-]+")
_UNFIT = re.compile(r"[\x00-\x20\x7f\"'`$\\;{}#]")


class RenderError(Exception):
    """The plan cannot become a configuration; the text is for the operator."""


@dataclass(frozen=True)
class Certificate:
    """Where a site's certificate comes from, and where nginx finds it."""

    domain: str
    kind: str  # selfsigned, files (copied from the controller), host (used where it is)
    names: list[str]
    file: str
    key: str


@dataclass
class Rendered:
    """Files by name (in conf.d), certificates, and the rows of the result without what only the host knows."""

    files: dict[str, str] = field(default_factory=dict)
    certificates: list[Certificate] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)


def render(plan: Mapping[str, Any], host: Mapping[str, Any]) -> Rendered:
    """
    Return what the host shall have. `host` is the answer of the module nginx_probe; raises RenderError.

    Without sites, or with ``nginx_state: absent``, everything is empty: what the role put there goes away.
    """
    settings = plan["settings"]
    made = Rendered()
    if settings["nginx_state"] == "absent" or not plan["sites"]:
        return made
    apps = {app["name"]: app for app in plan["apps"]}
    sites = [_site(site, apps, settings) for site in plan["sites"]]
    made.certificates = [site["certificate"] for site in sites if site["certificate"]]
    made.names = sorted({name.lower() for site in sites for name in (*site["names"], *site["redirect"])})
    made.ports = ports(sites, settings)
    made.rows = [{"domain": site["domain"], "urls": site["urls"]} for site in sites]
    shared = _shared(settings, host, sites)
    environment = _environment()
    served = [app for site in sites for app in site["apps"]]
    made.files["gramex-http.conf"] = _tidy(environment.get_template("http.conf.j2").render(**shared, apps=served))
    template = environment.get_template("site.conf.j2")
    for site in sites:
        made.files[f"gramex-site-{site['domain']}.conf"] = _tidy(template.render(**shared, site=site))
    return made


def ports(sites: list[dict[str, Any]], settings: Mapping[str, Any]) -> list[int]:
    """Ports that nginx listens on: HTTP always, HTTPS where a site has a certificate."""
    secure = any(site.get("certificate") for site in sites)
    return [settings["nginx_http_port"], *([settings["nginx_https_port"]] if secure else [])]


def _site(site: Mapping[str, Any], apps: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    names, redirect = list(site["names"]), list(site["redirect"])
    certificate = None if site["tls"] == "none" else _certificate(site, [*names, *redirect], settings)
    members = [_app(apps[name]) for name in site["apps"]]
    for text in (site["domain"], *names, *redirect):
        _fit(text, "a domain")
    secure = certificate is not None
    port, usual = (settings["nginx_https_port"], 443) if secure else (settings["nginx_http_port"], 80)
    # The port belongs to the Host that an app sees only where users have to type it.
    host = "$host" if port == usual else "$host:$server_port"
    public = secure and site["tls"] != "selfsigned" and site["domain"] != "localhost"
    return {
        "domain": site["domain"],
        "names": names,
        "redirect": redirect,
        "url": site["url"],
        "urls": [site["url"] + app["path"] for app in members],
        "apps": members,
        "root": any(app["path"] == "/" for app in members),
        "certificate": certificate,
        "hsts": settings["nginx_hsts"] if public else 0,
        "host_header": host,
    }


def _app(app: Mapping[str, Any]) -> dict[str, Any]:
    for text, what in ((app["path"], "a path"), (app["upstream"], "an upstream")):
        _fit(text, what)
    stripped = app["strip"] and app["path"] != "/"
    # The full Gramex emits inner paths, but for its own log in page.
    inner = stripped and app["distribution"] == "gramex"
    outer = re.sub("[.+]", r"[\g<0>]", app["path"][1:]) if inner else ""
    keys = ("name", "path", "root", "upstream", "timeout", "max_upload")
    return {**{key: app[key] for key in keys}, "stripped": stripped, "outer": outer}


def _certificate(site: Mapping[str, Any], names: list[str], settings: Mapping[str, Any]) -> Certificate:
    domain = site["domain"]
    file, key = f"/etc/gramex/tls/{domain}/cert.pem", f"/etc/gramex/tls/{domain}/key.pem"
    if site["tls"] != "files":
        return Certificate(domain, "selfsigned", names, file, key)
    given = settings["nginx_certificates"].get(domain)
    example = f"nginx_certificates: {{{domain}: {{certificate: files/{domain}.pem, key: files/{domain}.key}}}}"
    if not isinstance(given, Mapping) or set(given) - {"where"} != {"certificate", "key"}:
        raise RenderError(f"{domain} has `tls: files`: nginx_certificates must say where they are.\nRight: {example}")
    where = given.get("where", "controller")
    if where not in ("controller", "host"):
        raise RenderError(f"nginx_certificates.{domain}.where: must be controller or host, not {where}.")
    if where == "controller":
        return Certificate(domain, "files", names, file, key)
    for path in (given["certificate"], given["key"]):
        _fit(path, "a file on the host")
        if not str(path).startswith("/"):
            raise RenderError(f"nginx_certificates.{domain}: {path}: a file on the host needs its absolute path.")
    return Certificate(domain, "host", names, given["certificate"], given["key"])


def _shared(settings: Mapping[str, Any], host: Mapping[str, Any], sites: list[dict[str, Any]]) -> dict[str, Any]:
    http, https = settings["nginx_http_port"], settings["nginx_https_port"]
    secure = any(site["certificate"] for site in sites)

    def unknown(port: int) -> list[str]:
        keys = {str(port): f"*:{port}", f"[::]:{port}": f"[::]:{port}"}
        return [listen for listen in listens(port) if keys[listen] not in host["kept"]]

    def listens(port: int) -> list[str]:
        return [str(port), *([f"[::]:{port}"] if host["ipv6"] else [])]

    return {
        "http": listens(http),
        "https": listens(https),
        "http_port": http,
        "https_suffix": "" if https == 443 else f":{https}",
        "unknown_http": unknown(http),
        "unknown_https": unknown(https) if secure else [],
        "addressed": next((site for site in sites if site["certificate"] and _has_address(site["names"])), None),
        "status_address": STATUS_ADDRESS,
        "digest": PLACEHOLDER,
        "acme_root": settings["nginx_acme_root"],
        "http2": "directive" if _version(host["version"]) >= (1, 25, 1) else "listen",
        # X25519MLKEM768 is an error where OpenSSL does not know it.
        "curves": ("X25519MLKEM768:" if _version(host["openssl"]) >= (3, 5) else "") + "X25519:prime256v1:secp384r1",
        "hash_bucket": _hash_bucket(sites) if "server_names_hash_bucket_size" not in host["http"] else 0,
        "unavailable": " ".join((TEMPLATES / "unavailable.html").read_text(encoding="utf-8").split()),
    }


def _hash_bucket(sites: list[dict[str, Any]]) -> int:
    """Size that nginx needs for the longest name, 0 where its default (64) is enough."""
    longest = max(len(name) for site in sites for name in (*site["names"], *site["redirect"]))
    needed = 24 + longest + 8  # two pointers, the name rounded up
    return 0 if needed <= 64 else 1 << (needed - 1).bit_length()


def _has_address(names: list[str]) -> bool:
    return any(re.fullmatch(r"\[.*\]|[0-9.]+", name) for name in names)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _fit(text: str, what: str) -> None:
    """A value that nginx would read as more than one value never gets into its files."""
    if not text or _UNFIT.search(text):
        raise RenderError(f"{text!r} cannot be {what}: blanks, quotes and $ \\ ; {{ }} # are not possible there.")


def _quoted(text: str) -> str:
    """A value for nginx: as it is where that is safe, in double quotes otherwise."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tidy(text: str) -> str:
    """No blanks at line ends, no two blank lines together, none before a closing or after an opening brace."""
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\n{3,}", "\n\n", text)
    text = re.sub(r"\n\n+(\s*\})", r"\n\1", text)
    return re.sub(r"\{\n\n+", "{\n", text).strip() + "\n"


def _environment() -> Environment:
    environment = Environment(  # noqa: S701 -- nginx's language, not HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["quoted"] = _quoted
    return environment
