"""The role's two actions in a real play, in check mode on this machine: all is said, nothing done, no secret shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("/srv/gramex", "/etc/gramex", "/var/lib/gramex")
SECRET = "hush-4711-hush"
PLAY = """
- name: Try
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Compare
      gramex_release:
        {apps: "{{ plan }}", socket_group: www-data, start_timeout: 60}
      register: compared
    - name: Apply
      gramex_apply:
        {apps: "{{ plan }}", wanted: "{{ compared }}"}
      register: applied
    - name: Tell
      ansible.builtin.debug:
        msg: "{{ applied.apps[0].done | join(';') }}"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("play with space")
    source = folder / "äpp"
    source.mkdir()
    (source / "gramex.yaml").write_text("url: {}\n")
    app = {
        **{"name": "nowhere", "state": "present", "source": str(source), "apps": [], "user": "gramex-nowhere"},
        **{"home": "/srv/gramex/nowhere", "data": "/var/lib/gramex/nowhere", "config": "/etc/gramex/nowhere"},
        **{"socket": "/run/gramex/nowhere.sock", "port": None, "health": "/", "drain": 30, "keep": 5, "timeout": 300},
        **{"python": "/usr/bin/python3", "shared": [], "env": {"LEVEL": "info"}, "remove_data": False},
        **{
            "expose": False,
            "https": {},
            "needs": [],
            "schedule": [],
            "observe": 0,
            "instances": 1,
            "limits": {},
            "sandbox": {},
            "distribution": "gramex-runtime",
        },
    }
    values = {
        "plan": [{**app, "secrets": ["KEY"]}],
        "gramex_apps": [{"name": "nowhere", "secrets": {"KEY": SECRET}}],
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    (folder / "vars.yml").write_text(yaml.safe_dump(values))
    (folder / "play.yml").write_text(PLAY)
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.yml", "--check", "--diff"]
    return subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:], "-vvv", str(folder / "play.yml")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_STDOUT_CALLBACK": "default"},
        timeout=120,
        check=False,
    )


def test_all_that_would_be_done_is_said(run):
    if os.geteuid() != 0:
        assert run.returncode != 0
        assert "needs root" in run.stdout
        return
    assert run.returncode == 0, run.stdout + run.stderr
    for words in ("user gramex-nowhere made", "environment ", "release unpacked", "release brought into service"):
        assert words in run.stdout


def test_nothing_is_done(run):
    assert not [place for place in PLACES if (Path(place) / "nowhere").exists()]
    assert "nowhere" not in Path("/etc/passwd").read_text(encoding="utf-8")


def test_no_secret_is_shown_however_loud(run):
    assert SECRET not in run.stdout + run.stderr
