"""Joins what the roles returned for a host into the rows that are shown at the end of a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_report.rows import apps, certificates
from gramex_report.table import APPS, CERTIFICATES, table


class ActionModule(ActionBase):
    """`gramex_report:` takes no arguments: it reads gramex_plan, gramex_result and nginx_result. Asks no host."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the rows, and the tables as text for those who run it with another callback."""
        result = super().run(tmp, task_vars)
        values = {
            name: self._templar.template((task_vars or {}).get(name) or {})
            for name in ("inventory_hostname", "gramex_plan", "gramex_result", "nginx_result")
        }
        host = str(values["inventory_hostname"])
        report = {
            "apps": apps(host, values["gramex_plan"], values["gramex_result"]),
            "certificates": certificates(host, values["nginx_result"]),
        }
        text = [*table(report["apps"], APPS), "", *table(report["certificates"], CERTIFICATES)]
        return {**result, "changed": False, "report": report, "msg": "\n".join(text).strip()}
