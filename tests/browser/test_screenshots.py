"""The screenshots that the guide shows are those that are made, and can be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser.chrome import Chrome, Page
from browser.screenshots import shots, take
from browser.serve import serving
from gramex.handlers.guidemarkdown import render
from gramex.handlers.guidepages import FOLDER

IMAGE = re.compile(r"^!\[[^\]]+\]\(shots/([\w-]+)\.png\)$", re.MULTILINE)


@pytest.fixture(scope="module")
def made(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all screenshots."""
    folder = tmp_path_factory.mktemp("shots")
    take(chrome, folder)
    return folder


def used() -> dict[str, str]:
    """The names of the screenshots in the guide, and the pages that they are on."""
    return {name: path.stem for path in FOLDER.glob("*.md") for name in IMAGE.findall(path.read_text(encoding="utf-8"))}


def test_each_one_is_used() -> None:
    assert {shot.name for shot in shots()} == set(used())
    assert not any("](shots/" in IMAGE.sub("", path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.md"))


def test_the_guide_shows_them(made: Path, page: Page, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty", tmp_path / "data", {"GUIDE_SHOTS": str(made)}) as url:
        for name, where in used().items():
            for scheme, file in (("light", f"{name}.png"), ("dark", f"{name}-dark.png")):
                page.scheme(scheme)
                page.go(f"{url}/{where}")
                image = f"document.querySelector('img[src=\"shots/{name}.png\"]')"
                page.run(f"{image}.scrollIntoView()")
                page.until(f"{image}.complete && {image}.naturalWidth > 100")
                assert page.run(f"{image}.currentSrc").endswith(f"/shots/{file}")
                assert page.run(f"{image}.alt")


def test_the_guide_does_without(made: Path) -> None:
    assert "<figure>" not in render("auth")
    assert "<figure>" not in render("auth", FOLDER)
    assert "<figure>" in render("auth", made)


def test_each_scheme_has_its_own(made: Path) -> None:
    for name in used():
        assert (made / f"{name}.png").read_bytes() != (made / f"{name}-dark.png").read_bytes()
