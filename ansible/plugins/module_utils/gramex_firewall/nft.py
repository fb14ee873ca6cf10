"""Opens ports in nftables and keeps them open: a unit of ours brings our rules back after boot and reload."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import nftables
from .command import FirewallError, must, run
from .record import HOME, Record
from .rule import Rule, Wanted

PROGRAM = HOME / "firewall.py"
RULES = HOME / "firewall.rules.json"
UNIT = Path("/etc/systemd/system/gramex-firewall.service")
SCRIPT = Path("/etc/init.d/gramex-firewall")
SYSTEMD = Path("/run/systemd/system")
UNIT_TEXT = """\
# Written by the firewall role. Brings its rules back when nftables was loaded: at boot, at a reload, at a restart.
[Unit]
Description=Ports of Gramex apps in nftables
DefaultDependencies=no
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
ExecReload={command}

[Install]
WantedBy=sysinit.target nftables.service
"""
SCRIPT_TEXT = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          gramex-firewall
# Required-Start:    $local_fs
# Required-Stop:
# Should-Start:      nftables
# Default-Start:     S
# Default-Stop:
# Short-Description: Ports of Gramex apps in nftables
### END INIT INFO
# Written by the firewall role.
case "$1" in start | restart | reload | force-reload) exec {command} ;; esac
"""


class Nftables:
    """nftables as it is on this host."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def active(self) -> bool:
        """Whether anything is kept from coming in. Where nobody may ask, as in many containers, nobody filters here."""
        try:
            return bool(_read().closing("input"))
        except FirewallError:
            return False

    def egress(self) -> bool:
        """Whether anything is kept from going out."""
        return bool(_read().closing("output"))

    def bring(self, wanted: Wanted, check: bool) -> list[str]:
        """Add our rules to the chains that close, or our table where none does and that was asked.

        Raises FirewallError where iptables manages the chain that closes, or where nft refuses.
        """
        ruleset = _read()
        foreign = [c for c in ruleset.closing("input") if (c["family"], c["table"]) != nftables.TABLE]
        filtered = wanted.rules(bool(ruleset.closing("output")))
        self._judge(ruleset, filtered)
        own = (wanted.enable or self.record.enabled) and not foreign
        ssh = [Rule("in", "tcp", port) for port in wanted.ssh]
        inbound = [rule for rule in filtered if rule.direction == "in"]
        told = {
            "inbound": [asdict(rule) for rule in inbound],
            "outbound": [asdict(rule) for rule in filtered if rule.direction == "out"],
            "own": [asdict(rule) for rule in sorted({*inbound, *ssh})] if own else [],
        }
        lines = nftables.commands(ruleset, told)
        done = [f"nft {line}" for line in lines]
        needed = bool(ruleset.closing("input") or ruleset.closing("output") or own)
        if not needed:
            return done + self._forget(check)
        done += self._keep(told, check)
        if not check:
            self.record.enabled = own
            self.record.write()
            _apply(lines)
            self._enable(bool(done))
        return done

    def remove(self, check: bool) -> list[str]:
        """Take our rules, our table and what keeps them away."""
        lines = nftables.commands(_read(), {"inbound": [], "outbound": [], "own": []})
        done = [f"nft {line}" for line in lines]
        if not check:
            _apply(lines)
        return done + self._forget(check)

    def _judge(self, ruleset: nftables.Ruleset, filtered: list[Rule]) -> None:
        for hook, direction in (("input", "in"), ("output", "out")):
            ports = [rule for rule in filtered if rule.direction == direction]
            if not ports or not any(ruleset.legacy(chain) for chain in ruleset.closing(hook)):
                continue
            chain = hook.upper()
            shown = ", ".join(str(rule.port) for rule in ports)
            raise FirewallError(
                f"iptables closes {hook} on this host, and its rules are not for this role to change. Ports: {shown}. "
                f"Right: iptables -I {chain} -p tcp --dport {ports[0].port} -j ACCEPT, kept as you keep the others, "
                "and firewall_backend: none"
            )

    def _keep(self, told: dict[str, Any], check: bool) -> list[str]:
        """Write what brings the rules back; return what was written."""
        command = f"{sys.executable} -I {PROGRAM} {RULES}"
        place, text = (UNIT, UNIT_TEXT) if SYSTEMD.is_dir() else (SCRIPT, SCRIPT_TEXT)
        wanted = {
            PROGRAM: inspect.getsource(nftables),
            RULES: json.dumps(told, indent=1) + "\n",
            place: text.format(command=command),
        }
        stale = [path for path, content in wanted.items() if not path.exists() or path.read_text() != content]
        if not check:
            HOME.mkdir(mode=0o755, exist_ok=True)
            for path in stale:
                path.write_text(wanted[path], encoding="utf-8")
                path.chmod(0o755 if path == SCRIPT else 0o644)
        return [f"{path} written" for path in stale]

    def _enable(self, changed: bool) -> None:
        if not SYSTEMD.is_dir():
            run("update-rc.d", SCRIPT.name, "defaults")
        elif changed or run("systemctl", "is-active", "--quiet", UNIT.name)[0]:
            must("systemctl", "daemon-reload")
            must("systemctl", "enable", "--now", "--quiet", UNIT.name)

    def _forget(self, check: bool) -> list[str]:
        gone = [path for path in (UNIT, SCRIPT, PROGRAM, RULES) if path.exists()]
        if gone and not check:
            if UNIT.exists():
                run("systemctl", "disable", "--now", "--quiet", UNIT.name)
            if SCRIPT.exists():
                run("update-rc.d", "-f", SCRIPT.name, "remove")
            for path in gone:
                path.unlink()
            if SYSTEMD.is_dir():
                run("systemctl", "daemon-reload")
        return [f"{path} removed" for path in gone]


def _read() -> nftables.Ruleset:
    with _path():
        try:
            return nftables.read()
        except (OSError, RuntimeError) as error:
            raise FirewallError(str(error)) from error


def _apply(lines: list[str]) -> None:
    with _path():
        try:
            nftables.apply(lines)
        except (OSError, RuntimeError) as error:
            raise FirewallError(str(error)) from error


@contextlib.contextmanager
def _path() -> Any:
    """A login by SSH may come without sbin, where nft is."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{before}:/usr/sbin:/sbin"
    try:
        yield
    finally:
        os.environ["PATH"] = before
