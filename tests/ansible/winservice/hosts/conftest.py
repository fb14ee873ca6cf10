"""A Windows machine, as far as Wine is one, that Ansible reaches over WinRM.

It takes minutes and a container engine: `GRAMEX_TEST_HOSTS=1 pytest tests/ansible/winservice/hosts` runs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.controller import Controller, Play
from wine import prefix, windows

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]

ROOT = Path(__file__).resolve().parents[4]
DOUBLE = Path(__file__).with_name("double")
MODULES = ("setup", "slurp", "win_acl", "win_acl_inheritance", "win_command", "win_copy", "win_file", "win_service")
COMMUNITY = ("win_firewall_rule", "win_scheduled_task", "win_unzip")
PORT, USER, PASSWORD = 5985, "deploy", "winrm-4711"
NOT_NEEDED = (
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "lib2to3",
    "pydoc_data",
    "turtledemo",
    "site-packages",
    "distutils",
)
APP = """
url:
  home: {pattern: /$YAMLURL/, handler: FunctionHandler, kwargs: {function: "str('one ' + site_page.secret())"}}
"""
CODE = """
import os
from gramex.config import variables


def secret():
    return str(len(variables.get("TOKEN", ""))) + " " + os.environ["COLOUR"]
"""
JOB = """
import os, pathlib

pathlib.Path(os.environ["GRAMEXDATA"], "job.txt").write_text(f"{os.environ['COLOUR']} {pathlib.Path.cwd().name}")
"""


@dataclass
class Fleet:
    """One Windows host, its inventory in a folder, and what the doubles on it remember."""

    machine: prefix.Machine
    folder: Path
    apps: list[dict[str, Any]]

    @property
    def controller(self) -> Controller:
        """The machine that plays run on."""
        return Controller(ROOT, self.folder / "hosts.yml")

    def play(self, *options: str, playbook: str = "site.yml") -> Play:
        """Run a playbook with the apps as they are now."""
        wheel = next(self.folder.glob("*.whl"))  # one for all runs: sources may change while the tests run
        variables = {"gramex_apps": self.apps, "gramex_wheel": str(wheel)}
        (self.folder / "group_vars" / "windows.yml").write_text(yaml.safe_dump({**variables, **self.python()}))
        return self.controller.play(playbook, *options)

    def python(self) -> dict[str, str]:
        """The interpreter, as the role's variables name it."""
        place = self.folder / "python.zip"
        return {
            "winservice_python": str(place),
            "winservice_python_sha256": hashlib.sha256(place.read_bytes()).hexdigest(),
        }

    def book(self, kind: str) -> dict[str, Any]:
        """What the doubles keep because Wine does not."""
        return json.loads(self.machine.shell("cat /double/book.json")).get(kind, {})

    def log(self) -> str:
        """All that the endpoint was told."""
        return self.machine.shell("cat /double/log.jsonl")

    def record(self) -> dict[str, Any]:
        """What the role remembers on the host."""
        return json.loads(self.machine.read(r"C:\gramex\record.json"))

    def page(self, port: int) -> str:
        """A page's text, asked from outside the host."""
        status, text = self.machine.get(port)
        return text if status == 200 else f"status {status}"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A host with nothing of ours on it, and an inventory with two apps."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "group_vars").mkdir()
    shutil.copy(windows.runtime(), folder)
    pack_python(windows.python(), folder / "python.zip")
    for name in ("site", "api"):
        (folder / name).mkdir()
        (folder / name / "gramex.yaml").write_text(APP.replace("site_page", f"{name}_page"))
        (folder / name / f"{name}_page.py").write_text(CODE)
    (folder / "site" / "job.py").write_text(JOB)
    nightly = {"name": "nightly", "cron": "30 5 * * mon-fri", "command": "python job.py", "timeout": "10m"}
    with prefix.start("winservice") as machine:
        machine.shell("mkdir /double")
        (folder / "documentation.json").write_text(json.dumps(documentation()))
        for place in (*DOUBLE.glob("*.py"), folder / "documentation.json"):
            prefix.docker("cp", "-q", str(place), f"{machine.container}:/double/")
        words = f"python3 /double/endpoint.py {PORT} {USER} {PASSWORD} /double 2>/double/errors"
        prefix.docker("exec", "-d", machine.container, "sh", "-c", words)
        host = {"ansible_host": machine.address}
        connection = {
            "ansible_connection": "winrm",
            "ansible_port": PORT,
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "basic",
            "ansible_user": USER,
            "ansible_password": PASSWORD,
        }
        inventory = {"all": {"children": {"windows": {"hosts": {"win1": host}, "vars": connection}}}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        shared = {"secrets": {"TOKEN": "hush-4711"}, "env": {"COLOUR": "green"}, "drain": 5}
        apps = [
            {"name": "site", "source": "site", "port": 8001, "expose": True, "schedule": [nightly], **shared},
            {"name": "api", "source": "api", "port": 8002, **shared},
        ]
        yield Fleet(machine, folder, apps)
        if errors := machine.shell("cat /double/errors"):
            print(errors[-4000:])


def pack_python(source: Path, target: Path) -> None:
    """Make an archive of an interpreter as the role wants one."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for place in sorted(source.rglob("*")):
            parts = place.relative_to(source).parts
            top = parts[0] in ("Lib", "DLLs") or len(parts) == 1
            if top and place.is_file() and not {"__pycache__", *NOT_NEEDED} & set(parts):
                archive.write(place, "/".join(parts))


def documentation() -> dict[str, Any]:
    """The options of the modules that have doubles, from their own documentation."""
    names = [*(f"ansible.windows.{name}" for name in MODULES), *(f"community.windows.{name}" for name in COMMUNITY)]
    program = shutil.which("ansible-doc") or str(Path(sys.executable).with_name("ansible-doc"))
    done = subprocess.run([program, "-j", *names], capture_output=True, text=True, timeout=120, check=True)
    return {name: each["doc"].get("options", {}) for name, each in json.loads(done.stdout).items()}
