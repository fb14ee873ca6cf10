"""A browser for all tests here, and apps for it to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser.chrome import Chrome, Page, ensure
from browser.serve import serving
from hosts import engine


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A running browser."""
    try:
        program = ensure()
    except engine.Missing as missing:
        pytest.fail(str(missing), pytrace=False)
    browser = Chrome(program, tmp_path_factory.mktemp("chrome"))
    yield browser
    browser.close()


@pytest.fixture
def page(chrome: Chrome) -> Iterator[Page]:
    """An empty page on a desktop, in light colours. At its end there must be nothing that the browser complained of."""
    page = chrome.page()
    page.size(1280, 860)
    page.scheme("light")
    yield page
    complaints = page.complaints
    page.close()
    assert complaints == []


@pytest.fixture(scope="session")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the guide."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "empty").mkdir()
    with serving(folder / "empty", folder / "data") as url:
        yield url
