"""Pages that the runtime makes where an app has none: folders and errors, on a desktop and a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.chrome import Page
from browser.looks import faint, small, wide
from browser.serve import serving

APP = "url: {all: {pattern: /(.*), handler: FileHandler, kwargs: {path: ., index: true}}}\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("plain") / "app"
    (folder / "inner").mkdir(parents=True)
    (folder / "gramex.yaml").write_text(APP)
    (folder / "notes.txt").write_text("x" * 12345)
    with serving(folder, folder.with_name("data")) as url:
        yield url


@pytest.mark.parametrize(("width", "phone"), [(1280, False), (320, True)], ids=["desktop", "small phone"])
def test_they_can_be_read_in_light_and_dark_rooms(page: Page, app: str, width: int, phone: bool) -> None:
    page.size(width, 860, phone=phone)
    for path in ("/", "/inner/", "/none"):
        page.go(app + path)
        colours = []
        for scheme in ("light", "dark"):
            page.scheme(scheme)
            assert faint(page) == [], path
            assert wide(page) == [], path
            assert small(page) == [], path
            colours.append(page.run("getComputedStyle(document.querySelector('h1')).color"))
        assert colours[0] != colours[1], path
