#!/usr/bin/python
"""Brings rendered sites and their certificates into service, or takes them away."""

from __future__ import annotations

DOCUMENTATION = """
module: nginx_sites
short_description: Serve sites, or remove them
description:
  - Tests the configuration that the host would have before it touches a file, replaces the files, reloads or starts
    nginx, and believes it only when new workers answer with the configuration's digest and show the certificates.
  - On any failure the former files come back and the message says why.
  - The action plugin of the same name renders the files and calls this module; playbooks use that.
options:
  files:
    description: Name in /etc/nginx/conf.d to content. Other gramex-*.conf files there are removed.
    type: dict
    required: true
  certificates:
    description: domain, kind (selfsigned, files, host), names, file and key (paths on the host) of each certificate.
    type: list
    elements: dict
    default: []
  pems:
    description: Domain to certificate and key (PEM), for certificates of kind files.
    type: dict
    default: {}
  names:
    description: All server names of the sites.
    type: list
    elements: str
    default: []
  ports:
    description: Ports that nginx listens on, HTTP first.
    type: list
    elements: int
    default: [80]
  status_address:
    description: Loopback address at which the digest is asked for.
    type: str
    required: true
  acme_root:
    description: Folder of ACME answers; made if it is not there.
    type: path
    default: /var/lib/gramex-acme
  days:
    description: Days that a new self-signed certificate holds.
    type: int
    default: 825
  wait:
    description: Seconds to wait for new workers.
    type: int
    default: 30
author: the gramex-deploy authors
"""

EXAMPLES = """
- name: Serve the sites
  nginx_sites:
    plan: "{{ gramex_plan }}"
    host: "{{ _nginx.host }}"
"""

RETURN = """
done:
  description: What was done, in sentences.
  type: list
  returned: always
certificates:
  description: Domain to fingerprint (SHA-256, colons) and expires (ISO date).
  type: dict
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_alone import alone
from ansible.module_utils.gramex_nginx.command import there
from ansible.module_utils.gramex_nginx.outcome import NginxError
from ansible.module_utils.gramex_nginx.remove import remove
from ansible.module_utils.gramex_nginx.serve import Run, Wanted
from ansible.module_utils.gramex_nginx.staging import Staging


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "certificates": {"type": "list", "elements": "dict", "default": []},
            "pems": {"type": "dict", "default": {}, "no_log": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": [80]},
            "status_address": {"type": "str", "required": True},
            "acme_root": {"type": "path", "default": "/var/lib/gramex-acme"},
            "days": {"type": "int", "default": 825},
            "wait": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    wanted = Wanted(**{**module.params, "acme_root": Path(module.params["acme_root"])})
    if wanted.files and not module.check_mode and not there("nginx"):
        module.fail_json(msg="nginx is not installed: the role nginx installs it first.")
    try:
        with alone(), Staging() as staging:
            if wanted.files:
                said = Run(wanted, module.check_mode, staging).serve()
            else:
                said = remove(staging, wanted.status_address, wanted.ports[0], wanted.wait, module.check_mode)
    except NginxError as error:
        module.fail_json(msg=str(error))
    except OSError as error:  # files are written aside first: a full disk stops the run before it changes anything
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Nothing was changed.")
    for text in said.warnings:
        module.warn(text)
    module.exit_json(changed=said.changed, done=said.done, certificates=said.rows, diff=said.diffs)


if __name__ == "__main__":
    main()
