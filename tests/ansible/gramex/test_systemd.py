"""What several processes of a colour are together."""

from __future__ import annotations

import pytest
from gramex_deploy import systemd
from gramex_deploy.systemd import Systemd

RUNS, ENDED, CRASHED = ("active", "running"), ("inactive", "dead"), ("activating", "auto-restart")
STARTS, STOPS = ("activating", "start"), ("deactivating", "stop-sigterm")


@pytest.fixture
def colour(tmp_path, monkeypatch):
    """Units in these states, of which `wanted` are to be there; the state of the colour."""

    def state(*units: tuple[str, str], wanted: int = 2, opened: int = 1) -> str:
        (tmp_path / "gramex-site@.service").write_text(f"# Instances: {wanted}\n[Unit]\n")
        monkeypatch.setattr(systemd, "UNITS", tmp_path)
        names = [f"gramex-site@blue-{number}.service" for number, _ in enumerate(units, 1)]
        known = dict(zip(names, units, strict=True))
        monkeypatch.setattr(systemd, "systemctl", lambda *_, **__: "\n".join(f"{name} loaded" for name in names))

        def show(asked: list[str], *_: str) -> list[dict[str, str]]:
            found = []
            for name in asked:
                active, sub = known.get(name, ENDED if "@" in name else RUNS)
                since = str(5 if "@" in name else opened)
                found.append({"ActiveState": active, "SubState": sub, "ActiveEnterTimestampMonotonic": since})
            return found

        monkeypatch.setattr(systemd, "show", show)
        return Systemd("site", ["gramex-site.socket"]).state("blue")

    return state


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([RUNS, RUNS], "running"),
        ([RUNS], "partial"),
        ([RUNS, ENDED], "partial"),
        ([RUNS, CRASHED], "partial"),
        ([RUNS, STARTS], "starting"),
        ([STARTS, ENDED], "starting"),
        ([CRASHED, STARTS], "failed"),
        ([STOPS, ENDED], "stopping"),
        ([ENDED, ENDED], "stopped"),
        ([RUNS, RUNS, ENDED], "running"),
        ([RUNS, RUNS, CRASHED], "partial"),
        ([ENDED, ENDED, STOPS], "stopping"),
    ],
)
def test_processes_together(colour, units, expected):
    assert colour(*units) == expected


def test_a_socket_that_was_opened_anew_makes_them_stale(colour):
    assert colour(RUNS, RUNS, opened=9) == "stale"


def test_one_process_is_as_before(colour):
    assert [colour(unit, wanted=1) for unit in (RUNS, STARTS, CRASHED, STOPS, ENDED)] == [
        *("running", "starting", "failed", "stopping", "stopped")
    ]


# As systemd 252 has it: lines of a time on are shown from there, unless the newest are to come first.
JOURNALCTL = """#!/bin/sh
case " $* " in
  *--sync*) ;;
  *--reverse*) printf 'four\\nthree\\n' ;;
  *) printf 'one\\ntwo\\n' ;;
esac
"""


def test_the_end_of_a_log_is_its_end(tmp_path, monkeypatch):
    program = tmp_path / "journalctl"
    program.write_text(JOURNALCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert systemd.journal("gramex-site@blue-*.service", 0, lines=2) == "three\nfour"
