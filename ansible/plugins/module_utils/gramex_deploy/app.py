"""Takes one app through its steps: user and folders, environment and release, files and units, service, tidying up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import asuser, environment, files, kind, observe, record, release, setup, switch, systemd, sysv, tasks, users
from .problem import Problem


@dataclass(frozen=True)
class Host:
    """What all apps of a host share. `init` is systemd or sysv; `place` holds what came along, the `wheel` too."""

    init: str
    place: Path
    wheel: Path
    wheel_digest: str
    start_timeout: int
    socket_group: str
    tools: str = ""


@dataclass
class App:
    """One app as it is wanted; `private` holds its env and the text of its secrets, which are shown nowhere."""

    wanted: Mapping[str, Any]
    private: Mapping[str, Any]
    host: Host
    check: bool
    release_id: str = ""
    digest: str = ""
    gap: float | None = None
    changed: bool = False
    notes: list[str] = field(default_factory=list)
    units_changed: bool = False
    watched: observe.Watch | None = None
    files: files.Files = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.user = self.wanted["name"], self.wanted["user"]
        self.home, self.data, self.config = (Path(self.wanted[key]) for key in ("home", "data", "config"))
        self.files = files.Files(check=self.check)
        self.record = record.Record.read(self.home)
        told = {**self.wanted, "init": self.host.init}
        self.services = self.former = kind.services(self.name, told, self.wanted["sockets"])

    def prepare(self) -> None:
        """Make the user, the folders, the environment and the release; nothing that runs notices. Raises Problem."""
        environment.judge(self.wanted["python"], self.wanted["found"], self.wanted["distribution"])
        if self.user == "root" or (users.exists(self.user) and files.uid(self.user) == 0):
            raise Problem(
                f"user: {self.user} is the administrator; an app runs as a user of its own. Leave the key out"
            )
        try:
            self.changed |= users.ensure(self.files, self.user, self.name, str(self.data))
        except OSError as error:
            raise Problem(str(error)) from error
        self._folders()
        self.digest, wanted = self.wanted["digest"], self.wanted["environment"]
        self.release_id = self.record.find(self.digest) or ""
        if not self.release_id and self._withdrawn():
            return
        built = (self.home / "venvs" / wanted).is_dir()
        if self.release_id and built:
            return
        self.changed = True
        if self.check:
            self.files.done += [] if built else [f"environment {wanted} built"]
            self.files.done += [] if self.release_id else ["release unpacked"]
        elif self.release_id:
            self._build(self.home / "releases" / self.release_id)
        else:
            self._unpack()

    def write(self) -> None:
        """Write env, secrets and units, to be taken back should the release not start."""
        config = {"owner": "root", "group": self.user, "mode": 0o640}
        self.changed |= self.files.text(self.config / "env", variables(self.private["env"]), secret=True, **config)
        if self.private["secrets"]:
            self.changed |= self.files.text(
                self.config / "secrets.yaml", self.private["secrets"], secret=True, **config
            )
        else:
            self.changed |= self.files.absent(self.config / "secrets.yaml")
        for name in ("certificate.pem", "key.pem"):
            if pem := self.private.get("pair", {}).get(name):
                self.changed |= self.files.text(self.config / name, pem, secret=True, **config)
            else:
                self.changed |= self.files.absent(self.config / name)
        for path, text in self.wanted["units"].items():
            if not Path(path).parent.is_dir():  # Debian 13 without an init has no /etc/init.d before a package needs it
                self.files.folder(Path(path).parent)
            self.units_changed |= self.files.text(Path(path), text, mode=0o755 if "/init.d/" in path else 0o644)
        self.changed |= self.units_changed

    def serve(self) -> None:
        """Bring the release into service. Raises Problem if it does not start; then all is as it was before."""
        try:
            self._part()
            self.changed |= self.services.ready(self.files)
            if self.host.init == "systemd" and (front := Path(self.wanted["address"])).is_socket():
                self.changed |= self.files.mend(front, "root", self.host.socket_group, 0o660)
            wanted = switch.started(self.digest, self._text())
            self._note()
            if not switch.serves(self.home, self.record, wanted, self.services):
                self.changed = True
                self._change(wanted)
        except Problem as problem:
            self.take_back()
            self._prune()
            if self.gap is not None:
                problem.args = (f"{problem}\nNobody was answered for {self.gap:.1f} s; the one before serves again",)
            raise

    def watch(self) -> None:
        """See a new release through the time that it is observed; then the former one rests. Raises Problem."""
        try:
            if self.watched:
                limits = (self.wanted["observe"], self.host.start_timeout)
                self.watched.wait(self.home, self.record, self.services, *limits)
        except Problem:
            self.take_back()
            self._prune()
            raise
        if not self.check and switch.rest(self.home, self.services):
            self.changed = True
            self.files.done.append("the other colour stops")

    def tidy(self) -> None:
        """Take away what no release needs any more, and sockets that are wanted no more."""
        if isinstance(self.services, systemd.Systemd):
            former = [unit for unit in systemd.sockets(self.name) if unit not in self.services.sockets]
            if former and not self.check:
                self.services.close(former)
            for unit in former:
                self.units_changed |= self.files.absent(systemd.UNITS / unit)
            self.changed |= bool(former)
        if str(self.config / "full.py") not in self.wanted["units"]:  # what starts the full Gramex
            self.changed |= self.files.absent(self.config / "full.py")
        self.changed |= tasks.settle(self.files, self.name, self.wanted["units"], self.host.init)
        self._prune()

    def result(self) -> dict[str, Any]:
        """Return what the play's table says of the app, and whether sockets of a former address wait for nginx."""
        colour = record.active(self.home)
        row = {
            "name": self.name,
            "release": self.release_id,
            "state": self.services.state(colour) if colour else "not started",
            "boot": self.services.boot,
            "changed": self.changed,
            "done": self.files.done,
            "settle": len(self.wanted["sockets"]) > 1,
        }
        return row if self.gap is None else {**row, "gap": round(self.gap, 2)}

    def _folders(self) -> None:
        for path, group, mode in (
            (self.home, "root", 0o755),
            (self.home / "releases", "root", 0o755),
            (self.home / "venvs", "root", 0o755),
            (self.home / "run", "root", 0o755),
            (self.config, self.user, 0o750),
        ):
            self.changed |= self.files.folder(path, "root", group, mode)
        if self.data.is_dir() and not self.check:
            self._own_data()
        self.changed |= self.files.folder(self.data, self.user, self.user, 0o750)
        for name in (self.name, *self.wanted["inside"]):
            self._data(self.data / "data" / name)

    def _own_data(self) -> None:
        """Where the app has a new user, its data go to that one; links are given away, never followed."""
        former, owner = self.data.lstat().st_uid, files.uid(self.user)
        if former == owner:
            return
        for folder, inside, names in os.walk(self.data):
            for name in (*inside, *names):
                place = Path(folder, name)
                if place.lstat().st_uid == former:
                    os.chown(place, owner, files.gid(self.user), follow_symlinks=False)

    def _data(self, path: Path) -> None:
        """Make a folder of the app's data as the app's user: root would follow a link that the app put there."""
        if path.is_dir():
            return
        self.changed = True
        self.files.done.append(f"folder {path} made")
        if not self.check:
            done = asuser.run(["mkdir", "-p", "-m", "0750", "--", str(path)], self.user, Path("/"), {}, timeout=60)
            if done.code:
                raise Problem(f"{path} cannot be made: {done.last}")

    def _build(self, at: Path) -> None:
        recipe = environment.Recipe(
            key=self.wanted["environment"],
            python=self.wanted["python"],
            interpreter=self.wanted["interpreter"],
            distribution=self.wanted["distribution"],
            locks=tuple(self.host.place / name for name in self.wanted["locks"]),
            lock_digest=self.wanted["lock_digest"],
            wheel=self.host.wheel,
            wheel_digest=self.host.wheel_digest,
            requirements=tuple(self.wanted["requirements"]),
        )
        if environment.ensure(self.home / "venvs", recipe, self.user, at):
            self.files.done.append(f"environment {recipe.key} built")

    def _unpack(self) -> None:
        archive = Path(self.wanted["archive"])
        if not archive.is_file():
            raise Problem("the release is not on the host and did not come along: another run was under way. Run again")
        built = (self.home / "venvs" / self.wanted["environment"]).is_dir()
        release.room(self.home, self.wanted["size"], 0 if built else environment.room(self.wanted["distribution"]))
        name = release.name(self.wanted["digest"], self.record.releases)
        staged = release.Staged.unpack(archive, self.home / "releases", name, self.user)
        try:
            self._build(staged.aside)
            python = self.home / "venvs" / self.wanted["environment"] / "bin" / "python"
            self._set_up(staged.aside, python)
            staged.share(self.wanted["shared"], self.data / "data" / self.name, self.user)
            staged.compile(python)
            self._judge(staged, python)
            staged.finish()
        finally:
            files.remove(staged.aside)
        self.record.add(name, self.wanted["digest"], self.wanted["environment"], self.wanted["distribution"])
        self.record.write(self.home)
        self.release_id = name
        self.files.done.append(f"release {name} unpacked")

    def _set_up(self, staged: Path, python: Path) -> None:
        if places := self.wanted["setup"]:
            variables = {"GRAMEXDATA": str(self.data), **self.private["env"]}
            if self.wanted["distribution"] == kind.FULL:  # `gramex setup` is this runtime's, whatever serves the app
                variables["PYTHONPATH"] = str(self.host.wheel)
            skipped = setup.run(staged, places, python, self.user, variables, self.host.tools)
            self.notes += [f"{self.name}: {line}" for line in skipped]

    def _judge(self, staged: release.Staged, python: Path) -> None:
        """Check the release with its own secrets, before what runs could see them."""
        variables = {"GRAMEXDATA": str(self.data), **self.private["env"]}
        secrets = self.config / "secrets.new"
        try:
            if self.private["secrets"]:
                files.replace(secrets, self.private["secrets"].encode(), 0, files.gid(self.user), 0o640)
                staged.link_secrets(secrets)
            if self.wanted["distribution"] != kind.FULL:  # which has no such command
                staged.check(python, self.user, variables)
            if self.private["secrets"]:
                staged.link_secrets(self.config / "secrets.yaml")
        finally:
            secrets.unlink(missing_ok=True)

    def _change(self, wanted: str) -> None:
        if self.check:
            self.files.done.append("release brought into service")
            return
        former, fresh = record.active(self.home), self.record.releases[self.release_id].state == "new"
        arguments = (self.home, self.record, self.release_id, wanted, self.services)
        limits = (self.wanted["drain"], self.host.start_timeout)
        if isinstance(self.services, sysv.Sysv):
            work = partial(switch.change, *arguments, *limits)
            colour, self.gap = sysv.measured(self.wanted["address"], work)
        else:
            colour = switch.change(*arguments, *limits)
            self.gap = self.services.gap
        self.files.done.append(f"release {self.release_id} serves as {colour}")
        if self.wanted["observe"] and colour != former:
            self.watched = observe.Watch.begin(self.release_id, colour, former, fresh, self.services)

    def take_back(self) -> None:
        """After a failure: the texts as before, no socket that nobody serves, and the former colour runs."""
        if self.check:
            return
        former = record.active(self.home)
        if former is None:
            self.services.remove()
        elif isinstance(self.services, systemd.Systemd):
            self.services.close([unit for unit in self.services.sockets if self.files.made(systemd.UNITS / unit)])
        if self.files.restore() and self.host.init == "systemd":
            systemd.reload()
        if former and self.former.state(former) == "stopped":
            with suppress(Problem):
                self.former.ready(files.Files())
                self.former.start(former, self.host.start_timeout, keep=True)
            if isinstance(self.former, systemd.Systemd):
                self.gap = self.former.gap

    def _part(self) -> None:
        """End what serves where it is of the other distribution: the two cannot have the same address."""
        known, colour = self.record.settings, record.active(self.home)
        if self.check or not colour or known.get("distribution", kind.RUNTIME) == self.wanted["distribution"]:
            return
        self.former = kind.services(self.name, known, systemd.sockets(self.name))
        switch.wait(colour, self.former, self.wanted["drain"] + 20)
        if isinstance(self.former, systemd.Systemd):
            self.former.close(self.former.sockets)

    def _prune(self) -> None:
        if not self.check:
            gone = release.prune(self.home, self.record, self.wanted["keep"])
            self.files.done += [f"release {name} removed" for name in gone]

    def _text(self) -> str:
        """Return the text that starts a colour."""
        return next(text for path, text in self.wanted["units"].items() if "@" in path or "/init.d/" in path)

    def _withdrawn(self) -> bool:
        """True if somebody went back from the release that is wanted: what serves instead goes on serving."""
        withdrawn, serving = self.record.find(self.digest, "withdrawn"), record.serving(self.home)
        if not withdrawn or serving not in self.record.releases:
            return False
        if self.record.releases[serving].distribution != self.wanted["distribution"]:
            self.release_id = withdrawn  # for what serves cannot go on with the distribution that is wanted now
            return False
        self.release_id, self.digest = serving, self.record.releases[serving].digest
        self.notes.append(
            f"{self.name}: somebody went back from release {withdrawn}, so {serving} goes on serving. "
            "Change the source, or bring it back: ansible-playbook ansible/playbooks/rollback.yml "
            f"-e app={self.name} -e release={withdrawn}"
        )
        return True

    def _note(self) -> None:
        """Note for the verbs what they have to know of the app."""
        known = {key: self.wanted[key] for key in ("port", "drain", "user", "keep", "health", "distribution")}
        settings = {**known, "init": self.host.init, "start_timeout": self.host.start_timeout}
        if self.record.settings != settings and not self.check:
            self.record.settings = settings
            self.record.write(self.home)


def hide(text: str, private: Mapping[str, Any]) -> str:
    """Return a log's end without the app's secrets, should the app have logged them."""
    for value in private["hidden"]:
        text = text.replace(value, "********")
    return text


def variables(variables: Mapping[str, str]) -> str:
    """Return an environment file that systemd and a shell read alike."""
    quoted = {name: "".join(f"\\{c}" if c in '"\\`$' else c for c in value) for name, value in variables.items()}
    head = "# Written by the gramex role: env of gramex_apps.\n"
    return head + "".join(f'{name}="{value}"\n' for name, value in quoted.items())
