"""preflight.yml as an operator runs it, with this machine as two hosts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from gramex_report.problems import UNCHANGED

ROOT = Path(__file__).resolve().parents[3]
HOSTS = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False},
        "children": {name: {"hosts": {"one": None, "two": None}} for name in ("gramex", "proxy")},
    }
}


class Operator:
    """Somebody with an inventory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "group_vars").mkdir()
        (folder / "hosts.yml").write_text(yaml.safe_dump(HOSTS))
        (folder / "site").mkdir()
        (folder / "site" / "gramex.yaml").write_text("url: {}\n")

    def checks(
        self, *apps: dict[str, Any], playbook: str = "ansible/playbooks/preflight.yml", **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the preflight, or what a playbook has of it, for these apps.

        A machine where tests run may be any: its fitness has tests of its own.
        """
        each = [{"source": "site", "domain": "localhost", "python": sys.executable, **app} for app in apps]
        taste = {"gramex_allow_unverified_os": True, **variables}
        (self.folder / "group_vars" / "all.yml").write_text(yaml.safe_dump({**taste, "gramex_apps": each}))
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), playbook]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def free_port() -> int:
    with socket.create_server(("", 0)) as door:
        return int(door.getsockname()[1])


def test_everything_that_is_wrong_at_once(operator: Operator) -> None:
    closed = free_port()
    with socket.create_server(("", 0)) as other:
        done = operator.checks(
            {"name": "site", "needs": [f"127.0.0.1:{closed}", "smtp"], "hosts": ["one"]},
            {"name": "shop", "domain": "shop.invalid", "tls": "files", "redirect": ["www.shop.invalid"]},
            {"name": "api", "path": "/api/", "port": other.getsockname()[1], "sorce": "x"},
            nginx_http_port=free_port(),
            nginx_https_port=free_port(),
        )
        taken = other.getsockname()[1]
    assert done.returncode != 0
    text = done.stdout
    for line in (
        "Who can mend it  Host      What is wrong",
        "you              one, two  nginx_certificates.shop.invalid: is missing: shop.invalid has `tls: files`.",
        f"you              one, two  {operator.folder}/group_vars/all.yml:",
        f"IT team          one       outbound port of site: 127.0.0.1:{closed} cannot be reached from the host:",
        "domain owner     one, two  DNS of shop.invalid: has no address; it must lead to",
        "domain owner     one, two  DNS of www.shop.invalid: has no address",
        "you              one   outbound port of site: smtp (port 25, 587) names no machine",
        UNCHANGED,
    ):
        assert line in text, text
    assert "there is no key `sorce`. Did you mean `source`?" in text
    if os.geteuid() == 0:  # who holds a port is told to root only
        assert f"you              one, two  port {taken} of api: is taken by" in text
    assert text.count("shop.invalid has `tls: files`") == 1, "what hosts have in common is said once"


@pytest.mark.skipif(os.geteuid() != 0, reason="a deploy needs root")
def test_a_fit_host(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # no index is asked
    everybodys = "/usr/bin/python3"  # not the environment's, which may be in somebody's home
    # One host, without a proxy: two could not both hold the ports of the one machine.
    children = {"gramex": {"hosts": {"one": None}}}
    (operator.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {**HOSTS["all"], "children": children}}))
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        needs = [f"127.0.0.1:{other.getsockname()[1]}", "smtp"]
        done = operator.checks({"name": "site", "needs": needs, "python": everybodys, "port": port, "expose": True})
    assert "nothing stands in the way of a deploy" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, "what is worth a look stops nothing"
    assert "smtp (port 25, 587) names no machine" in done.stdout
    assert UNCHANGED not in done.stdout
    socket.create_server(("", port)).close()  # nothing holds it any more: site.yml may follow at once


def test_the_begin_of_a_first_deploy(operator: Operator) -> None:
    """The first play of site.yml, and no more of it: it must fail before it would change this machine."""
    first = yaml.safe_load((ROOT / "site.yml").read_text(encoding="utf-8"))[:1]
    first[0]["tasks"] = [task for task in first[0]["tasks"] if "gramex_plan" in task]
    place = operator.folder / "play.yml"
    place.write_text(yaml.safe_dump(first), encoding="utf-8")
    closed = f"127.0.0.1:{free_port()}"
    done = operator.checks(
        {"name": "site", "needs": [closed], "domain": "shop.invalid"},
        {"name": "copied", "path": "/copied/", "source": {"host": "/nowhere/app"}},
        playbook=str(place),
        gramex_bundle="/nowhere/bundle.tar",
        nginx_http_port=free_port(),
        nginx_https_port=free_port(),
    )
    wrong, _, look = done.stdout.partition("Worth a look, though it stops nothing:")
    assert done.returncode != 0
    assert "gramex_bundle: /nowhere/bundle.tar: cannot be read" in wrong, done.stdout
    assert f"there is no folder /nowhere/app on {socket.gethostname()}" in wrong
    # A first deploy may come before the domain is moved, or a way is opened.
    for words in ("DNS of shop.invalid: has no address", f"{closed} cannot be reached from the host"):
        assert words in look, done.stdout
        assert words not in wrong
