"""What is said of tasks, from what was noted of their runs."""

from __future__ import annotations

import json
import os
from datetime import datetime

import pytest
from gramex_schedule import history, status

NOW = datetime(2026, 11, 22, 14, 7, 30).timestamp()
HOUR = 3600


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host with one task; runs are (hours ago it began, hours it took or None, exit, result)."""

    def make(*runs: tuple, text: str = "0 * * * *", jitter: int = 0, deployed: float = 48) -> dict:
        monkeypatch.setattr(status, "HOMES", tmp_path / "srv")
        monkeypatch.setattr(status, "CONFIG", tmp_path / "etc")
        monkeypatch.setattr(status, "SYSTEMD", tmp_path / "nowhere")
        about = tmp_path / "etc" / "site" / "schedule.json"
        about.parent.mkdir(parents=True)
        about.write_text(json.dumps({"tasks": [{"name": "job", "cron": text, "jitter": jitter}]}))
        os.utime(about, (NOW - deployed * HOUR,) * 2)
        place = tmp_path / "srv" / "site" / "tasks" / "job"
        place.parent.mkdir(parents=True)
        for ago, took, code, result in runs:
            history.begin(place, NOW - ago * HOUR)
            if took is not None:
                history.end(place, NOW - (ago - took) * HOUR, code, result)
        return status.rows("site", NOW)[0]

    return make


def test_before_the_first_run(host):
    row = host(deployed=0.01)
    assert row == {"name": "job", "state": "", "last": "", "exit": None, "next": "2026-11-22 15:00:00", "missed": ""}


def test_after_a_run(host):
    row = host((0.124, 0.01, 0, "success"))
    assert (row["state"], row["exit"], row["missed"]) == ("ok", 0, "")
    assert row["last"] == "2026-11-22 14:00:03"


@pytest.mark.parametrize(("code", "result"), [(3, "exit-code"), (143, "timeout"), (None, "resources")])
def test_after_a_failure(host, code, result):
    row = host((0.12, 0.01, code, result))
    assert (row["state"], row["exit"]) == ("failed", code)


def test_a_run_that_never_ended_was_interrupted(host):
    assert host((0.12, None, None, ""))["state"] == "interrupted"


def test_a_run_that_did_not_take_place_is_missed(host):
    assert host((1.12, 0.1, 0, "success"))["missed"] == "2026-11-22 14:00:00"
    assert host_again(host) == ""


def host_again(host) -> str:
    return status.rows("site", NOW - 0.11 * HOUR)[0]["missed"]  # 14:00:54: not late enough to be missed


def test_jitter_is_waited_for(host):
    assert host((1.12, 0.1, 0, "success"), jitter=600)["missed"] == ""


def test_nothing_is_missed_from_before_the_task_was_there(host):
    assert host(deployed=0.1)["missed"] == ""


def test_an_app_without_tasks_has_no_rows(host, tmp_path):
    host()
    assert status.rows("other", NOW) == []


def test_old_failures_outlive_many_good_runs(tmp_path):
    place = tmp_path / "tasks" / "job"
    history.begin(place, 1)
    history.end(place, 2, 7, "exit-code")
    history.write(
        place, [*history.read(place), *({"began": n, "ended": n, "exit": 0, "result": "success"} for n in range(99))]
    )
    runs = history.read(place)
    assert len(runs) == history.RUNS + 1
    assert runs[0]["exit"] == 7


def test_an_overlap_does_not_hide_the_run_that_goes_on(tmp_path):
    place = tmp_path / "job"
    history.begin(place, 1)
    history.skip(place, 2)
    history.end(place, 3, 0, "success")
    assert [(run["began"], run["result"]) for run in history.read(place)] == [(2, "overlap"), (1, "success")]


def test_a_line_cut_short_is_no_end_of_it(tmp_path):
    place = tmp_path / "job"
    history.begin(place, 1)
    with place.open("a") as stream:
        stream.write('{"beg')
    assert [run["began"] for run in history.read(place)] == [1]
