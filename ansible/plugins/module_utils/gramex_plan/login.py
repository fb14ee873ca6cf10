"""Says whether the user that Ansible logs in as is root: then no sudo is needed, nor has to be there."""

from __future__ import annotations

from typing import Any


def as_root(action: Any) -> bool:
    """Ask the host of an action plugin, and become nobody there where it is root already. Raises as Ansible does."""
    answer = action._low_level_execute_command("id -u", sudoable=False)
    if str(answer.get("stdout", "")).strip() != "0":
        return False
    action._connection.set_become_plugin(None)
    return True
