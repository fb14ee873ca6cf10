"""What ufw's files say, and what the role makes of them."""

from __future__ import annotations

import pytest
from gramex_firewall import ufw
from gramex_firewall.command import FirewallError
from gramex_firewall.record import Record
from gramex_firewall.rule import Rule, Wanted

HEAD = "*filter\n:ufw-user-input - [0:0]\n### RULES ###\n\n"
OURS = "comment=6772616d6578"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """ufw with some rules; the commands that it was given come back."""

    def make(*tuples: str, active: bool = True, output: str = "ACCEPT") -> list[tuple[str, ...]]:
        text = HEAD + "".join(f"### tuple ### {line}\n-A ufw-user-input -j X\n\n" for line in tuples)
        (tmp_path / "user.rules").write_text(text)
        (tmp_path / "ufw").write_text(f'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="{output}"\n')
        monkeypatch.setattr(ufw, "RULES", tmp_path / "user.rules")
        monkeypatch.setattr(ufw, "RULES6", tmp_path / "user6.rules")
        monkeypatch.setattr(ufw, "DEFAULTS", tmp_path / "ufw")
        given: list[tuple[str, ...]] = []

        def must(*words: str) -> str:
            given.append(words[1:])
            if words[1] == "allow":
                port = words[words.index("port") + 1]
                line = f"### tuple ### allow tcp {port} 0.0.0.0/0 any 0.0.0.0/0 in {OURS}\n"
                (tmp_path / "user.rules").write_text((tmp_path / "user.rules").read_text() + line)
            return ""

        status = f"Status: {'active' if active else 'inactive'}\n"
        monkeypatch.setattr(ufw, "run", lambda *words: (0, status, ""))
        monkeypatch.setattr(ufw, "must", must)
        monkeypatch.setattr(Record, "write", lambda self: None)
        return given

    return make


SSH = "allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"


def test_what_is_missing_is_opened_and_what_is_stale_closed(host):
    given = host(SSH, f"allow tcp 9000 0.0.0.0/0 any 0.0.0.0/0 in {OURS}")
    ufw.Ufw(Record()).bring(Wanted([443], ssh=[22]), check=False)
    assert given == [
        ("allow", "in", "proto", "tcp", "to", "any", "port", "443", "comment", "gramex"),
        ("--force", "delete", "allow", "in", "proto", "tcp", "to", "any", "port", "9000"),
    ]


def test_check_mode_says_it_and_does_nothing(host):
    given = host(SSH)
    assert ufw.Ufw(Record()).bring(Wanted([443], ssh=[22]), check=True) == ["ufw: 443/tcp in opened"]
    assert given == []


@pytest.mark.parametrize(
    "line",
    [
        "allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in",
        "limit any 443 0.0.0.0/0 any 0.0.0.0/0 in comment=6d696e65",
        "allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20Full - in",
        "allow tcp 400:500 0.0.0.0/0 any 0.0.0.0/0 in",
        "allow_log any any 0.0.0.0/0 any 0.0.0.0/0 in",
    ],
)
def test_what_others_opened_is_left_to_them(host, line):
    given = host(line)
    assert ufw.Ufw(Record()).bring(Wanted([443], ssh=[22]), check=False) == []
    assert given == []


@pytest.mark.parametrize(
    "line",
    [
        "allow tcp 443 0.0.0.0/0 any 10.0.0.0/8 in",
        "allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in_eth1",
        "allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 out",
        "allow udp 443 0.0.0.0/0 any 0.0.0.0/0 in",
        "route:allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in",
        "allow tcp 443 0.0.0.0/0 1024 0.0.0.0/0 in",
    ],
)
def test_what_opens_a_part_alone_is_not_enough(host, line):
    host(line)
    assert ufw.Ufw(Record()).bring(Wanted([443], ssh=[22]), check=True) == ["ufw: 443/tcp in opened"]


@pytest.mark.parametrize("action", ["deny", "reject", "deny_log-all"])
def test_what_others_closed_is_not_opened_behind_their_back(host, action):
    given = host(f"{action} tcp 443 0.0.0.0/0 any 0.0.0.0/0 in")
    with pytest.raises(FirewallError, match="443/tcp in"):
        ufw.Ufw(Record()).bring(Wanted([443], ssh=[22]), check=False)
    assert given == []


def test_ssh_is_open_before_it_is_switched_on(host):
    given = host(active=False)
    record = Record()
    ufw.Ufw(record).bring(Wanted([443], ssh=[22, 2222], enable=True), check=False)
    assert [words[-3] if words[0] == "allow" else words[-1] for words in given] == ["22", "443", "2222", "enable"] or (
        given[-1] == ("--force", "enable") and {words[7] for words in given[:-1]} == {"22", "443", "2222"}
    )
    assert record.enabled


def test_it_is_not_switched_on_where_a_rule_shuts_ssh_out(host):
    given = host("deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", active=False)
    record = Record()
    with pytest.raises(FirewallError, match="22/tcp"):
        ufw.Ufw(record).bring(Wanted([443], ssh=[22], enable=True), check=False)
    assert (given, record.enabled) == ([], False)


def test_it_is_not_switched_on_where_the_rule_for_ssh_did_not_come_about(host, monkeypatch):
    given = host(active=False)
    monkeypatch.setattr(ufw, "must", lambda *words: given.append(words[1:]))
    with pytest.raises(FirewallError, match="SSH"):
        ufw.Ufw(Record()).bring(Wanted([], ssh=[22], enable=True), check=False)
    assert ("--force", "enable") not in given


def test_our_rule_for_ssh_stays_as_long_as_nobody_else_has_one(host):
    ours = f"allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in {OURS}"
    given = host(ours)
    ufw.Ufw(Record("ufw", True)).bring(Wanted([], ssh=[22]), check=False)
    assert given == []
    given = host(SSH, ours)
    ufw.Ufw(Record("ufw", True)).bring(Wanted([], ssh=[22]), check=False)
    assert given == [("--force", "delete", "allow", "in", "proto", "tcp", "to", "any", "port", "22")]


def test_ways_out_are_opened_only_where_they_are_closed(host):
    wanted = Wanted([], [Rule("out", "tcp", 25)], ssh=[22])
    host(SSH)
    assert ufw.Ufw(Record()).bring(wanted, check=True) == []
    host(SSH, output="DROP")
    assert ufw.Ufw(Record()).bring(wanted, check=True) == ["ufw: 25/tcp out opened"]


def test_removal_switches_off_first_what_the_role_switched_on(host):
    given = host(f"allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in {OURS}", SSH)
    ufw.Ufw(Record("ufw", True)).remove(check=False)
    assert given[0] == ("disable",)
    assert len(given) == 2
