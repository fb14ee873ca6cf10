"""Opens ports in ufw, by its own commands. Rules of ours bear the comment `gramex`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .command import FirewallError, must, run
from .record import Record
from .rule import MARK, Rule, Wanted

RULES = Path("/etc/ufw/user.rules")
RULES6 = Path("/etc/ufw/user6.rules")
DEFAULTS = Path("/etc/default/ufw")
ANYWHERE = ("0.0.0.0/0", "::/0", "any")
OPEN = ("allow", "limit")


@dataclass(frozen=True)
class Line:
    """A rule as ufw keeps it. `ports`: `any` or ranges; `to` and `source`: networks."""

    action: str
    protocol: str
    ports: str
    to: str
    source: str
    direction: str
    comment: str

    @property
    def ours(self) -> bool:
        """Whether the role made it."""
        return self.comment.split(" ")[0] == MARK

    def covers(self, rule: Rule) -> bool:
        """Whether it decides about all, or a part, of what a rule is about."""
        if self.direction.split("_")[0] != rule.direction or self.protocol not in ("any", rule.protocol):
            return False
        return self.ports == "any" or any(_within(rule.port, part) for part in self.ports.split(","))

    def decides(self, rule: Rule) -> bool:
        """Whether it decides about all that a rule is about: from or to anywhere, on every interface."""
        if not self.covers(rule) or "_" in self.direction or self.source not in ANYWHERE:
            return False
        return self.to in ANYWHERE or (self.to == rule.to and bool(rule.to))

    @property
    def rule(self) -> Rule:
        """The rule that this line of ours stands for."""
        return Rule(self.direction, self.protocol, int(self.ports), "" if self.to in ANYWHERE else self.to)


class Ufw:
    """ufw as it is on this host."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def active(self) -> bool:
        """Whether it filters now."""
        return "status: active" in run("ufw", "status")[1].lower()

    def egress(self) -> bool:
        """Whether it closes ways out that no rule opens."""
        return default("OUTPUT") != "ACCEPT"

    def bring(self, wanted: Wanted, check: bool) -> list[str]:
        """Add the rules that are missing, remove ours that are wanted no more; switch it on where that was asked.

        Raises FirewallError where a rule of somebody else closes a port, or where SSH would be shut out.
        """
        active = self.active()
        enable = wanted.enable and not active
        present = lines()
        rules = wanted.rules(self.egress())
        keep = [line.rule for line in present if line.ours and line.rule.port in wanted.ssh and line.rule not in rules]
        if enable:
            keep += [rule for port in wanted.ssh if not let_in(rule := Rule("in", "tcp", port), present)]
        foreign = [line for line in present if not line.ours]
        missing = [rule for rule in (*rules, *keep) if not let_in(rule, foreign)]
        self._judge(missing, foreign)
        ours = {line.rule for line in present if line.ours}
        done = [f"ufw: {rule} opened" for rule in missing if rule not in ours]
        stale = sorted(ours - set(missing))
        done += [f"ufw: {rule} closed" for rule in stale]
        done += ["ufw switched on"] if enable else []
        if check or not done:
            return done
        for rule in missing:
            if rule not in ours:
                must("ufw", "allow", *words(rule), "comment", MARK)
        for rule in stale:
            must("ufw", "--force", "delete", "allow", *words(rule))
        self._switch_on(wanted, enable)
        return done

    def remove(self, check: bool) -> list[str]:
        """Switch it off if the role switched it on, then take the role's rules away."""
        enabled = self.record.enabled and self.active()
        ours = sorted({line.rule for line in lines() if line.ours})
        done = (["ufw switched off, as it was before"] if enabled else []) + [f"ufw: {rule} closed" for rule in ours]
        if check:
            return done
        if enabled:
            must("ufw", "disable")
        for rule in ours:
            must("ufw", "--force", "delete", "allow", *words(rule))
        return done

    def _judge(self, missing: list[Rule], foreign: list[Line]) -> None:
        for rule in missing:
            closed = next((line for line in foreign if line.decides(rule)), None)
            if closed and closed.action not in OPEN:
                raise FirewallError(
                    f"ufw has a rule of its own that closes {rule}: see `ufw status numbered`. Delete it there, or set "
                    "firewall_backend: none"
                )

    def _switch_on(self, wanted: Wanted, enable: bool) -> None:
        if not enable:
            return
        present = lines()
        if shut := [port for port in wanted.ssh if not let_in(Rule("in", "tcp", port), present)]:
            raise FirewallError(f"ufw was not switched on: SSH at {shut} would be shut out")
        self.record.enabled = True
        self.record.write()
        must("ufw", "--force", "enable")


def let_in(rule: Rule, present: list[Line]) -> bool:
    """Whether rules let something through for everybody: the first that decides counts, and none shuts a part out.

    Where no rule decides, the default for its direction does.
    """
    for line in present:
        if line.decides(rule):
            return line.action in OPEN
    return default("INPUT" if rule.direction == "in" else "OUTPUT") == "ACCEPT"


def default(chain: str) -> str:
    """What happens to packets that no rule decides about: ACCEPT, DROP or REJECT."""
    text = DEFAULTS.read_text(encoding="utf-8") if DEFAULTS.exists() else ""
    found = re.search(rf'^DEFAULT_{chain}_POLICY="?(\w+)"?', text, re.MULTILINE)
    return found[1] if found else "DROP" if chain == "INPUT" else "ACCEPT"


def lines() -> list[Line]:
    """The rules that ufw has, in its order; those for IPv6 after those for IPv4."""
    return [line for place in (RULES, RULES6) if place.exists() for line in parse(place.read_text(encoding="utf-8"))]


def parse(text: str) -> list[Line]:
    """The rules in a file of ufw's.

    Each is a line `### tuple ### ACTION PROTOCOL PORTS TO PORTS SOURCE [APP APP] DIRECTION [comment=HEX]`.
    """
    found = []
    for words in (row.split()[3:] for row in text.splitlines() if row.startswith("### tuple ### ")):
        comment = ""
        if words[-1].startswith("comment="):
            comment = bytes.fromhex(words.pop().removeprefix("comment=")).decode(errors="replace")
        action, protocol, ports, to, source_ports, source = words[:6]
        # Some ports only of those who ask: it never decides about all.
        source = source if source_ports == "any" else f"{source}:{source_ports}"
        if not action.startswith("route:"):
            found.append(Line(action.split("_")[0], protocol, ports, to, source, words[-1], comment))
    return found


def words(rule: Rule) -> list[str]:
    """A rule as ufw's commands take it."""
    return [rule.direction, "proto", rule.protocol, "to", rule.to or "any", "port", str(rule.port)]


def _within(port: int, part: str) -> bool:
    first, _, last = part.partition(":")
    return int(first) <= port <= int(last or first)
