"""Several apps in one instance and in one each, and an app that serves HTTPS itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from system import state
from system.controller import Controller
from system.target import Browser, Target

CERTIFICATE = "/etc/gramex/direct/certificate.pem"


@pytest.fixture
def front(targets: list[Target]) -> Target:
    return next(target for target in targets if target.name == "front")


@pytest.fixture
def alone(targets: list[Target]) -> Target:
    return next(target for target in targets if target.name == "alone")


@pytest.mark.parametrize("place", ["", "/apart"])
@pytest.mark.parametrize("app", ["one", "two"])
def test_an_app_is_the_same_in_both_kinds_of_instance(app: str, place: str, front: Target) -> None:
    browser = Browser(front, "/etc/gramex/tls/localhost/cert.pem")
    assert f"App {app}" in browser.get(f"{place}/{app}/").text
    assert browser.get(f"{place}/{app}/clock").json()["app"] == app


def test_one_instance_has_one_process_and_one_user(front: Target) -> None:
    together, one, two = (state.processes(front, app) for app in ("together", "one", "two"))
    assert (len(together), len(one), len(two)) == (1, 1, 1)
    users = {front.output(f"stat -c %U /proc/{pid}") for pid in (*together, *one, *two)}
    assert users == {"gramex-together", "gramex-one", "gramex-two"}


def test_https_without_nginx(alone: Target) -> None:
    browser = Browser(alone, CERTIFICATE, "https://alone.localhost")
    answer = browser.get("/")
    assert answer.status == 200, answer.text
    assert "teas" in answer.text
    assert alone.run("command -v nginx").returncode != 0
    assert alone.run("grep -E ':0050 [0-9A-F:]+ 0A' /proc/net/tcp /proc/net/tcp6").stdout == "", "nobody has port 80"
    assert len(state.processes(alone, "direct")) == 1


def test_the_key_is_for_the_app_alone(alone: Target) -> None:
    assert alone.output("stat -c '%a %U %G' /etc/gramex/direct/key.pem") == "640 root gramex-direct"
    assert alone.output("stat -c '%a %U %G' /etc/gramex/direct") == "750 root gramex-direct"


def others_reach(front: Target, alone: Target) -> dict[int, bool]:
    """Which ports another host reaches, of the app and of somebody else, who is there."""
    address = alone.output("getent ahostsv4 alone").split()[0]
    knock = "import socket; socket.create_connection(('{}', {}), 5).close()"
    alone.output("setsid timeout 90 python3 -m http.server 9000 >/dev/null 2>&1 </dev/null & echo")
    alone.wait(f'python3 -c "{knock.format("127.0.0.1", 9000)}" 2>/dev/null')
    return {port: front.run(f'python3 -c "{knock.format(address, port)}"').returncode == 0 for port in (443, 9000)}


def test_others_reach_it_and_nothing_else_through_the_firewall(front: Target, alone: Target) -> None:
    assert others_reach(front, alone) == {443: True, 9000: False}
    alone.restart()
    alone.output("echo 127.0.0.1 alone.localhost >>/etc/hosts")  # the engine writes that file anew
    alone.wait("systemctl is-active --quiet gramex-direct.socket")
    assert others_reach(front, alone) == {443: True, 9000: False}
    browser = Browser(alone, CERTIFICATE, "https://alone.localhost")
    assert browser.get("/").status == 200


def test_a_renewed_certificate_is_served(alone: Target, controller: Controller, apps: Path) -> None:
    before = alone.ask("certificate", host="alone.localhost", authority=CERTIFICATE)["pem"]
    make = Path(__file__).with_name("make_pair.py")
    subprocess.run([sys.executable, str(make), str(apps), "alone.localhost"], check=True, timeout=60)
    with alone.load("--get=https://alone.localhost/") as load:
        play = controller.deploy()
    assert play.changed["front"] == 0, play.end
    assert alone.ask("certificate", host="alone.localhost", authority=CERTIFICATE)["pem"] != before
    assert load["failed"] == 0, load
