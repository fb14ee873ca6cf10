"""The file of environment variables: a shell and systemd read what the operator wrote."""

from __future__ import annotations

import subprocess

import pytest
from gramex_deploy.app import hide, variables

VALUES = ["plain", "two words", 'a "b" c', "$HOME `id` \\ \\n", "it's", "ü✓", "#no comment", "", " edges "]


@pytest.mark.parametrize("value", VALUES)
def test_a_shell_reads_the_value(tmp_path, value):
    (tmp_path / "env").write_text(variables({"VALUE": value}), encoding="utf-8")
    command = ["sh", "-c", '. "$0/env"; printf %s "$VALUE"', str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=True, timeout=10).stdout.decode() == value


def test_a_log_is_shown_without_secrets():
    assert hide("login with hush-4711 failed", {"hidden": ["hush-4711"]}) == "login with ******** failed"
