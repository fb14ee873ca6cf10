"""Knows an app as it stands on the host, from what the last deploy noted: to roll it back or to start it anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import kind, release, removal, switch, systemd, sysv
from .problem import Problem
from .record import Record, active, serving


@dataclass
class Standing:
    """One app of the host. `settings` is what its record says of how it is started and stopped."""

    name: str
    home: Path
    record: Record
    services: systemd.Systemd | sysv.Sysv
    gap: str = ""  # what is said of the gap of a change, where it was measured

    @classmethod
    def of(cls, name: str) -> Standing:
        """Read an app that was deployed. Raises Problem where the last deploy did not get to bring it into service."""
        home = removal.HOMES / name
        record = Record.read(home)
        if not record.settings or active(home) is None:
            raise Problem(f"app {name}: no release of it serves yet. Deploy it: ansible-playbook site.yml")
        return cls(name, home, record, kind.services(name, record.settings, systemd.sockets(name)))

    @property
    def settings(self) -> dict[str, Any]:
        """What the last deploy noted: init, port, drain, start_timeout, user, keep, health, distribution."""
        return self.record.settings

    @property
    def colour(self) -> str:
        """The colour that serves."""
        return active(self.home) or ""

    @property
    def release(self) -> str:
        """The release that serves."""
        return serving(self.home)

    def choose(self, wanted: str) -> str:
        """Return the release to go back to: `wanted`, else the last good one before. Raises Problem."""
        states = {name: known.state for name, known in self.record.releases.items()}
        shown = ", ".join(f"{name} ({state})" for name, state in sorted(states.items()) if name != self.release)
        there = f"On the host are: {shown}." if shown else "There is no other one on the host."
        if not wanted:
            if previous := self.record.previous(self.release):
                return previous
            raise Problem(f"app {self.name}: there is no good release before {self.release} to go back to. {there}")
        if wanted not in states:
            raise Problem(f"app {self.name}: there is no release {wanted}. {there}")
        if states[wanted] == "bad":
            raise Problem(f"app {self.name}: release {wanted} is bad, it did not start. {there}")
        found = self.record.releases[wanted].distribution
        if found != self.settings.get("distribution", kind.RUNTIME):
            raise Problem(f"app {self.name}: release {wanted} is for distribution {found}: deploy it with that one")
        return wanted

    def roll_back(self, wanted: str) -> str:
        """Bring an older release into service; return what was done. Raises Problem, then all is as it was."""
        left, chosen = self.release, self.choose(wanted)
        self.bring(chosen)
        # Forward, to one that was made later, says nothing against the one that is left.
        if left in self.record.releases and left != chosen and (not wanted or left > chosen):
            self.record.releases[left].state = "withdrawn"
            self.record.write(self.home)
        return f"{chosen} serves as {self.colour}{self.gap}" if left != chosen else f"{chosen} serves already"

    def restart(self) -> str:
        """Start the release that serves anew, as the other colour; return what was done. Raises Problem."""
        release = self.release
        if release not in self.record.releases:
            raise Problem(f"app {self.name}: its release is gone. Deploy it: ansible-playbook site.yml")
        switch.rest(self.home, self.services)  # what still runs of the other colour is not new
        return self._go(release, "started anew")

    def bring(self, chosen: str) -> None:
        """Bring a release into service unless it serves. Raises Problem."""
        if not switch.serves(self.home, self.record, self.wanted(chosen), self.services):
            self._go(chosen, "")
        switch.rest(self.home, self.services)

    def wanted(self, chosen: str) -> str:
        """Return the digest of what a colour is started with, as a deploy would."""
        return switch.started(self.record.releases[chosen].digest, self.text())

    def text(self) -> str:
        """Return the text that starts a colour. Raises Problem where it is gone."""
        place = systemd.UNITS / f"gramex-{self.name}@.service"
        if isinstance(self.services, sysv.Sysv):
            place = self.services.script
        try:
            return place.read_text(encoding="utf-8")
        except OSError as error:
            raise Problem(f"app {self.name}: {place} is gone. Deploy it: ansible-playbook site.yml") from error

    def _go(self, chosen: str, word: str) -> str:
        environment = self.home / "venvs" / self.record.releases[chosen].environment
        if not environment.is_dir():
            raise Problem(f"app {self.name}: the environment of release {chosen} is gone")
        limits = (self.settings["drain"], self.settings["start_timeout"])
        try:
            self._change(chosen, limits)
        except Problem as problem:
            if self.services.state(self.colour) == "stopped":  # where two could not serve at the same time
                self.services.start(self.colour, self.settings["start_timeout"], keep=True)
            raise Problem(f"app {self.name}: {problem}") from problem
        switch.rest(self.home, self.services)
        release.prune(self.home, self.record, self.settings["keep"])
        return f"{chosen} {word} as {self.colour}{self.gap}"

    def _change(self, chosen: str, limits: tuple[int, int]) -> None:
        arguments = (self.home, self.record, chosen, self.wanted(chosen), self.services)
        if isinstance(self.services, sysv.Sysv):
            _, seconds = sysv.measured(self.services.address, partial(switch.change, *arguments, *limits))
        else:
            switch.change(*arguments, *limits)
            seconds = self.services.gap
        self.gap = "" if seconds is None else f"; gap of this change: {seconds:.2f} s"


def there() -> list[str]:
    """Return the names of the apps that a deploy brought to this host."""
    homes = removal.HOMES
    return sorted(place.name for place in homes.iterdir() if place.is_dir()) if homes.is_dir() else []
