"""Bring the wanted sites into service, or leave everything as it was and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ask, certificate, record, swap
from .command import there
from .config import OWN, foreign
from .digest import fill
from .outcome import NginxError, Outcome
from .ports import takers
from .service import Service
from .staging import Staging
from .tree import certificate_changes


@dataclass(frozen=True)
class Wanted:
    """What the controller wants of this host; the fields are those of the module nginx_sites."""

    files: Mapping[str, str]
    certificates: list[Mapping[str, Any]]
    pems: Mapping[str, Mapping[str, str]]
    names: list[str]
    ports: list[int]
    status_address: str
    acme_root: Path
    days: int
    wait: float


@dataclass
class Run:
    """One run: what is there, what shall be, and what is said about it."""

    wanted: Wanted
    check: bool
    staging: Staging
    said: Outcome = field(default_factory=Outcome)

    def serve(self) -> Outcome:
        """Do it. Raises NginxError with the former state in place."""
        default = record.pristine_default()
        found = foreign(record.CONF, [record.DEFAULT_LINK] if default else [])
        service = Service(found)
        installed = there("nginx")
        shown = self._certificates()
        digest, files = fill(self.wanted.files, self.wanted.certificates, self.staging)
        changes = config_changes(files)
        if default:
            changes.append(swap.Change(record.DEFAULT_LINK, default, None))
            self.said.done.append("default site disabled")
        for item in changes:
            self.staging.put(item)
            self.said.note_file(item)
        changes += certificate_changes(self.staging.tls)
        if installed:
            self._test()
        running = service.master() != 0
        active = ask.digest(self.wanted.status_address, self.wanted.ports[0]) if running else ""
        stale = not changes and running and (active != digest or not self._shows(shown))
        boot = installed and service.enabled()
        if not running:
            self.said.done.append("nginx started")
        elif changes or stale:
            self.said.done.append("nginx reloaded")
        if not boot:
            self.said.done.append("nginx enabled at boot")
        self.said.changed = bool(self.said.done or changes)
        if self.check:
            return self.said
        self._remember(default)
        swap.apply(changes, owned=record.TLS)
        if changes or stale or not running:
            self._load(service, changes, digest, active, shown)
        if not boot:
            service.enable(True)
        return self.said

    def _test(self) -> None:
        refused = self.staging.test({name.lower() for name in self.wanted.names})
        if refused:
            raise NginxError(
                "nginx refuses the configuration that this host would have. Nothing was changed; what runs goes on.",
                refused,
            )

    def _certificates(self) -> dict[str, str]:
        """Stage every certificate; returns domain -> fingerprint. Raises NginxError for a pair that does not fit."""
        shown = {}
        wanted = {item["domain"] for item in self.wanted.certificates if item["kind"] != "host"}
        self.staging.keep_certificates(wanted)
        for item in self.wanted.certificates:
            domain, folder = item["domain"], self.staging.tls / item["domain"]
            try:
                made = self._stage(item, folder)
                file, key = self.staging.at(Path(item["file"])), self.staging.at(Path(item["key"]))
                found = certificate.read(file)
                certificate.check_key(file, key, found)
            except certificate.CertificateError as error:
                text = str(error).replace(str(self.staging.tls), str(record.TLS))
                raise NginxError(f"certificate of {domain}: {text}. Nothing was changed.") from None
            self.said.warnings += [] if item["kind"] == "selfsigned" else doubts(domain, item["names"], found)
            if made:
                self.said.done.append(f"self-signed certificate of {domain} made: {made}")
            known = not (made and self.check)  # --check makes one to test with, and throws it away
            self.said.rows[domain] = {
                "fingerprint": found.fingerprint if known else "",
                "expires": found.expires if known else "",
            }
            shown[domain] = found.fingerprint
        return shown

    def _stage(self, item: Mapping[str, Any], folder: Path) -> str:
        """Put a certificate where nginx shall find it; returns why one was made, '' where none was."""
        if item["kind"] == "host":
            return ""
        folder.mkdir(exist_ok=True)
        if item["kind"] == "files":
            pems = self.wanted.pems[item["domain"]]
            for name, mode in (("certificate", 0o644), ("key", 0o600)):
                path = folder / Path(item["file" if name == "certificate" else "key"]).name
                path.touch(mode=mode)
                path.chmod(mode)
                path.write_text(pems[name], encoding="utf-8")
            return ""
        why = certificate.unfit(folder, item["names"])
        if why:
            certificate.make(folder, item["domain"], item["names"], self.wanted.days)
        return why

    def _shows(self, shown: Mapping[str, str]) -> bool:
        """Does nginx show the certificates that are on disk?"""
        address, port = self.wanted.status_address, self.wanted.ports[-1]
        return all(ask.leaf(address, port, domain) == print_ for domain, print_ in shown.items())

    def _remember(self, default: str) -> None:
        kept = record.load() or record.Record(installed=True, enabled=True, running=True)
        before = (kept.default_site, list(kept.folders))
        kept.default_site = default or kept.default_site
        for folder in (self.wanted.acme_root, *self.wanted.acme_root.parents):
            if not folder.is_dir() and str(folder) not in kept.folders:
                kept.folders.append(str(folder))
        if (kept.default_site, kept.folders) != before or not record.RECORD.exists():
            kept.save()
        self.wanted.acme_root.mkdir(mode=0o755, parents=True, exist_ok=True)

    def _load(
        self,
        service: Service,
        changes: list[swap.Change],
        digest: str,
        active: str,
        shown: Mapping[str, str],
    ) -> None:
        """Have nginx load what is on disk, and believe it only when its workers say so."""
        running = service.master() != 0
        address, port = self.wanted.status_address, self.wanted.ports[0]
        output = ""
        if running:
            service.reload()
        else:
            output = service.start()
        trouble = ""
        if not ask.until(lambda: ask.digest(address, port) == digest, self.wanted.wait):
            trouble = f"nginx did not {'take over' if running else 'start with'} the new configuration"
        elif not ask.until(lambda: self._shows(shown), self.wanted.wait):
            wrong = [domain for domain in shown if not self._shows({domain: shown[domain]})]
            trouble = f"nginx does not show the certificate that is on disk for {', '.join(wrong)}"
        if not trouble:
            return
        held = [f"port {port} is held by {who}" for port, who in takers(self.wanted.ports).items()]
        reasons = service.why() or output.splitlines()
        swap.apply([item.reverse() for item in reversed(changes)], owned=record.TLS)
        if running:
            service.reload()
            ask.until(lambda: ask.digest(address, port) == active, self.wanted.wait)
        elif service.master():
            service.stop()
        state = "runs" if service.master() else "does not run, as before"
        raise NginxError(f"{trouble}. The former files are back, and nginx {state}.", reasons + held)


def config_changes(files: Mapping[str, str]) -> list[swap.Change]:
    """What has to change in conf.d so that exactly `files` are ours; also what a killed run left."""
    folder = record.CONF / "conf.d"
    paths = {folder / name: text.encode() for name, text in files.items()}
    stray = {path for pattern in (OWN, f".{OWN}.new") for path in folder.glob(pattern)} - paths.keys()
    made = [swap.change(path, text) for path, text in sorted(paths.items())]
    made += [swap.change(path, None) for path in sorted(stray)]
    return [item for item in made if item]


def doubts(domain: str, names: list[str], found: certificate.Certificate) -> list[str]:
    """What is no reason to stop but will trouble users."""
    said = []
    if found.left() < 0:
        said.append(f"The certificate of {domain} ended on {found.expires}.")
    elif found.left() < certificate.RENEW:
        said.append(f"The certificate of {domain} ends on {found.expires}.")
    missing = [name for name in names if not found.covers(name)]
    if missing:
        said.append(f"The certificate of {domain} is not for {', '.join(missing)}: browsers will warn.")
    return said
