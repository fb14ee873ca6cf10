"""The play for Windows hosts, from a bare machine to nothing again. Verified on Wine, with doubles of PowerShell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wine import prefix

from system.controller import Play  # isort: skip

SECRET = "hush-4711"
HTTP = (
    "import urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:%d/').read().decode())"
)


@pytest.fixture(scope="module")
def deployed(fleet: Any) -> Play:
    """The first run, after one that only told what it would do."""
    foretold = fleet.play("--check", "--diff")
    assert foretold.code == 0, foretold.end
    assert foretold.changed["win1"] > 0
    assert "gramex" not in fleet.machine.shell("ls /wine/drive_c"), "check mode changed something"
    play = fleet.play("--diff", "-vv")
    assert play.code == 0, play.end
    return play


def test_both_apps_answer(fleet: Any, deployed: Play) -> None:
    assert fleet.page(8001) == "one 9 green"
    assert fleet.machine.shell(f'python3 -c "{HTTP % 8002}"').strip() == "one 9 green"
    with pytest.raises(OSError, match="refused"):
        fleet.machine.get(8002)  # without `expose` for the host itself alone
    assert set(fleet.book("firewall")) == {"gramex-site"}
    assert re.search(r"site +http://win1:8001/ +\d{8}T\d{6}Z-[0-9a-f]{8} +running +yes", deployed.output)


def test_services_have_accounts_of_their_own(fleet: Any, deployed: Play) -> None:
    for name in ("site", "api"):
        own = rf"NT SERVICE\gramex-{name}"
        rights = {key: value[0] for key, value in fleet.book("rights").items() if rf"\{name} " in key}
        users = [own, "S-1-5-19"] if name == "site" else [own]  # LOCAL SERVICE runs tasks, which one app has
        assert rights == {
            rf"{folder}\{name} {user}": right
            for user in users
            for folder, right in ((r"C:\gramex", "ReadAndExecute"), (r"C:\ProgramData\gramex", "Modify"))
        }
    assert fleet.book("inheritance") == {r"C:\gramex": "absent", r"C:\ProgramData\gramex": "absent"}


def test_the_scheduled_task_runs_in_the_release(fleet: Any, deployed: Play) -> None:
    """Wine has no task scheduler: what the double was told to start is started here."""
    ((place, task),) = fleet.book("tasks").items()
    assert place == r"\gramex\site\nightly"
    assert (task["username"], task["logon_type"]) == ("LOCAL SERVICE", "service_account")
    assert task["execution_time_limit"] == "PT10M"
    (action,) = task["actions"]
    words = (action["path"], *action["arguments"].split())
    done = fleet.machine.run(*words, cwd=action["working_directory"])
    assert done.code == 0, done
    release = fleet.record()["apps"]["site"]["active"]
    assert fleet.machine.read(r"C:\ProgramData\gramex\site\job.txt") == f"green {release}"


def test_no_secret_is_shown(fleet: Any, deployed: Play) -> None:
    assert SECRET not in deployed.output
    assert SECRET not in fleet.log()
    commands = [json.loads(line)["given"]["argv"] for line in fleet.log().splitlines() if '"argv"' in line]
    assert commands
    assert all(len(" ".join(words)) < 200 for words in commands), "what is to be done is on standard input"


def test_the_second_run_changes_nothing(fleet: Any, deployed: Play) -> None:
    play = fleet.play()
    assert (play.code, play.changed) == (0, {"win1": 0}), play.end


def test_a_change_has_a_gap_that_is_told(fleet: Any, deployed: Play) -> None:
    before = fleet.record()["apps"]
    place = fleet.folder / "site" / "gramex.yaml"
    place.write_text(place.read_text().replace("one", "two"))
    play = fleet.play()
    assert play.code == 0, play.end
    assert fleet.page(8001) == "two 9 green"
    assert re.search(r"site .* running .* \d+\.\d s", play.output), "the table tells the gap"
    after = fleet.record()["apps"]
    assert after["api"] == before["api"], "the other app was left alone"
    assert len(after["site"]["releases"]) == 2
    assert len({each["environment"] for each in after["site"]["releases"].values()}) == 1, "environments are shared"


def test_what_does_not_start_gives_way_to_what_ran(fleet: Any, deployed: Play) -> None:
    place = fleet.folder / "site" / "site_page.py"
    good = place.read_text()
    place.write_text(good.replace("    return", "    raise RuntimeError('no tea today')\n    return"))
    (fleet.folder / "api" / "note.txt").write_text("also changed\n")
    (fleet.folder / "unfit").mkdir()
    (fleet.folder / "unfit" / "gramex.yaml").write_text(place.with_name("gramex.yaml").read_text())
    fleet.apps.append({"name": "unfit", "source": "unfit", "port": 8003})
    play = fleet.play()
    assert play.code != 0
    assert "app unfit: gramex check:" in play.output, play.end
    assert re.search(r"Release \S+ serves again", play.output), play.end
    assert "no tea today" in play.output, "the end of the log says why"
    assert SECRET not in play.output
    assert fleet.page(8001) == "two 9 green"
    states = sorted(each["state"] for each in fleet.record()["apps"]["site"]["releases"].values())
    assert states == ["bad", "good", "good"]
    api = fleet.record()["apps"]["api"]
    assert len(api["releases"]) == 2, "one app's failure stops no other"
    assert fleet.machine.shell(f'python3 -c "{HTTP % 8002}"').strip() == "one 9 green"
    fleet.apps.pop()
    place.write_text(good)


def test_a_restart_of_the_machine_brings_the_apps_back(fleet: Any, deployed: Play) -> None:
    fleet.machine.restart()
    prefix.eventually(lambda: fleet.page(8001) == "two 9 green")


def test_what_somebody_stopped_is_started(fleet: Any, deployed: Play) -> None:
    fleet.machine.run("net", "stop", "gramex-site")
    prefix.eventually(lambda: refused(fleet))
    play = fleet.play()
    assert (play.code, play.changed["win1"]) == (0, 1), play.end
    assert fleet.page(8001) == "two 9 green"


def refused(fleet: Any) -> bool:
    """Whether nobody listens."""
    try:
        fleet.page(8001)
    except OSError:
        return True
    return False


def test_a_module_without_a_double_fails(fleet: Any, deployed: Play) -> None:
    command = [str(Path(sys.executable).with_name("ansible")), "-i", str(fleet.folder / "hosts.yml"), "win1"]
    for module, words, said in (
        ("ansible.windows.win_ping", "", "double: there is none of ansible.windows.win_ping"),
        ("ansible.windows.win_file", "path=C:/x stat=directory", "double: ansible.windows.win_file has no option stat"),
    ):
        done = subprocess.run([*command, "-m", module, "-a", words], capture_output=True, text=True, timeout=120)
        assert done.returncode != 0
        assert said in done.stdout


def test_removal_leaves_the_data_alone(fleet: Any, deployed: Play) -> None:
    play = fleet.play(playbook="ansible/playbooks/remove.yml")
    assert play.code == 0, play.end
    left = fleet.machine.shell("ls /wine/drive_c /wine/drive_c/ProgramData/gramex").split()
    assert "gramex" not in left
    assert {"site", "api"} <= set(left)
    assert refused(fleet)
    assert (fleet.book("firewall"), fleet.book("tasks")) == ({}, {})
    again = fleet.play(playbook="ansible/playbooks/remove.yml")
    assert (again.code, again.changed) == (0, {"win1": 0}), again.end
