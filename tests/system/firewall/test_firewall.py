"""What gets through the firewalls of three hosts, asked from a fourth: after the role, a restart, changes, removal."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from system.controller import Controller, Play
from system.target import Target

FIREWALLS = ("ufw", "firewalld", "nftables")
PLAY = "molecule/firewall/converge.yml"
OPEN, CLOSED = [22, 80, 443, 8001], [8002, 9000]
BEFORE = [22, 80]  # what the hosts' own rules let in; 80 only where somebody opened it
# Tries every port at once, for a closed one may refuse or say nothing.
KNOCK = """
import json, socket, sys, threading
host, *ports = sys.argv[1:]
answers = {}
def knock(port):
    try:
        with socket.create_connection((host, int(port)), timeout=4) as link:
            answers[port] = link.recv(10).decode() == port
    except OSError:
        answers[port] = False
threads = [threading.Thread(target=knock, args=[port]) for port in ports]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(answers))
"""


def by_name(targets: list[Target], name: str) -> Target:
    return next(target for target in targets if target.name == name)


def address(target: Target) -> str:
    command = ["docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", target.container]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def knock(source: Target, host: str, ports: list[int]) -> list[int]:
    """Those of some ports of a host at which another host gets an answer."""
    done = source.run(f"python3 - {host} {' '.join(map(str, ports))}", input=KNOCK)
    assert done.returncode == 0, done.stderr
    return [int(port) for port, answered in json.loads(done.stdout).items() if answered]


def rules(target: Target) -> str:
    return target.output("sh /root/gramex-test/rules.sh")


@pytest.fixture(scope="module")
def hosts(targets: list[Target]) -> list[Target]:
    return [by_name(targets, name) for name in FIREWALLS]


@pytest.fixture(scope="module")
def reach(targets: list[Target]) -> Callable[[Target], list[int]]:
    """Which ports of a host answer the client."""
    client = by_name(targets, "client")
    return lambda target: sorted(knock(client, address(target), [*OPEN, *CLOSED]))


def each(ports: list[int]) -> dict[str, list[int]]:
    return dict.fromkeys(FIREWALLS, ports)


def play(controller: Controller, *options: str) -> Play:
    done = controller.play(PLAY, *options)
    assert done.code == 0, done.end
    return done


def test_what_is_wanted_answers_and_all_else_does_not(hosts, reach) -> None:
    assert {target.name: reach(target) for target in hosts} == each(OPEN)


def test_others_rules_are_as_they_were(hosts) -> None:
    for target in hosts:
        before = target.output("cat /root/gramex-test/rules.before")
        # firewalld lists ports in one line, and ufw fills columns up: words and lines, without what is between them.
        split = str.split if target.name == "firewalld" else str.splitlines
        now = {" ".join(part.split()) for part in split(rules(target))}
        missing = [part for part in split(before) if " ".join(part.split()) not in now]
        assert missing == [], target.name
    assert "2300/tcp" in rules(by_name(hosts, "firewalld")), "what others opened until the next reload is gone"


def test_again_changes_nothing(hosts, controller) -> None:
    before = [rules(target) for target in hosts]
    assert set(play(controller).changed.values()) == {0}
    assert [rules(target) for target in hosts] == before


def test_only_what_apps_need_goes_out(hosts, targets) -> None:
    client = by_name(targets, "client")
    listener = [*("docker", "exec", client.container, "python3", "-c")]
    code = (
        "import socket, threading\n"
        "def serve(port):\n"
        " s = socket.create_server(('', port))\n"
        " if port == 588: print('ready', flush=True)\n"
        " while True:\n"
        "  link = s.accept()[0]; link.sendall(str(port).encode()); link.close()\n"
        "for port in (587, 588): threading.Thread(target=serve, args=[port]).start()\n"
    )
    with subprocess.Popen([*listener, code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            where = address(client)
            assert {target.name: knock(target, where, [587, 588]) for target in hosts} == each([587])
        finally:
            process.kill()
            client.run("kill $(grep -l create_server /proc/[0-9]*/cmdline | cut -d/ -f3)")


def test_all_holds_after_a_restart(hosts, reach) -> None:
    for target in hosts:
        target.restart()
    for target in hosts:
        target.wait("systemctl is-active --quiet test-listen")
    assert {target.name: reach(target) for target in hosts} == each(OPEN)


@pytest.mark.parametrize("word", ["reload", "restart"])
def test_nftables_loads_its_rules_and_ours_come_back(hosts, reach, word) -> None:
    target = by_name(hosts, "nftables")
    target.output(f"systemctl {word} nftables")
    target.wait("nft list ruleset | grep -q 'comment \"gramex tcp 80,443,8001\"'")
    assert reach(target) == OPEN


def test_what_is_wanted_no_more_is_closed(hosts, reach, controller) -> None:
    site = {"name": "site", "state": "present", "port": None, "expose": False, "tls": "selfsigned", "needs": ["ldaps"]}
    play(controller, "-e", json.dumps({"test_apps": [site]}))
    assert {target.name: reach(target) for target in hosts} == each([22, 80, 443])


def test_removal_restores_the_rules_that_were_there(hosts, reach, controller) -> None:
    target = by_name(hosts, "firewalld")
    target.output("firewall-cmd --add-port=2300/tcp")  # the restart ended it
    play(controller, "-e", "firewall_state=absent")
    for target in hosts:
        assert rules(target) == target.output("cat /root/gramex-test/rules.before"), target.name
    reached = {target.name: reach(target) for target in hosts}
    assert reached == {"ufw": BEFORE, "firewalld": BEFORE, "nftables": [22]}


def test_removal_leaves_no_file(hosts) -> None:
    for target in hosts:
        assert target.output("ls -d /etc/gramex /etc/systemd/system/*gramex* 2>/dev/null || true") == ""


OFF = {
    "ufw": ("ufw disable", "ufw status | grep -q 'Status: active'"),
    "firewalld": ("systemctl disable --now firewalld", "firewall-cmd --state"),
    "nftables": ("systemctl disable --now nftables", "nft list ruleset | grep -q 'policy drop'"),
}


def test_one_that_is_off_stays_off(hosts, reach, controller) -> None:
    for target in hosts:
        target.output(OFF[target.name][0])
    assert set(play(controller).changed.values()) == {0}
    for target in hosts:
        assert target.run(OFF[target.name][1]).returncode, target.name


def test_it_is_not_switched_on_where_that_would_shut_ssh_out(hosts, controller) -> None:
    target = by_name(hosts, "ufw")
    target.output("ufw delete allow 22/tcp && ufw insert 1 deny 22/tcp")
    done = controller.play(PLAY, "-e", "firewall_enable=true", "--limit=ufw")
    assert done.code != 0
    assert "22/tcp" in done.output, done.end
    assert target.run(OFF["ufw"][1]).returncode
    target.output("ufw delete deny 22/tcp")


def test_it_is_switched_on_where_told_with_ssh_open_and_off_again(hosts, reach, controller) -> None:
    by_name(hosts, "firewalld").output("firewall-offline-cmd --remove-service=ssh")
    before = {target.name: rules(target) for target in hosts if target.name == "ufw"}
    play(controller, "-e", json.dumps({"firewall_enable": True, "firewall_ssh_ports": [22]}))
    assert {target.name: reach(target) for target in hosts} == each(OPEN)
    for target in hosts:
        target.restart()
        target.wait("systemctl is-active --quiet test-listen")
    assert {target.name: reach(target) for target in hosts} == each(OPEN)
    play(controller, "-e", "firewall_state=absent")
    for target in hosts:
        assert target.run(OFF[target.name][1]).returncode, target.name
    assert {name: rules(by_name(hosts, name)) for name in before} == before


def test_what_is_told_must_be_there(controller, hosts) -> None:
    done = controller.play(PLAY, "-e", "firewall_backend=firewalld", "--limit=ufw")
    assert done.code != 0
    assert "firewalld, which is not installed: apt-get install firewalld" in done.output, done.end
