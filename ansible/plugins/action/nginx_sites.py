"""Renders nginx's files from the plan on the controller and has the host put them into service in one call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_nginx.render import ASSUMED, STATUS_ADDRESS, Certificate, RenderError, render


class ActionModule(ActionBase):
    """
    Arguments: plan, host (answer of nginx_probe, empty before nginx is there), probe (true: look only).

    With ``probe`` the result is that of the module nginx_probe for this plan. Else it has `sites`: a row for each
    domain with domain, urls, fingerprint and expires.
    """

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"plan", "host", "probe"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result; every mistake of the operator is a message."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        plan = self._task.args["plan"]
        try:
            if self._task.args.get("probe"):
                return {**result, **self._probe(plan, variables)}
            return {**result, **self._serve(plan, variables)}
        except RenderError as error:
            return {**result, "failed": True, "msg": f"{error}\nNothing was changed by the role nginx."}

    def _probe(self, plan: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        # The plan is rendered here already: what cannot be rendered shall fail before nginx is installed.
        made = render(plan, ASSUMED)
        self._pems(plan, made.certificates, variables)
        arguments = {"names": made.names, "ports": made.ports or [plan["settings"]["nginx_http_port"]]}
        return self._execute_module("nginx_probe", module_args=arguments, task_vars=variables)

    def _serve(self, plan: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        host = self._task.args["host"]
        if not host["version"] and not self._task.check_mode and render(plan, ASSUMED).files:
            answer = self._probe(plan, variables)  # nginx came a moment ago
            if answer.get("failed"):
                return answer
            host = answer["host"]
        made = render(plan, host if host["version"] else {**ASSUMED, "ipv6": host["ipv6"]})
        settings = plan["settings"]
        arguments = {
            "files": made.files,
            "certificates": [asdict(item) for item in made.certificates],
            "pems": self._pems(plan, made.certificates, variables),
            "names": made.names,
            "ports": made.ports or [settings["nginx_http_port"]],
            "status_address": STATUS_ADDRESS,
            "acme_root": settings["nginx_acme_root"],
            "days": settings["nginx_selfsigned_days"],
            "wait": settings["nginx_wait"],
        }
        answer = self._execute_module("nginx_sites", module_args=arguments, task_vars=variables)
        known = answer.get("certificates", {})
        unknown = {"fingerprint": "", "expires": ""}
        answer["sites"] = [{**row, **known.get(row["domain"], unknown)} for row in made.rows]
        return answer

    def _pems(
        self, plan: Mapping[str, Any], certificates: list[Certificate], variables: dict[str, Any]
    ) -> dict[str, dict[str, str]]:
        """Read certificates and keys of kind `files` on the controller; vaulted ones are decrypted."""
        pems: dict[str, dict[str, str]] = {}
        for item in certificates:
            if item.kind != "files":
                continue
            pems[item.domain] = {}
            for name in ("certificate", "key"):
                path = (
                    Path(variables.get("inventory_dir") or ".")
                    / plan["settings"]["nginx_certificates"][item.domain][name]
                )
                try:
                    pems[item.domain][name] = self._loader.get_text_file_contents(str(path))
                except (AnsibleError, OSError):
                    raise RenderError(f"nginx_certificates.{item.domain}.{name}: {path} cannot be read.") from None
        return pems
