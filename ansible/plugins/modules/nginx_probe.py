#!/usr/bin/python
"""Looks at nginx on a host, and notes how it was before the role changes anything."""

from __future__ import annotations

DOCUMENTATION = """
module: nginx_probe
short_description: Look at nginx before its sites change
description:
  - Reads versions, ports, and other people's sites. Fails, with nothing changed, where they are in the way of ours.
  - Notes in /etc/gramex/nginx.json whether nginx was installed, enabled and running, for removal to bring that back.
options:
  ports:
    description: Ports that nginx shall listen on, HTTP first.
    type: list
    elements: int
    default: [80]
  names:
    description: Server names of our sites. Without any, nothing is noted and nothing is in the way.
    type: list
    elements: str
    default: []
author: the gramex-deploy authors
"""

EXAMPLES = """
- name: Look at nginx
  nginx_probe:
    ports: [80, 443]
    names: [example.com]
  register: _nginx
"""

RETURN = """
host:
  description: >-
    version, openssl, ipv6, kept (default servers that stay), http (directives of nginx.conf), missing (packages).
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_alone import alone
from ansible.module_utils.gramex_nginx.probe import look, remember


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "int", "default": [80]},
            "names": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    names = module.params["names"]
    with alone():
        facts, problems = look(module.params["ports"], names)
        if names and problems:
            module.fail_json(msg="\n".join([*problems, "Nothing was changed."]))
        changed = bool(names) and not module.check_mode and remember()
    for text in facts.pop("warnings") if names else ():
        module.warn(text)
    module.exit_json(changed=changed, host=facts)


if __name__ == "__main__":
    main()
