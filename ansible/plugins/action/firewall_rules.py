"""Works out from the plan what a host's firewall is to let through, and has the host see to it in one call."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_plan.doors import inbound, outbound

REACH_SECONDS = 10


class ActionModule(ActionBase):
    """Option: plan. Returns what the module of the same name does."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """A firewall that was switched on and shuts this controller out is switched off again."""
        super().run(tmp, task_vars)
        plan, variables = self._task.args["plan"], task_vars or {}
        settings = plan["settings"]
        port = int(variables.get("ansible_port") or 22) if "ssh" in self._connection.transport else 0
        told = {
            "state": settings["firewall_state"],
            "backend": settings["firewall_backend"],
            "enable": settings["firewall_enable"],
            "inbound": inbound(plan),
            "outbound": outbound(plan),
            "ssh": sorted({*settings["firewall_ssh_ports"], *([port] if port else [])}),
        }
        answer = self._execute_module("firewall_rules", module_args=told, task_vars=variables)
        switched_on = any(line.endswith("switched on") for line in answer.get("done", ()))
        if answer.get("failed") or self._task.check_mode or not (port and switched_on):
            return answer
        place = str(variables.get("ansible_host") or variables.get("inventory_hostname"))
        try:
            # The session that we hold says nothing: it is let through because it is there already.
            socket.create_connection((place, port), timeout=REACH_SECONDS).close()
        except OSError as error:
            self._execute_module("firewall_rules", module_args={"state": "absent"}, task_vars=variables)
            why = f"{place}:{port} could not be reached any more ({error}), so the firewall was switched off again"
            return {**answer, "failed": True, "msg": f"{why}. Right: firewall_ssh_ports: [the port of SSH there]"}
        return answer
