"""Checks a host and what the operator wrote for it, before anything changes, and returns the plan for all roles."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_bundle.archive import BundleError
from gramex_bundle.archive import check as check_bundle
from gramex_plan.apps import Host
from gramex_plan.hosts import judge
from gramex_plan.login import as_root
from gramex_plan.plan import Checked, check, make
from gramex_plan.problems import IT_TEAM, YOU, Problem, render
from gramex_plan.schema import load
from gramex_plan.values import Checker
from gramex_plan.variables import PREFIX
from gramex_plan.windows import judge as judge_windows
from gramex_preflight import certificates, look
from gramex_preflight import judge as network
from gramex_report.problems import UNCHANGED, rows
from gramex_source.wanted import on_host

ROLES = Path(__file__).resolve().parents[2] / "roles"
BY_NETWORK = ("ssh", "paramiko", "paramiko_ssh")  # connections that go to an address


class ActionModule(ActionBase):
    """`gramex_plan:` reads the host's variables. Its result names secrets, never shows them.

    Option network: always, new or never; when to try names, ports and ways out, which takes seconds. With `new`, where
    something is installed for the first time, what it finds is a warning.
    """

    _supports_check_mode = True
    _requires_connection = True
    _VALID_ARGS = frozenset({"network"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the plan (apps, sites, settings, host, become), or fail with everything that is wrong."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        checker = Checker(origin)
        host = inventory_host(variables)
        proxy = "proxy" in host.groups
        values = self._values(variables, checker)
        declared = self._declared()
        checked = check(values, declared, host, str(variables.get("inventory_dir") or Path.cwd()), checker)
        offline = bool(checked.settings.get("gramex_bundle"))
        if host.windows:
            facts = self._windows(variables, checker)
        else:
            facts = self._facts(checked, proxy, offline, variables, checker)
        problems = list(checker.problems)
        if facts and host.windows:
            problems += judge_windows(facts.pop("found"))
        elif facts:
            problems += judge(facts, checked.apps, checked.settings, proxy)
            told = facts.pop("preflight")
            problems += self._beyond(told, checked, proxy, variables)
            if told["network"]:  # where nothing is new the bundle is looked at when it is shipped
                problems += self._bundle(str(checked.settings.get("gramex_bundle") or ""), variables)
        result["report"] = {"problems": rows(host.name, problems)}
        wrong = [problem for problem in problems if not problem.warning]
        if wrong:
            return {**result, "failed": True, "msg": render(wrong, host.name, UNCHANGED)}
        plan = make(checked, facts, proxy)
        if self._always:
            result["notes"] = ["nothing stands in the way of a deploy"]
        return {**result, "changed": False, **plan, "become": self._connection.become is not None}

    @property
    def _always(self) -> bool:
        return bool(self._task.args.get("network") == "always")

    def _bundle(self, file: str, variables: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with the bundle, if there is one."""
        if not file:
            return []
        place = Path(str(variables.get("inventory_dir") or "."), file).expanduser()
        try:
            bundle = check_bundle(place if place.exists() else Path(file).expanduser().absolute())
        except BundleError as error:
            return [Problem(f"{error}.", "gramex_bundle")]
        told = {"digest": bundle.digest, **{name: bundle.manifest[name] for name in ("suite", "architecture")}}
        answer = self._execute_module("gramex_bundle", module_args=told, task_vars=variables)
        if not answer.get("failed"):
            return []
        return [Problem(str(answer["msg"]).removeprefix("gramex_bundle: "), "gramex_bundle")]

    def _beyond(
        self, told: dict[str, Any], checked: Checked, proxy: bool, variables: Mapping[str, Any]
    ) -> list[Problem]:
        """What is wrong with certificates and, where it was looked at, in the network."""
        apps, settings = checked.apps, checked.settings
        wanted, given = certificates.wanted(apps), settings.get("nginx_certificates") or {}
        found = list(certificates.judge(wanted, given, told["certificates"], lambda file: self._text(file, variables)))
        if not told["network"]:
            return found
        try:
            seen = look.around(told, apps, settings, proxy, self._way(variables), self._token)
        finally:
            if told["process"]:
                self._low_level_execute_command(f"kill {told['process']}")
        seen.deploys = not self._always
        said = network.judge(seen, apps, settings, proxy)
        if self._always:
            return [*found, *said, *network.untried(apps)]
        return [*found, *(replace(problem, warning=True) for problem in said)]

    def _way(self, variables: Mapping[str, Any]) -> look.Way:
        """How this machine comes to the host."""
        if self._connection.transport == "local":
            return look.Way("127.0.0.1", local=True)
        if self._connection.transport not in BY_NETWORK:
            return look.Way()
        words = (str(variables.get(f"ansible_ssh_{kind}_args") or "") for kind in ("common", "extra"))
        return look.Way(str(self._play_context.remote_addr or ""), jump=any("Proxy" in word for word in words))

    def _text(self, file: str, variables: Mapping[str, Any]) -> str:
        """A file of the controller, decrypted. Raises OSError."""
        try:
            path = Path(str(variables.get("inventory_dir") or "."), file)
            return str(self._loader.get_text_file_contents(str(path)))
        except AnsibleError as error:
            raise OSError(str(error.message)) from None

    def _values(self, variables: dict[str, Any], checker: Checker) -> dict[str, Any]:
        """The host's variables with a role's prefix, templated one by one, so that one mistake does not hide others."""
        values = {}
        registered = load().registered
        for name in variables:
            if not isinstance(name, str) or not PREFIX.match(name) or name in registered:
                continue
            values[name] = self._templated(variables[name], name, checker, at=origin(name))
        return values

    def _templated(self, raw: Any, what: str, checker: Checker, at: str) -> Any:
        """The value of a variable; what cannot be worked out is noted, as deep inside as possible, and left out."""
        try:
            return self._templar.template(raw)
        except AnsibleError as error:
            at = origin(raw) or at
            if isinstance(raw, list):
                return [self._templated(item, f"{what}[{number}]", checker, at) for number, item in enumerate(raw)]
            if isinstance(raw, dict):
                found = {key: self._templated(raw[key], f"{what}.{key}", checker, origin(key) or at) for key in raw}
                return {key: value for key, value in found.items() if value is not None}
            checker.add(f"cannot be worked out: {error.message}", what, at)
            return None

    def _declared(self) -> dict[str, Any]:
        """Every variable that a role declares in its defaults, with the default."""
        declared: dict[str, Any] = {}
        for file in sorted(ROLES.glob("*/defaults/main.yml")):
            raw = self._loader.load_from_file(str(file), cache="all", trusted_as_template=True) or {}
            declared.update({name: self._templar.template(value) for name, value in raw.items()})
        return declared

    def _windows(self, variables: dict[str, Any], checker: Checker) -> dict[str, Any]:
        """What Ansible's own setup for Windows says of the host, {} after noting why it says nothing."""
        try:
            answer = self._execute_module(
                "ansible.windows.setup",
                module_args={"gather_subset": ["!all", "!min", "distribution", "platform"]},
                task_vars=variables,
            )
        except AnsibleConnectionFailure as error:
            checker.add(f"it cannot be reached: {error.message}", "host")
            return {}
        if answer.get("failed"):
            checker.problems.append(refusal(str(answer.get("msg") or "it gave no answer")))
            return {}
        found = answer["ansible_facts"]
        return {"init": "windows", "hostname": str(found.get("ansible_hostname") or ""), "found": found}

    def _facts(
        self, checked: Checked, proxy: bool, offline: bool, variables: dict[str, Any], checker: Checker
    ) -> dict[str, Any]:
        """What the module gramex_host says of the host, {} after noting why it says nothing."""
        present = [app for app in checked.apps if app["state"] == "present"]
        given = checked.settings.get("nginx_certificates") or {}
        self._token = secrets.token_hex(16)
        arguments = {
            "apps": [app["name"] for app in present if app["name"]],
            "interpreters": sorted({app["python"] for app in present}),
            "proxy": proxy,
            "offline": offline,
            "certificates": certificates.on_host(certificates.wanted(present), given),
            "sources": {app["name"]: app["source"]["host"] for app in present if on_host(app)},
            "network": self._task.args.get("network") or "never",
            "outbound": list(network.places(present)),
            "doors": network.ports(present, checked.settings, proxy),
            "token": self._token,
        }
        asked = time.time()
        try:
            as_root(self)
            answer = self._execute_module("gramex_host", module_args=arguments, task_vars=variables)
        except AnsibleConnectionFailure as error:
            checker.add(f"it cannot be reached: {error.message}", "host")
            return {}
        except AnsibleError as error:  # what the local connection raises where nobody can become root
            said = str(error.message).rpartition(">>> Standard Error")[2]
            checker.problems.append(refusal(" ".join(said.split())))
            return {}
        if answer.get("failed"):
            texts = (str(answer.get(part) or "").strip() for part in ("module_stderr", "module_stdout", "msg"))
            checker.problems.append(refusal(next(filter(None, texts), "it gave no answer")))
            return {}
        facts = dict(answer["facts"])
        facts["preflight"]["off"] = look.off(facts["preflight"]["now"], asked, time.time())
        return facts


def refusal(text: str) -> Problem:
    """Say in our words why a host ran no module at all."""
    low = text.lower()
    if "sudo" in low or "privilege" in low or "become" in low:
        right = "run the play as root, or with `--ask-become-pass` where sudo is set up (make deploy ARGS=-K)"
        refused = "not in the sudoers" in low or "not allowed" in low or "may not run" in low
        who = IT_TEAM if refused else YOU
        return Problem(f"it is not possible to become root there: {text}", "privileges", right=right, who=who)
    if "python" in low and ("not found" in low or "no such file" in low or "interpreter" in low):
        return Problem(f"there is no Python to work with: {text}", "python", right="apt-get install python3")
    return Problem(f"its state cannot be read: {text}", "host")


def inventory_host(variables: dict[str, Any]) -> Host:
    """The host of these variables, and the names of its inventory."""
    groups = variables.get("groups") or {}
    names = {str(name) for name in groups} | {str(name) for members in groups.values() for name in members}
    own = frozenset(map(str, variables.get("group_names") or ()))
    proxies = frozenset(map(str, groups.get("proxy") or ()))
    return Host(str(variables["inventory_hostname"]), own, frozenset(names), proxies)


def origin(value: Any) -> str:
    """FILE:LINE of a value that Ansible read from a file; '' where it is unknown or the value was made."""
    try:
        from ansible._internal._datatag._tags import Origin  # no public name yet; only messages depend on it
    except ImportError:
        return ""
    tag = Origin.get_tag(value)
    if tag is None:
        return ""
    if not tag.path:
        return str(tag.description or "")
    path = os.path.relpath(tag.path)
    shown = tag.path if path.startswith("..") else path
    return f"{shown}:{tag.line_num}" if tag.line_num else shown
