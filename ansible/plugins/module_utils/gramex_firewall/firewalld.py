"""Opens ports in firewalld, by its own commands, in what runs and in what lasts, without a reload.

A reload would drop what others opened until the next one. Its ports bear no comments: the record says which are ours.
"""

from __future__ import annotations

import re

from .command import FirewallError, must, run
from .record import Record
from .rule import Rule, Wanted

CLOSED = ("DROP", "REJECT", "%%REJECT%%")


class Firewalld:
    """firewalld as it is on this host."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.running = self.active()
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        self._services: dict[str, list[str]] = {}

    def active(self) -> bool:
        """Whether it runs."""
        return run("firewall-cmd", "--state")[0] == 0

    def egress(self) -> bool:
        """Whether it closes ways out that no rule opens."""
        return bool(self._policies())

    def bring(self, wanted: Wanted, check: bool) -> list[str]:
        """Open what is missing, close what the role opened and is wanted no more; start it where that was asked.

        Raises FirewallError where SSH would be shut out, or one of its commands fails.
        """
        enable = wanted.enable and not self.running
        places = self._places(wanted.rules(self.egress()))
        for zone in self._zones():
            for port in wanted.ssh:
                ours = [zone, f"{port}/tcp"] in self.record.added
                if ours or (enable and not self._open(zone, Rule("in", "tcp", port))):
                    places.append([zone, f"{port}/tcp"])
        added = [place for place in places if place in self.record.added or not self._there(place)]
        missing = [place for place in added if not self._there(place)]
        stale = [place for place in self.record.added if place not in places]
        done = [f"firewalld: {what} opened in {where}" for where, what in missing]
        done += [f"firewalld: {what} closed in {where}" for where, what in stale]
        done += ["firewalld switched on"] if enable else []
        if check or not done:
            return done
        self.record.added = added + stale
        self.record.write()  # before the first change, so that an interrupted run can be undone
        self._change("add", missing)
        self._change("remove", stale)
        self.record.added = added
        self._switch_on(wanted, enable)
        return done

    def remove(self, check: bool) -> list[str]:
        """Stop it if the role started it, then close what the role opened."""
        enabled = self.record.enabled and self.running
        done = ["firewalld switched off, as it was before"] if enabled else []
        done += [f"firewalld: {what} closed in {where}" for where, what in self.record.added]
        if check:
            return done
        if enabled:
            must("systemctl", "disable", "--now", "--quiet", "firewalld")
            self.running = False
            self._known.clear()
        self._change("remove", self.record.added)
        return done

    def _places(self, rules: list[Rule]) -> list[list[str]]:
        """Where (--zone=, --policy=) each rule belongs, as the record keeps it. What is open anyway is left out."""
        made = []
        for rule in rules:
            where = self._zones() if rule.direction == "in" else self._policies()
            for place in where:
                entry = [place, self._text(rule)]
                if entry in self.record.added or not self._open(place, rule):
                    made.append(entry)
        return made

    def _text(self, rule: Rule) -> str:
        """A rule as firewalld writes it: a port, or a rich rule where it leads to one address."""
        if not rule.to:
            return f"{rule.port}/{rule.protocol}"
        family = "ipv6" if ":" in rule.to else "ipv4"
        port = f'port port="{rule.port}" protocol="{rule.protocol}" accept'
        return f'rule family="{family}" destination address="{rule.to}" {port}'

    def _zones(self) -> list[str]:
        """The default zone, and the zone of the interface that leads to the rest of the world."""
        found = [self._ask("--get-default-zone").strip()]
        for row in run("ip", "-o", "route", "show", "default")[1].splitlines():
            device = re.search(r"\bdev (\S+)", row)
            zone = self._ask(f"--get-zone-of-interface={device[1]}", fail=False).strip() if device else ""
            found += [zone] if re.fullmatch(r"[\w-]+", zone) else []
        return [f"--zone={zone}" for zone in dict.fromkeys(found)]

    def _policies(self) -> list[str]:
        """The policies that close what this host sends."""
        found = []
        for block in self._ask("--list-all-policies", fail=False).split("\n\n"):
            fields = _fields(block)
            if "HOST" in fields.get("ingress-zones", "").split() and fields["target"] in CLOSED:
                found.append(f"--policy={block.split()[0]}")
        return found

    def _open(self, place: str, rule: Rule) -> bool:
        """Whether a place lets something through by what others set: its target, its ports, its services."""
        return not rule.to and all(self._open_in(place, rule, mode) for mode in self._modes())

    def _open_in(self, place: str, rule: Rule, mode: str) -> bool:
        state = self._state(place, mode)
        ports = state["ports"].split()
        for service in state["services"].split():
            ports += self._ports_of(service)
        return state["target"] == "ACCEPT" or any(_covers(port, rule) for port in ports)

    def _there(self, entry: list[str], modes: tuple[str, ...] = ()) -> bool:
        """Whether an entry is in what runs and in what lasts."""
        place, what = entry
        kind = "rich rules" if what.startswith("rule ") else "ports"
        return all(
            what in re.split("\n" if kind == "rich rules" else " ", self._state(place, mode)[kind])
            for mode in modes or self._modes()
        )

    def _modes(self) -> tuple[str, ...]:
        """What lasts and what runs; the offline command knows what lasts alone, and has no word for it."""
        return ("--permanent", "") if self.running else ("",)

    def _state(self, place: str, mode: str) -> dict[str, str]:
        """The fields of a zone or policy. Each question costs a start of Python there, so it is asked once."""
        if (place, mode) not in self._known:
            self._known[place, mode] = _fields(self._ask(*filter(None, [mode]), place, "--list-all"))
        return self._known[place, mode]

    def _ports_of(self, service: str) -> list[str]:
        if service not in self._services:
            permanent = ["--permanent"] if self.running else []
            answer = self._ask(*permanent, f"--service={service}", "--get-ports", fail=False)
            self._services[service] = answer.split()
        return self._services[service]

    def _change(self, word: str, entries: list[list[str]]) -> None:
        """Add or remove entries, in one command for each place, mode and kind: it takes no two kinds at once."""
        for mode in self._modes():
            grouped: dict[tuple[str, bool], list[str]] = {}
            for where, what in entries:
                if self._there([where, what], (mode,)) == (word == "remove"):
                    grouped.setdefault((where, what.startswith("rule ")), []).append(_option(word, what))
            for (where, _), options in grouped.items():
                self._ask(*filter(None, [mode]), where, *options)
        self._known.clear()

    def _switch_on(self, wanted: Wanted, enable: bool) -> None:
        if not enable:
            return
        for zone in self._zones():
            shut = [port for port in wanted.ssh if not self._open(zone, Rule("in", "tcp", port))]
            if shut:
                raise FirewallError(f"firewalld was not switched on: SSH at {shut} would be shut out of {zone[2:]}")
        self.record.enabled = True
        self.record.write()
        must("systemctl", "enable", "--now", "--quiet", "firewalld")

    def _ask(self, *words: str, fail: bool = True) -> str:
        code, output, errors = self._run(*words)
        if code and fail:
            raise FirewallError(f"firewall-cmd {' '.join(words)}: {errors.strip() or output.strip()}")
        return output

    def _run(self, *words: str) -> tuple[int, str, str]:
        # The offline command writes what lasts, and has no word for it.
        return run("firewall-cmd" if self.running else "firewall-offline-cmd", *words)


def _option(word: str, what: str) -> str:
    return f"--{word}-rich-rule={what}" if what.startswith("rule ") else f"--{word}-port={what}"


def _covers(port: str, rule: Rule) -> bool:
    """Whether firewalld's text of a port or range (`80/tcp`, `8000-8010/tcp`) is a rule's."""
    span, _, protocol = port.partition("/")
    first, _, last = span.partition("-")
    return protocol == rule.protocol and first.isdigit() and int(first) <= rule.port <= int(last or first)


def _fields(text: str) -> dict[str, str]:
    """The fields of a zone or policy as firewall-cmd lists it."""
    fields = dict(re.findall(r"^  ([a-z][\w -]*): ?(.*)$", text, re.MULTILINE))
    fields["rich rules"] = "\n".join(re.findall(r"^\t(rule .*)$", text, re.MULTILINE))
    return {"target": "", "ports": "", "services": "", **fields}
