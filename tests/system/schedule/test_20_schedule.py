"""Tasks by the clock, with systemd and without: who runs them, how often, how that ends, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system.controller import Controller
from system.target import Target

APP, DATA, HOME = "clock", "/var/lib/gramex/clock", "/srv/gramex/clock"
TASKS = ["each-minute", "fails", "hangs", "slow", "late", "lost"]
ASK = f"import json; from gramex_schedule import status; print(json.dumps(status.rows('{APP}')))"
# Notes a run of the day before yesterday.
RAN = (
    "import time; from pathlib import Path; from gramex_schedule import history as h; "
    'place = Path("{}"); then = time.time() - 172800; h.begin(place, then); h.end(place, then, 0, "success")'
)
RUNNER = f"/usr/bin/python3 -B -s -E /etc/gramex/{APP}/task/task.py"


def rows(target: Target) -> dict[str, dict[str, Any]]:
    """What the host says of each task."""
    return {row["name"]: row for row in json.loads(target.output(f'cd /root/gramex-test && python3 -B -c "{ASK}"'))}


def history(target: Target, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.output(f"cat {HOME}/tasks/{name}").splitlines()]


def start(target: Target, name: str, wait: bool = True) -> int:
    """Run a task now, as the guide says; its exit code where it is waited for."""
    if target.init == "systemd":
        return target.run(f"systemctl start {'' if wait else '--no-block'} 'gramex-{APP}:{name}.service'").returncode
    command = f"{RUNNER} run {name}"
    return target.run(command if wait else f"setsid {command} >/dev/null 2>&1 &").returncode


def running(target: Target, word: str) -> bool:
    """Does any process have this word in its command line?"""
    return bool(target.run(f"grep -lz {word} /proc/[0-9]*/cmdline 2>/dev/null | grep -v /self/").stdout.strip())


@pytest.fixture(scope="module", autouse=True)
def clean(targets: list[Target]) -> None:
    """Scenarios may be verified again on hosts that stand."""
    for target in targets:
        target.output(f"rm -f {DATA}/go {DATA}/slow.txt {DATA}/late.txt {DATA}/lost.txt")


def test_before_the_first_run_it_says_when_that_is(target: Target) -> None:
    found = rows(target)
    assert list(found) == TASKS
    row = found["fails"]
    assert row["next"].endswith("-02-29 00:00:00")
    assert row["missed"] == ""


def test_a_failure_is_kept_with_its_exit_code_and_its_words(target: Target) -> None:
    assert start(target, "fails") != 0
    row = rows(target)["fails"]
    assert (row["state"], row["exit"]) == ("failed", 3)
    assert row["last"]
    assert history(target, "fails")[-1]["result"] == "exit-code"
    log = f"journalctl -t gramex-{APP}:fails -o cat" if target.init == "systemd" else f"cat /var/log/gramex/{APP}.log"
    assert "it went wrong" in target.output(log)


def test_one_that_hangs_is_ended_with_all_that_it_started(target: Target) -> None:
    assert start(target, "hangs") != 0
    row = rows(target)["hangs"]
    assert row["state"] == "failed"
    assert history(target, "hangs")[-1]["result"] == "timeout"
    assert not running(target, "471[1]")


def test_none_starts_while_its_last_run_goes_on(target: Target) -> None:
    start(target, "slow", wait=False)
    target.wait(f"grep -q begin {DATA}/slow.txt 2>/dev/null")
    assert rows(target)["slow"]["state"] == "running"
    start(target, "slow", wait=False)
    if target.init == "systemd":
        assert target.output("systemctl list-jobs --no-legend | grep -c slow") == "1"  # the one that goes on
    else:
        target.wait(f"grep -q overlap {HOME}/tasks/slow")
    assert target.output(f"cat {DATA}/slow.txt") == "begin"
    target.output(f"touch {DATA}/go")
    target.wait(f"grep -q end {DATA}/slow.txt")
    target.wait(f"tail -1 {HOME}/tasks/slow | grep -q success")
    assert target.output(f"cat {DATA}/slow.txt") == "begin\nend"
    row = rows(target)["slow"]
    assert (row["state"], row["exit"]) == ("ok", 0)


def test_the_clock_starts_it_as_the_app(target: Target) -> None:
    target.wait(f"test -s {DATA}/notes.jsonl", seconds=150)
    note = json.loads(target.output(f"head -1 {DATA}/notes.jsonl"))
    assert note == {
        "user": f"gramex-{APP}",
        "group": f"gramex-{APP}",
        "folder": target.output(f"readlink -f {HOME}/run/$(cat {HOME}/active)-1"),
        "python": target.output(f"readlink -f {HOME}/venvs/$(cat {HOME}/active)-1"),
        "runtime": "gramex",
        "level": 'high $5 "quoted"',
        "data": DATA,
        "arguments": ["task-each-minute", "100%", "a b"],
    }
    target.wait(f"grep -q success {HOME}/tasks/each-minute")
    row = rows(target)["each-minute"]
    assert row["exit"] == 0
    assert row["last"] < row["next"]


def test_what_downtime_left_out_is_caught_up_with_or_said(targets: list[Target]) -> None:
    for target in targets:  # the tasks were there three days ago, and ran last the day before yesterday
        for name in ("late", "lost"):
            assert rows(target)[name]["missed"] == ""
            target.output(f"cd /root/gramex-test && python3 -B -c '{RAN.format(f'{HOME}/tasks/{name}')}'")
            target.run(f"touch -d '2 days ago' '/var/lib/systemd/timers/stamp-gramex-{APP}:{name}.timer'")
        target.output(f"touch -d '3 days ago' /etc/gramex/{APP}/schedule.json")
        assert rows(target)["late"]["missed"].endswith(" 00:00:00")
    for target in targets:
        target.restart()
    for target in targets:
        target.wait(f"grep -q 'caught up' {DATA}/late.txt 2>/dev/null", seconds=90)
        target.wait(f"tail -1 {HOME}/tasks/late | grep -q success")
        found = rows(target)
        assert (found["late"]["missed"], found["late"]["exit"]) == ("", 0)
        assert found["lost"]["missed"].endswith(" 00:00:00")
        assert target.run(f"test -e {DATA}/lost.txt").returncode


def test_status_shows_runs_exit_codes_and_what_was_missed(controller: Controller, targets: list[Target]) -> None:
    play = controller.play("ansible/playbooks/status.yml", "-e", f"app={APP}")
    assert play.code == 0, play.end
    assert set(play.changed.values()) == {0}
    for target in targets:
        table = {
            words[2]: words for words in map(str.split, play.output.splitlines()) if words[:2] == [target.name, APP]
        }
        assert table["fails"][3] == "failed"
        assert table["fails"][6] == "3"
        assert table["late"][3] == "ok"
        assert table["late"][-1] == "-"  # caught up with
        lost = rows(target)["lost"]
        assert table["lost"][-2:] == lost["missed"].split()


def test_again_changes_nothing(controller: Controller) -> None:
    controller.deploy()  # other tests left an app changed
    assert set(controller.deploy().changed.values()) == {0}


def test_a_changed_list_changes_the_tasks(controller: Controller, targets: list[Target]) -> None:
    tasks = [
        {"name": "fails", "cron": "@yearly", "command": "exit 4"},
        {"name": "new", "every": "1d", "command": "exit 0"},
    ]
    play = controller.play("site.yml", "-e", json.dumps({"test_schedule": tasks}))
    assert play.code == 0, play.end
    for target in targets:
        found = rows(target)
        assert list(found) == ["fails", "new"]
        assert found["fails"]["next"].endswith("-01-01 00:00:00")
        assert start(target, "fails") != 0
        assert rows(target)["fails"]["exit"] == 4
        assert start(target, "hangs") != 0
        assert target.output(f"ls /etc/gramex/{APP}/tasks") == "fails\nnew"
        if target.init == "systemd":
            timers = target.output("systemctl list-timers --all --plain --no-legend | grep -o 'gramex[^ ]*timer'")
            assert sorted(timers.split()) == [f"gramex-{APP}:fails.timer", f"gramex-{APP}:new.timer"]
            assert target.output("systemctl list-units --failed --plain --no-legend | grep -v fails || true") == ""


def test_removal_leaves_no_trace_of_them(controller: Controller, targets: list[Target]) -> None:
    play = controller.play("ansible/playbooks/remove.yml", "-e", "gramex_remove_data=true")
    assert play.code == 0, play.end
    for target in targets:
        before = json.loads(target.output("cat /root/gramex-test/before.json"))
        after = target.snapshot()
        assert [
            name for name in {**before["files"], **after["files"]} if "gramex" in name and "gramex-test" not in name
        ] == []
        assert [unit for unit in after["services"] if "gramex" in unit] == []
        assert not [command for command in after["processes"] if "/gramex/" in command]
