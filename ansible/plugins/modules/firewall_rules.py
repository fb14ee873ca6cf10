#!/usr/bin/python
"""Opens ports in the firewall of a host. Called by the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rules
short_description: Open ports in the firewall that a host has
description:
  - Works with ufw, firewalld and nftables. Adds and removes rules of its own alone, and never flushes.
  - Switches an inactive firewall on only where O(enable) says so, after it has seen that SSH stays open.
  - The action of the same name fills in the options from the plan; nobody writes them by hand.
options:
  state:
    description: present, or absent to take the rules away again.
    type: str
    choices: [present, absent]
    default: present
  backend:
    description: auto, ufw, firewalld, nftables or none.
    type: str
    default: auto
  enable:
    description: Whether an inactive firewall may be switched on.
    type: bool
    default: false
  inbound:
    description: TCP ports that others may reach.
    type: list
    elements: int
    default: []
  outbound:
    description: Ways out that the apps need, each with protocol, port and to. Used where what goes out is filtered.
    type: list
    elements: dict
    default: []
  ssh:
    description: Ports of SSH, besides those that sshd itself tells.
    type: list
    elements: int
    default: []
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Take the rules away
  firewall_rules:
    state: absent
"""
RETURN = r"""
backend:
  description: The firewall that was found or told, or none.
  returned: always
  type: str
active:
  description: Whether it filters.
  returned: always
  type: bool
done:
  description: What was opened, closed and written.
  returned: always
  type: list
  elements: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_alone import alone
from ansible.module_utils.gramex_firewall import ssh
from ansible.module_utils.gramex_firewall.choose import choose, installed, make
from ansible.module_utils.gramex_firewall.command import FirewallError
from ansible.module_utils.gramex_firewall.record import Record
from ansible.module_utils.gramex_firewall.rule import Wanted, outbound

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "backend": {"type": "str", "default": "auto"},
    "enable": {"type": "bool", "default": False},
    "inbound": {"type": "list", "elements": "int", "default": []},
    "outbound": {"type": "list", "elements": "dict", "default": []},
    "ssh": {"type": "list", "elements": "int", "default": []},
}


def bring(given: dict[str, Any], record: Record, check: bool) -> dict[str, Any]:
    """Bring the firewall about. Raises FirewallError."""
    wanted = Wanted(given["inbound"], outbound(given["outbound"]), [], given["enable"])
    nothing = not (wanted.inbound or wanted.outbound or wanted.enable or record.enabled)
    kind = "none" if given["state"] == "absent" or nothing else choose(given["backend"], wanted.enable, record)
    done = leave(record, check) if record.backend not in ("", kind) else []
    if kind == "none":
        return {"backend": "none", "active": False, "done": done}
    wanted.ssh = ssh.ports(given["ssh"])
    firewall = make(kind, record)
    if not firewall.active() and given["backend"] == "auto" and not wanted.enable and not record.enabled:
        return {"backend": kind, "active": False, "done": done}
    if not check and record.backend != kind:
        record.backend = kind
        record.write()  # before the first change, so that an interrupted run can be undone
    done += firewall.bring(wanted, check)
    if not check:
        record.write()
    return {"backend": kind, "active": firewall.active(), "done": done}


def leave(record: Record, check: bool) -> list[str]:
    """Undo what the role did to the firewall that it worked with before."""
    if record.backend not in installed():
        done = [f"{record.backend} is not here any more, and its rules with it"]
    else:
        done = make(record.backend, record).remove(check)
    if not check:
        record.backend, record.enabled, record.added = "", False, []
        record.write()
    return done


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if os.geteuid() != 0:
        module.fail_json(msg="the firewall role needs root on the host: run the play as root, or with become: true")
    with alone():
        try:
            answer = bring(module.params, Record.read(), module.check_mode)
        except FirewallError as error:
            module.fail_json(msg=f"{error}.".replace("..", "."))
    text = "".join(f"{line}\n" for line in answer["done"])
    diff = {"before": "", "after": text, "before_header": "firewall", "after_header": "firewall"} if text else {}
    module.exit_json(changed=bool(text), diff=diff, **answer)


if __name__ == "__main__":
    main()
