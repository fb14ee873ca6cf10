"""What a host gets for the tasks of an app: units that systemd accepts, or a crontab."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import systemd, tasks
from gramex_deploy.files import Files
from gramex_source import tasks as texts

TEMPLATES = Path(__file__).resolve().parents[3] / "ansible" / "roles" / "gramex" / "templates"
SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
TASK = {"cron": None, "every": None, "timeout": 60, "jitter": 0, "catch_up": True, "user": None}
UNITS = "/etc/systemd/system"


def app(*schedule: dict[str, Any], **keys: Any) -> dict[str, Any]:
    base = {
        **{"name": "site", "user": "gramex-site", "home": "/srv/gramex/site", "data": "/var/lib/gramex/site"},
        **{"config": "/etc/gramex/site", "python": "/usr/bin/python3", "needs": [], "limits": {}, "sandbox": {}},
    }
    return {**base, "schedule": [{**TASK, **task} for task in schedule], **keys}


NIGHTLY = {"name": "nightly", "cron": "30 5 1 * mon", "command": "python job.py 50%\necho $?", "jitter": 300}
OTHER = {"name": "other", "every": "15m", "command": "true", "catch_up": False, "user": "robot"}


def test_an_app_without_tasks_gets_nothing():
    assert texts.texts(TEMPLATES, app(), "systemd") == {}
    assert texts.texts(TEMPLATES, app(), "sysv") == {}


def test_timers_say_when_and_services_how():
    made = texts.texts(TEMPLATES, app(NIGHTLY, OTHER), "systemd")
    timer = made[f"{UNITS}/gramex-site:nightly.timer"]
    assert timer.count("OnCalendar=") == 2
    assert "OnCalendar=*-*-01 05:30:00\n" in timer
    assert "OnCalendar=Mon *-*-* 05:30:00\n" in timer
    assert "RandomizedDelaySec=300\n" in timer
    assert "Persistent=yes\n" in timer
    assert "Persistent=no\n" in made[f"{UNITS}/gramex-site:other.timer"]
    service = made[f"{UNITS}/gramex-site:nightly.service"]
    for line in ("Type=oneshot", "User=gramex-site", "TimeoutStartSec=60", "NoNewPrivileges=yes", "IPAddressDeny=any"):
        assert f"\n{line}\n" in service
    other = made[f"{UNITS}/gramex-site:other.service"]
    assert "\nUser=robot\nGroup=gramex-site\n" in other


def test_a_crontab_names_tasks_alone():
    made = texts.texts(TEMPLATES, app(NIGHTLY, OTHER), "sysv")
    table = made["/etc/cron.d/gramex-site"]
    runner = "root /usr/bin/python3 -B -s -E /etc/gramex/site/task/task.py"
    assert f"30 5 1 * mon {runner} run nightly --by-the-clock\n" in table
    assert f"*/15 * * * * {runner} run other --by-the-clock\n" in table
    assert f"@reboot {runner} missed\n" in table
    assert "%" not in table  # cron would end the command there
    assert not any(path.startswith(UNITS) for path in made)


@pytest.mark.parametrize("init", ["systemd", "sysv"])
def test_a_command_is_in_a_file_of_its_own_as_it_was_written(init):
    made = texts.texts(TEMPLATES, app(NIGHTLY), init)
    assert made["/etc/gramex/site/tasks/nightly"].endswith("\n\npython job.py 50%\necho $?\n")
    about = json.loads(made["/etc/gramex/site/schedule.json"])
    assert about["tasks"][0] == {
        **{"name": "nightly", "cron": "30 5 1 * mon", "timeout": 60, "jitter": 300, "catch_up": True},
        "user": "gramex-site",
    }


def test_shellcheck_accepts_the_script(tmp_path):
    script = tmp_path / "nightly"
    script.write_text(texts.texts(TEMPLATES, app(OTHER), "sysv")["/etc/gramex/site/tasks/other"])
    done = subprocess.run(
        [SHELLCHECK, "--shell=dash", str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here; hosts read the units")
def test_systemd_accepts_the_units(tmp_path):
    for path, text in texts.texts(TEMPLATES, app(NIGHTLY, user="root"), "systemd").items():
        if path.startswith(UNITS):
            (tmp_path / Path(path).name).write_text(text)
    names = [str(place) for place in tmp_path.iterdir()]
    command = ["systemd-analyze", "verify", "--man=no", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "gramex-site" in line] == []


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host with folders for units, crontabs and settings; what systemctl was told comes back."""
    told: list[tuple[str, ...]] = []
    shown: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(systemd, "UNITS", tmp_path / "units")
    monkeypatch.setattr(tasks, "CRON", tmp_path / "cron")
    monkeypatch.setattr(tasks, "CONFIG", tmp_path / "etc")
    monkeypatch.setattr(tasks, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(systemd, "systemctl", lambda *words, **_: told.append(words) or "")
    off = {"UnitFileState": "disabled", "ActiveState": "inactive", "NeedDaemonReload": "no"}
    monkeypatch.setattr(systemd, "show", lambda names, *_: [{**off, **shown.get(name, {})} for name in names])
    for folder in ("units", "stamps", "cron", "etc/site/tasks", "etc/site/task"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path, told, shown


def put(top: Path, *names: str) -> None:
    for name in names:
        for path in (f"units/gramex-site:{name}.timer", f"units/gramex-site:{name}.service", f"etc/site/tasks/{name}"):
            (top / path).write_text("x")


def wanted(top: Path, *names: str) -> list[str]:
    units = [str(top / f"units/gramex-site:{name}.{end}") for name in names for end in ("timer", "service")]
    return [*units, *(str(top / f"etc/site/tasks/{name}") for name in names)]


def test_timers_that_are_off_are_started(host):
    top, told, _ = host
    put(top, "one")
    assert tasks.settle(Files(), "site", wanted(top, "one"), "systemd")
    assert told == [("enable", "--quiet", "--now", "gramex-site:one.timer")]


def test_timers_that_are_on_are_left_alone(host):
    top, told, shown = host
    put(top, "one")
    shown["gramex-site:one.timer"] = {"UnitFileState": "enabled", "ActiveState": "active"}
    assert not tasks.settle(Files(), "site", wanted(top, "one"), "systemd")
    assert told == []


def test_what_is_wanted_no_more_is_stopped_and_taken_away_and_no_other(host):
    top, told, shown = host
    put(top, "one", "two")
    (top / "units" / "gramex-site-two:one.timer").write_text("of another app")
    (top / "stamps" / "stamp-gramex-site:two.timer").touch()
    shown["gramex-site:one.timer"] = {"UnitFileState": "enabled", "ActiveState": "active"}
    assert tasks.settle(Files(), "site", wanted(top, "one"), "systemd")
    assert ("disable", "--quiet", "--now", "gramex-site:two.timer") in told
    assert not [place for place in top.rglob("*two*") if "site-two" not in place.name]
    assert (top / "units" / "gramex-site-two:one.timer").exists()
    assert (top / "etc/site/tasks/one").exists()


def test_check_mode_says_it_and_does_nothing(host):
    top, told, _ = host
    put(top, "two")
    files = Files(check=True)
    assert tasks.settle(files, "site", wanted(top, "one"), "systemd")
    assert "gramex-site:one.timer started" in files.done
    assert any("two.timer removed" in line for line in files.done)
    assert told == []
    assert (top / "units" / "gramex-site:two.timer").exists()
