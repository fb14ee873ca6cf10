"""The plan as a play runs it: where a mistake is, that all are told at once, and that no secret is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
HUSH = "hush-4711"
PLAY = """
- name: Check
  hosts: gramex:proxy
  gather_facts: false
  tasks:
    - name: Check the host and what is wanted of it
      gramex_plan:
      register: gramex_plan
"""
HOSTS = """
all:
  vars: {ansible_connection: local, ansible_python_interpreter: PYTHON}
  children:
    gramex: {hosts: {here: }}
    proxy: {hosts: {here: }}
"""
# A machine where tests run may be any: its fitness has tests of its own.
TASTE = {"gramex_allow_unverified_os": True, "nginx_http_port": 1, "nginx_https_port": 2}


class Inventory:
    """An inventory in a folder, and plays on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "group_vars").mkdir(parents=True)
        (folder / "hosts.yml").write_text(HOSTS.replace("PYTHON", sys.executable))
        (folder / "plan.yml").write_text(PLAY)
        (folder / "group_vars" / "gramex.yml").write_text(yaml.safe_dump(TASTE))
        (folder / "site").mkdir()
        (folder / "site" / "gramex.yaml").write_text("url: {}\n")

    def write(self, text: str) -> None:
        """Set the variables of all hosts."""
        (self.folder / "group_vars" / "all.yml").write_text(text)

    def play(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the plan."""
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(self.folder / "plan.yml"), *arguments]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Inventory(tmp_path / "in ventory")


def test_mistakes_have_file_and_line(inventory: Inventory) -> None:
    inventory.write(
        "gramex_apps:\n"
        "  - name: site\n"
        "    sorce: ../site\n"
        "  - name: api\n"
        "    source: '{{ nowhere }}'\n"
        "    path: api\n"
        "nginx_htst: 1\n"
    )
    done = inventory.play()
    file = f"{inventory.folder}/group_vars/all.yml"
    assert done.returncode != 0
    for text in (
        f"{file}:5: gramex_apps[1].source: cannot be worked out: 'nowhere' is undefined",
        f"{file}:7: nginx_htst: no role has this variable. Did you mean `nginx_hsts`?",
        f"{file}:3: gramex_apps[0] (site): there is no key `sorce`. Did you mean `source`?",
        f'{file}:6: gramex_apps[1] (api).path: "api" must begin with a slash.',
        "Nothing was changed.",
        "here: ok=0 changed=0 unreachable=0 failed=1",
    ):
        assert text in done.stdout
    assert '{"' not in done.stdout, "no JSON for people"


def test_no_secret_is_shown(inventory: Inventory) -> None:
    apps = [{"name": "site", "source": "site", "domain": "localhost", "secrets": {"TOKEN": "{{ token }}"}}]
    inventory.write(yaml.safe_dump({"gramex_apps": apps, "token": HUSH}))
    done = inventory.play("-vvv", "--diff", "--check")
    assert "secrets" in done.stdout, done.stdout + done.stderr
    assert '"TOKEN"' in done.stdout
    assert HUSH not in done.stdout + done.stderr


def test_variables_of_the_command_line_are_coerced(inventory: Inventory) -> None:
    apps = [{"name": "site", "source": "site", "domain": "localhost", "port": "8001"}]
    inventory.write("{}")
    done = inventory.play("-v", "-e", "gramex_apps=" + json.dumps(apps).replace(" ", ""), "-e", "nginx_hsts=0")
    assert '"port": 8001' in done.stdout, done.stdout + done.stderr
    assert '"nginx_hsts": 0' in done.stdout


def test_a_host_without_python(inventory: Inventory) -> None:
    inventory.write("gramex_apps: [{name: site, source: nothing, domain: localhost}]\n")
    done = inventory.play("-e", "ansible_python_interpreter=/nowhere/python3")
    assert "there is no folder" in done.stdout
    assert "python: there is no Python to work with" in done.stdout
    assert "Right: apt-get install python3" in done.stdout
