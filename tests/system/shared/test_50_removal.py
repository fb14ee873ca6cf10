"""Everything goes again: the firewall has the rules that were there, and nothing answers."""

from __future__ import annotations

from system.controller import Controller
from system.target import Target


def test_removal_restores_the_firewall(controller: Controller, targets: list[Target]) -> None:
    alone = next(target for target in targets if target.name == "alone")
    opened = alone.output("nft list ruleset")
    assert "gramex" in opened
    play = controller.play("ansible/playbooks/remove.yml")
    assert play.code == 0, play.end
    left = alone.output("nft list ruleset")
    assert "gramex" not in left
    assert [line for line in opened.splitlines() if "gramex" not in line] == left.splitlines()
    for target in targets:
        assert target.run("grep -E ':(0050|01BB) [0-9A-F:]+ 0A' /proc/net/tcp /proc/net/tcp6").stdout == ""
        assert target.run("ls -d /srv/gramex /etc/gramex /etc/systemd/system/gramex-* 2>/dev/null").stdout == ""
