"""Judges, on the controller, the certificate files of domains with `tls: files`: pair, time and names."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gramex_plan.problems import DOMAIN_OWNER, Problem

from gramex_preflight.pairs import PEM

SOON = datetime.timedelta(days=30)


def wanted(apps: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Map each domain of present apps that has files to all the names which redirect to it."""
    found: dict[str, list[str]] = {}
    for app in apps:
        if app["state"] == "present" and app["tls"] == "files":
            found.setdefault(app["domain"], []).extend(app["redirect"])
    return {domain: list(dict.fromkeys(names)) for domain, names in found.items()}


def on_host(domains: Iterable[str], given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The files of these domains that are on the host already: what the host has to be asked for."""
    places = {domain: given[domain] for domain in domains if isinstance(given.get(domain), Mapping)}
    return {
        domain: {"certificate": place["certificate"], "key": place["key"]}
        for domain, place in places.items()
        if place.get("where") == "host" and place.get("certificate") and place.get("key")
    }


def judge(
    domains: Mapping[str, Sequence[str]],
    given: Mapping[str, Any],
    found: Mapping[str, Mapping[str, str]],
    text: Callable[[str], str],
    now: datetime.datetime | None = None,
) -> Iterator[Problem]:
    """
    Tell what is wrong with the certificates of `domains` (each with the names that redirect to it).

    `given` is nginx_certificates, `found` what `pairs.read` says of those on the host. `text` reads a file of the
    controller, decrypted; it raises OSError or ValueError.
    """
    for domain, others in domains.items():
        what = f"nginx_certificates.{domain}"
        place = given.get(domain)
        if not isinstance(place, Mapping) or not place.get("certificate") or not place.get("key"):
            right = f"nginx_certificates: {{{domain}: {{certificate: files/{domain}.pem, key: files/{domain}.key}}}}"
            yield Problem(f"is missing: {domain} has `tls: files`.", what, right=right)
            continue
        there = place.get("where") == "host"
        pair = found.get(domain, {}) if there else _pair(place["certificate"], place["key"], text)
        if "pem" not in pair:
            if pair:  # nothing at all: the host could not be asked, which is said already
                yield Problem(f"{pair['file']} {pair['error']}.", what)
            continue
        yield from _leaf(pair["pem"], place["certificate"], domain, others, what, now)


def _pair(certificate: str, key: str, text: Callable[[str], str]) -> dict[str, str]:
    """What `pairs.read` says, for files of the controller, which may be encrypted there."""
    from cryptography import x509  # Ansible's own dependency; slow to load, and seldom needed
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    contents = []
    for file in (certificate, key):
        try:
            contents.append(text(file))
        except (OSError, ValueError) as error:
            return {"file": file, "error": f"cannot be read: {error}"}
    leaf = PEM.search(contents[0])
    try:
        public = x509.load_pem_x509_certificate(leaf.group().encode()).public_key() if leaf else None
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not leaf or not public:
        return {"file": certificate, "error": "holds no certificate; it must be PEM, leaf first, then the chain"}
    try:
        matches = load_pem_private_key(contents[1].encode(), None).public_key() == public
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return {"file": key, "error": "holds no private key that can be used; it must be PEM without a pass phrase"}
    if not matches:
        return {"file": key, "error": f"does not belong to the certificate in {certificate}; give the pair that does"}
    return {"pem": leaf.group()}


def _leaf(
    pem: str, file: str, domain: str, others: Sequence[str], what: str, now: datetime.datetime | None
) -> Iterator[Problem]:
    """Judge time and names."""
    from cryptography import x509

    leaf = x509.load_pem_x509_certificate(pem.encode())
    now = now or datetime.datetime.now(datetime.timezone.utc)
    ends, begins = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    if ends <= now:
        yield Problem(f"{file} ended on {ends:%Y-%m-%d}. Browsers refuse it.", what, who=DOMAIN_OWNER)
    elif begins > now:
        yield Problem(f"{file} begins on {begins:%Y-%m-%d}. Browsers refuse it until then.", what, who=DOMAIN_OWNER)
    elif ends - now < SOON:
        yield Problem(f"{file} ends on {ends:%Y-%m-%d}, soon.", what, who=DOMAIN_OWNER, warning=True)
    try:
        names = set(
            leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        )
    except (x509.ExtensionNotFound, ValueError):
        names = set()
    names = {name.lower() for name in names}
    shown = ", ".join(sorted(names)) or "no name"
    for name in dict.fromkeys((domain, *others)):
        if not {name, "*." + name.partition(".")[2]} & names:
            # A name that only redirects is of use without: over HTTP.
            message = f"{file} is for {shown}, not for {name}: browsers warn of it."
            yield Problem(message, what, who=DOMAIN_OWNER, warning=name != domain)
