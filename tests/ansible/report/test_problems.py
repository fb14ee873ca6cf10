"""What is wrong with all hosts, in one table."""

from __future__ import annotations

from gramex_plan.problems import Problem
from gramex_report.problems import UNCHANGED, lines, rows

CLOCK = Problem("is 9 s behind.", "clock", right="let it follow a time server", who="IT team", warning=True)
PORT = Problem("is taken by apache2.", "port 80", right="stop apache2")
DNS = Problem("leads to 192.0.2.9, not to 10.0.0.5.", "DNS of shop.example", who="domain owner")
DISK = Problem("1 MB are free, 300 MB are needed.", "disk space at /srv/gramex", who="IT team")


def test_everything_in_one_table() -> None:
    found = [*rows("web1", [DNS, CLOCK, DISK, DISK]), *rows("web2", [PORT, DISK])]
    assert lines(found) == [
        "3 things to mend:",
        "",
        "Who can mend it  Host        What is wrong",
        "you              web2        port 80: is taken by apache2.",
        "                             Right: stop apache2",
        "IT team          web1, web2  disk space at /srv/gramex: 1 MB are free, 300 MB are needed.",
        "domain owner     web1        DNS of shop.example: leads to 192.0.2.9, not to 10.0.0.5.",
        "",
        "Worth a look, though it stops nothing:",
        "",
        "Who can mend it  Host  What is wrong",
        "IT team          web1  clock: is 9 s behind.",
        "                       Right: let it follow a time server",
        "",
        UNCHANGED,
    ]


def test_one_host_needs_no_name_and_warnings_no_consolation() -> None:
    assert lines(rows("web1", [CLOCK])) == [
        "Worth a look, though it stops nothing:",
        "",
        "Who can mend it  What is wrong",
        "IT team          clock: is 9 s behind.",
        "                 Right: let it follow a time server",
    ]
    assert lines(rows("web1", [PORT]))[0] == "1 thing to mend:"
    assert lines([]) == []


def test_many_hosts_are_counted() -> None:
    found = [row for number in range(5) for row in rows(f"web{number}", [PORT])]
    assert "you              web0, web1 and 3 others  port 80: is taken by apache2." in lines(found)


def test_long_text_goes_on_below_itself() -> None:
    path = "/a/very/long/path/that/stays/whole/so/that/it/can/be/copied"
    found = rows("web1", [Problem(f"{path} is in a folder that the app's user cannot enter.", "python of site")])
    table = lines(found, 60)
    assert table[3:7] == [
        "you              python of site:",
        f"                 {path}",
        "                 is in a folder that the app's user cannot",
        "                 enter.",
    ]
