#!/usr/bin/python
"""Unpacks a bundle on a host, and says which settings let apt and pip take everything from it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gramex_bundle
short_description: Have the files of a bundle on a host
description:
  - Called by the action of the same name, which checks the bundle on the controller and ships it.
options:
  digest:
    description: Identifies the content of the bundle.
    type: str
    required: true
  suite:
    description: Release of Debian that the bundle is for.
    type: str
    required: true
  architecture:
    description: Architecture that the bundle is for, in Debian's words.
    type: str
    required: true
  payload:
    description: The bundle on the host; empty to ask whether it is there already.
    type: str
    default: ""
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Have the bundle on the host
  gramex_bundle:
    file: gramex.tar
"""
RETURN = r"""
there:
  description: Whether the host has the files.
  returned: always
  type: bool
environment:
  description: Variables with which apt and pip use the files and no network.
  returned: always
  type: dict
"""

import re
import shutil
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_bundle.archive import BundleError, extract

CACHE = Path("/var/cache/gramex/bundle")


def host_suite() -> str:
    """The code name of this host's Debian release, '' where it has none."""
    found = re.search(r"(?m)^VERSION_CODENAME=\"?(\w+)", Path("/etc/os-release").read_text(encoding="utf-8"))
    return found[1] if found else ""


def settings(place: Path) -> dict[str, str]:
    """Return what makes apt and pip use the bundle at `place` alone."""
    return {
        "APT_CONFIG": str(place / "apt.conf"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"file://{place}/wheels",
    }


def unpack(payload: Path, place: Path) -> None:
    """Unpack a bundle aside and rename it: one that was interrupted never has the final name. Raises BundleError."""
    aside = place.with_name(f".{place.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    for folder in (aside, aside / "lists" / "partial"):
        folder.mkdir(mode=0o755, parents=True)
    try:
        extract(payload, aside)
        # Each of its bytes was checked against SHA256SUMS: apt need not ask for a signature.
        (aside / "apt.list").write_text(f"deb [trusted=yes] file:{place}/debs ./\n", encoding="utf-8")
        (aside / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{place}/apt.list";\n'
            'Dir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{place}/lists";\n',
            encoding="utf-8",
        )
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for other in CACHE.iterdir():
        if other != place:
            shutil.rmtree(other, ignore_errors=True)


def main() -> None:
    spec = {name: {"type": "str", "required": True} for name in ("digest", "suite", "architecture")}
    module = AnsibleModule(argument_spec={**spec, "payload": {"type": "str", "default": ""}}, supports_check_mode=True)
    given = module.params
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=False).stdout
    for what, wanted, found in (
        ("Debian release", given["suite"], host_suite()),
        ("architecture", given["architecture"], architecture.strip()),
    ):
        if wanted != found:
            module.fail_json(
                msg=f"gramex_bundle: the bundle is for the {what} {wanted}, this host has {found or 'none'}. "
                f"Make one for it: make bundle SUITE={host_suite()} ARCH={architecture.strip()}"
            )
    place = CACHE / given["digest"][:16]
    there = (place / "apt.conf").is_file()
    changed = False
    if given["payload"] and not there:
        try:
            unpack(Path(given["payload"]), place)
        except (BundleError, OSError) as error:
            module.fail_json(msg=f"gramex_bundle: {error}")
        there = changed = True
    module.exit_json(changed=changed, there=there, environment=settings(place))


if __name__ == "__main__":
    main()
