"""A fleet changes host by host: when the first one is sick, the others are not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from system import state
from system.controller import Controller, Play
from system.target import Browser, Target

BROKEN = "raise SystemExit('sick')\n"


@pytest.fixture(scope="module")
def plays(controller: Controller, targets: list[Target], apps: Path) -> tuple[Play, dict[str, list[str]], Play]:
    """A change of both hosts that breaks an app of the first, which releases there were then, and the change mended."""
    page, module = apps / "site" / "index.template.html", apps / "shared" / "one" / "one_clock.py"
    right = module.read_text(encoding="utf-8")
    page.write_text(page.read_text(encoding="utf-8") + "<!-- changed -->\n", encoding="utf-8")
    module.write_text(BROKEN, encoding="utf-8")
    releases = {target.name: state.releases(target, "direct") for target in targets if target.name == "alone"}
    sick = controller.play()
    releases["after"] = next(state.releases(target, "direct") for target in targets if target.name == "alone")
    module.write_text(right, encoding="utf-8")
    return sick, releases, controller.play()


def test_the_first_is_sick(plays: tuple[Play, dict[str, list[str]], Play]) -> None:
    sick = plays[0]
    assert sick.code != 0
    assert sick.failed == {"front": 1, "alone": 0}, sick.end


def test_the_other_is_not_touched(plays: tuple[Play, dict[str, list[str]], Play]) -> None:
    sick, releases, _ = plays
    assert sick.changed["alone"] == 0, sick.end
    assert releases["after"] == releases["alone"]
    assert "alone: Bring releases into service" not in sick.output


def test_mended_it_goes_on(plays: tuple[Play, dict[str, list[str]], Play], targets: list[Target]) -> None:
    good = plays[2]
    assert good.code == 0, good.end
    assert good.changed["alone"] == 1, good.end
    alone = next(target for target in targets if target.name == "alone")
    browser = Browser(alone, "/etc/gramex/direct/certificate.pem", "https://alone.localhost")
    assert "<!-- changed -->" in browser.get("/").text
