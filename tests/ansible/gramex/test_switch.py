"""The switch, against services that are played: what serves after success, failure and a kill at every single step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import switch
from gramex_deploy.problem import Problem
from gramex_deploy.record import Record, Release, active
from gramex_deploy.standing import Standing

pytestmark = pytest.mark.usefixtures("owners")


class Killed(BaseException):
    """The play was killed."""


class Played:
    """Services that are played: states by colour, and a log of what was asked for."""

    boot, both, instances, gap = "yes", True, 1, None

    def __init__(self, fuse: int | None = None, both: bool = True) -> None:
        self.states = {"blue": "stopped", "green": "stopped"}
        self.asked: list[str] = []
        self.fuse, self.both = fuse, both
        self.bad: set[str] = set()
        self.home = Path()
        self.front = ""

    def _step(self, word: str) -> None:
        self.asked.append(word)
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    def state(self, colour: str) -> str:
        now = self.states[colour]
        if now == "stopping":
            self.states[colour] = "stopped"
        return now

    def ready(self, files: object) -> bool:
        return False

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        self._step(f"start {colour}")
        if (self.home / "run" / f"{colour}-1").readlink().name in self.bad:
            raise Problem("it does not start")
        self.states[colour] = "running"
        self._step(f"started {colour}")

    def faces(self, colour: str) -> bool:
        return self.front == colour

    def face(self, colour: str) -> None:
        self._step(f"face {colour}")
        self.front = colour

    def rehearse(self, colour: str, timeout: int) -> None:
        self._step(f"rehearse {colour}")
        if (self.home / "run" / f"{colour}-1").readlink().name in self.bad:
            raise Problem("it does not start")

    def give_way(self, colour: str) -> None:
        self.drain(colour)

    def drain(self, colour: str) -> None:
        self._step(f"drain {colour}")
        self.states[colour] = "stopping"
        self._step(f"drained {colour}")

    def kill(self, colour: str) -> None:
        self.states[colour] = "stopped"


@pytest.fixture
def home(tmp_path) -> Path:
    for name in ("releases/r1", "releases/r2", "releases/r3", "venvs/e", "run"):
        (tmp_path / name).mkdir(parents=True)
    record = Record({name: Release(f"digest-{name}", "e") for name in ("r1", "r2", "r3")})
    record.write(tmp_path)
    return tmp_path


def deploy(home: Path, release: str, services: Played, wanted: str = "") -> str:
    """What App.serve does for a release: nothing if it serves already, else a change; then the other colour rests."""
    services.home = home
    record = Record.read(home)
    wanted = wanted or f"started-{release}"
    if not switch.serves(home, record, wanted, services):
        switch.change(home, record, release, wanted, services, drain=0, timeout=5)
    switch.rest(home, services)
    return active(home) or ""


def settled(home: Path, services: Played, release: str) -> None:
    """Assert that just the active colour runs, and that it runs the release."""
    colour = active(home)
    idle = "green" if colour == "blue" else "blue"
    assert services.states[colour] == "running"
    assert services.front == colour
    assert services.states[idle] in ("stopping", "stopped")
    assert (home / "run" / f"{colour}-1").readlink().name == release
    assert Record.read(home).releases[release].state == "good"


def test_releases_take_turns_with_the_colours(home):
    services = Played()
    assert [deploy(home, name, services) for name in ("r1", "r2", "r3")] == ["blue", "green", "blue"]
    settled(home, services, "r3")


def test_an_unchanged_release_is_left_alone(home):
    services = Played()
    deploy(home, "r1", services)
    services.asked.clear()
    deploy(home, "r1", services)
    assert services.asked == []


def test_the_old_colour_is_drained_only_after_the_new_one_serves(home):
    services = Played()
    deploy(home, "r1", services)
    services.asked.clear()
    deploy(home, "r2", services)
    assert services.asked == ["start green", "started green", "face green", "drain blue", "drained blue"]


def test_a_colour_that_still_drains_is_waited_for(home):
    services = Played()
    deploy(home, "r1", services)
    deploy(home, "r2", services)
    services.states["blue"] = "stopping"
    services.asked.clear()
    assert deploy(home, "r3", services) == "blue"
    assert services.asked[0] == "start blue"
    settled(home, services, "r3")


def test_a_colour_that_does_not_end_is_killed(home, monkeypatch):
    monkeypatch.setattr(switch, "STEP", 0)
    services = Played()
    deploy(home, "r1", services)
    monkeypatch.setattr(services, "state", lambda colour: services.states[colour])
    services.states["green"] = "stopping"
    switch.wait("green", services, seconds=0)
    assert services.states["green"] == "stopped"


def test_ten_failures_then_a_good_one(home):
    services = Played()
    deploy(home, "r1", services)
    services.bad = {"r2"}
    for attempt in range(10):
        with pytest.raises(Problem):
            deploy(home, "r2", services, wanted=f"attempt {attempt}")
        settled(home, services, "r1")
        assert Record.read(home).releases["r2"].state == "bad"
        assert not (home / "run" / "green-1").is_symlink()
    deploy(home, "r3", services)
    settled(home, services, "r3")


def test_a_good_release_that_fails_later_is_not_called_bad(home):
    services = Played()
    deploy(home, "r1", services)
    deploy(home, "r2", services)
    services.bad = {"r1"}
    with pytest.raises(Problem):
        deploy(home, "r1", services)
    assert Record.read(home).releases["r1"].state == "good"
    settled(home, services, "r2")


@pytest.mark.parametrize("state", ["stopped", "failed", "starting"])
def test_the_right_colour_that_does_not_run_is_started_again(home, state):
    services = Played()
    deploy(home, "r1", services)
    services.states["blue"] = state
    assert deploy(home, "r1", services) == "blue"
    settled(home, services, "r1")


def test_a_colour_with_a_closed_socket_is_replaced_by_the_other(home):
    services = Played()
    deploy(home, "r1", services)
    services.states["blue"] = "stale"
    assert deploy(home, "r1", services) == "green"
    settled(home, services, "r1")


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("step", range(7))
def test_a_kill_at_any_step_is_mended_by_the_next_run(home, step, both):
    services = Played(both=both)
    deploy(home, "r1", services)
    services.fuse = step
    try:
        deploy(home, "r2", services)
    except Killed:
        if both:
            assert "running" in services.states.values()
    services.fuse = None
    deploy(home, "r2", services)
    settled(home, services, "r2")


@pytest.mark.parametrize("step", range(3))
def test_a_kill_in_the_first_deploy_is_mended_too(home, step):
    services = Played(fuse=step)
    with pytest.raises(Killed):
        deploy(home, "r1", services)
    services.fuse = None
    deploy(home, "r1", services)
    settled(home, services, "r1")


def test_a_kill_before_a_release_back_to_the_old_one(home):
    services = Played()
    deploy(home, "r1", services)
    services.fuse = 2  # green runs, but is not active yet
    with pytest.raises(Killed):
        deploy(home, "r2", services)
    services.fuse = None
    deploy(home, "r1", services)
    settled(home, services, "r1")


def test_where_colours_cannot_overlap_the_old_one_gives_way_first(home):
    services = Played(both=False)
    deploy(home, "r1", services)
    services.asked.clear()
    deploy(home, "r2", services)
    assert services.asked.index("drain blue") < services.asked.index("start green")


def test_where_colours_cannot_overlap_a_bad_one_fails_in_rehearsal(home):
    services = Played(both=False)
    deploy(home, "r1", services)
    services.bad, services.asked = {"r2"}, []
    with pytest.raises(Problem):
        deploy(home, "r2", services)
    assert services.asked == ["rehearse green"]
    settled(home, services, "r1")


@pytest.fixture
def standing(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An app that was deployed three times, as a verb finds it."""
    services = Played()
    for name in ("r1", "r2", "r3"):
        deploy(home, name, services, wanted=switch.started(f"digest-{name}", "unit"))
    record = Record.read(home)
    record.settings = {"drain": 0, "start_timeout": 5, "keep": 5}
    monkeypatch.setattr(Standing, "text", lambda _: "unit")
    return Standing("site", home, record, services)


def states(home: Path) -> list[str]:
    return [Record.read(home).releases[name].state for name in ("r1", "r2", "r3")]


def test_a_rollback_is_the_same_switch_and_withdraws_what_it_leaves(standing: Any, home: Path) -> None:
    standing.services.asked.clear()
    assert standing.roll_back("") == "r2 serves as green"
    assert standing.services.asked == ["start green", "started green", "face green", "drain blue", "drained blue"]
    assert states(home) == ["good", "good", "withdrawn"]
    standing.roll_back("")
    assert states(home) == ["good", "withdrawn", "withdrawn"]
    with pytest.raises(Problem, match=r"no good release before r1 .* r2 \(withdrawn\), r3 \(withdrawn\)"):
        standing.roll_back("")
    settled(home, standing.services, "r1")


def test_forward_again_by_its_name_withdraws_nothing(standing: Any, home: Path) -> None:
    standing.roll_back("r1")
    assert states(home) == ["good", "good", "withdrawn"]
    standing.roll_back("r3")
    assert states(home) == ["good", "good", "good"]
    assert standing.roll_back("r3") == "r3 serves already"


def test_a_rollback_that_does_not_start_changes_nothing(standing: Any, home: Path) -> None:
    standing.services.bad = {"r2"}
    with pytest.raises(Problem, match="app site: it does not start"):
        standing.roll_back("")
    assert states(home) == ["good", "good", "good"]
    settled(home, standing.services, "r3")


@pytest.mark.parametrize(("wanted", "says"), [("r9", "there is no release r9"), ("r2", "release r2 is bad")])
def test_a_release_that_cannot_be_brought_back(standing: Any, wanted: str, says: str) -> None:
    standing.record.releases["r2"].state = "bad"
    with pytest.raises(Problem, match=says):
        standing.roll_back(wanted)


@pytest.mark.parametrize("idle", ["stopped", "running", "failed"])
def test_a_restart_goes_through_the_other_colour(standing: Any, home: Path, idle: str) -> None:
    standing.services.states["green"] = idle
    standing.record.started["green"] = standing.record.started["blue"]  # an interrupted restart left it
    assert standing.restart() == "r3 started anew as green"
    assert "start green" in standing.services.asked
    settled(home, standing.services, "r3")
