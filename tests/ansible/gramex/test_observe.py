"""A release that is watched after the switch: it holds out, or the one before serves again."""

from __future__ import annotations

from pathlib import Path

import pytest
from gramex_deploy import observe
from gramex_deploy.observe import Watch
from gramex_deploy.problem import Problem
from gramex_deploy.record import Record, Release, active

pytestmark = pytest.mark.usefixtures("owners")


class Played:
    """Services whose processes are played: the answers to `lives`, the last of them for ever."""

    boot, both, instances = "yes", True, 1

    def __init__(self, *lives: list[str]) -> None:
        self.answers, self.asked = list(lives), []
        self.former = "running"

    def lives(self, colour: str) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def log_of(self, colour: str, since: float) -> str:
        return "out of luck"

    def state(self, colour: str) -> str:
        return self.former

    def give_way(self, colour: str) -> None:
        self.asked.append(f"give way {colour}")

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        self.asked.append(f"start {colour}")

    def face(self, colour: str) -> None:
        self.asked.append(f"face {colour}")

    def drain(self, colour: str) -> None:
        self.asked.append(f"drain {colour}")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(observe, "STEP", 0)
    for name in ("r1", "r2"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "active").write_text("green\n")
    Record({name: Release(f"d-{name}", "e", "good") for name in ("r1", "r2")}, {"blue": "b", "green": "g"}).write(
        tmp_path
    )
    return tmp_path


def watch(home: Path, services: Played, former: str | None = "blue", fresh: bool = True, seconds: int = 60) -> Record:
    record = Record.read(home)
    Watch.begin("r2", "green", former, fresh, services).wait(home, record, services, seconds, timeout=5)
    return record


def test_one_that_holds_out_is_left_alone(home):
    services = Played(["1", "2"])
    watch(home, services, seconds=0)
    assert (services.asked, active(home)) == ([], "green")


@pytest.mark.parametrize("later", [["1", "9"], ["1", ""], [""]])
def test_one_whose_process_ends_gives_way(home, later):
    services = Played(["1", "2"], ["1", "2"], later)
    with pytest.raises(Problem, match="out of luck"):
        watch(home, services)
    assert services.asked == ["face blue", "drain green"]
    assert active(home) == "blue"
    record = Record.read(home)
    assert (record.releases["r2"].state, record.releases["r1"].state) == ("bad", "good")
    assert record.started == {"blue": "b"}


def test_a_former_one_that_had_to_end_is_started_again(home):
    services = Played(["1"], [""])
    services.former = "stopped"
    with pytest.raises(Problem):
        watch(home, services)
    assert services.asked[0] == "start blue"


def test_where_two_cannot_serve_at_once_the_new_one_gives_way_first(home):
    services = Played(["1"], [""])
    services.former, services.both = "stopped", False
    with pytest.raises(Problem):
        watch(home, services)
    assert services.asked[:2] == ["give way green", "start blue"]


def test_one_that_was_good_before_is_not_called_bad(home):
    with pytest.raises(Problem):
        watch(home, Played(["1"], [""]), fresh=False)
    assert Record.read(home).releases["r2"].state == "good"


def test_the_first_one_ever_has_nothing_to_go_back_to(home):
    services = Played(["1"], [""])
    with pytest.raises(Problem, match="none before it"):
        watch(home, services, former=None)
    assert (services.asked, active(home)) == ([], "green")
