"""The example of a dashboard, as people use it: alone, and below a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from browser.chrome import Page
from browser.looks import faint, small, wide
from browser.serve import serving

FOLDER = Path(__file__).parents[2] / "examples" / "dashboard"
READY = "document.body.dataset.ready"
COLUMNS = "document.querySelectorAll('.column')"
PLACE = "document.getElementById('place').textContent"
FIRST = "[...document.querySelectorAll('tbody tr:first-child td')].map((each) => each.textContent)"


@pytest.fixture(scope="module", params=["", "/below/it"], ids=["at /", "below a path"])
def dashboard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the dashboard."""
    folder: Path = tmp_path_factory.mktemp("dashboard")
    app = FOLDER
    if request.param:
        app = folder / "app"
        app.mkdir()
        entry = {"path": str(FOLDER / "gramex.yaml"), "YAMLURL": request.param, "namespace": ["url"]}
        (app / "gramex.yaml").write_text(yaml.safe_dump({"import": {"dashboard": entry}}), encoding="utf-8")
    with serving(app, folder / "data") as url:
        yield f"{url}{request.param}/"


def choose(page: Page, name: str, value: str) -> None:
    """Choose a value of a filter, and wait until it is shown."""
    select = f"document.querySelector('select[name={name}]')"
    before = page.run("document.getElementById('numbers').textContent")
    page.run(f"{select}.value = '{value}'; {select}.dispatchEvent(new Event('change', {{bubbles: true}}))")
    page.until(f"document.getElementById('numbers').textContent !== {before!r}")


def test_it_shows_what_the_data_say(page: Page, dashboard: str) -> None:
    page.go(dashboard)
    page.until(READY)
    assert page.run(f"{COLUMNS}.length") == 24
    assert page.run(f"{COLUMNS}[0].getAttribute('aria-label')").startswith("January 2024: €124,")
    assert page.run("document.querySelector('#numbers strong').textContent") == "€1,829,778"
    assert page.run(PLACE) == "1 to 12 of 288"
    assert [url for url in page.requests if not url.startswith(dashboard)] == []
    choose(page, "region", "East")
    assert page.run(PLACE) == "1 to 12 of 72"
    assert page.run("[...document.querySelectorAll('tbody tr')].every((row) => row.children[1].textContent === 'East')")
    assert page.run("document.getElementById('legend').textContent") == "East"
    assert page.run("document.getElementById('download').getAttribute('href')") == "sales?region=East&_format=csv"
    choose(page, "product", "Beans")
    assert page.run(PLACE) == "1 to 12 of 24"
    page.click("button[type=reset]")
    page.until(f"{PLACE} === '1 to 12 of 288'")
    assert page.run("location.search") == ""


def test_the_table_is_sorted_and_paged_by_the_server(page: Page, dashboard: str) -> None:
    page.go(dashboard)
    page.until(READY)
    assert page.run("document.querySelector('th').getAttribute('aria-sort')") == "descending"
    page.click("th:nth-child(5) button")
    page.until("document.querySelector('th:nth-child(5)').getAttribute('aria-sort') === 'descending'")
    assert page.run("document.activeElement === document.querySelector('th:nth-child(5) button')")
    best = page.run(FIRST)
    assert best[1] == "South"
    page.click("th:nth-child(5) button")
    page.until("document.querySelector('th:nth-child(5)').getAttribute('aria-sort') === 'ascending'")
    assert page.run(FIRST) != best
    page.click("#next")
    page.until(f"{PLACE} === '13 to 24 of 288'")
    page.go(page.run("location.href"))
    page.until(READY)
    assert page.run(PLACE) == "13 to 24 of 288", "what was chosen is in the URL"
    assert page.run("document.querySelector('th:nth-child(5)').getAttribute('aria-sort')") == "ascending"


def test_the_chart_by_keyboard(page: Page, dashboard: str) -> None:
    page.go(dashboard)
    page.until(READY)
    page.run(f"{COLUMNS}[0].focus()")
    page.press("ArrowRight")
    assert page.run("document.activeElement.getAttribute('aria-label')").startswith("February 2024")
    assert page.run("document.querySelector('.tip').checkVisibility()")
    assert page.text(".tip strong").startswith("February 2024: €")
    assert page.run("[...document.querySelectorAll('.column')].filter((each) => each.tabIndex === 0).length") == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")], ids=str)
def test_it_can_be_read(page: Page, dashboard: str, width: int, scheme: str) -> None:
    page.size(width, 860, phone=width < 600)
    page.scheme(scheme)
    page.go(dashboard)
    page.until(READY)
    assert faint(page) == []
    assert wide(page) == []
    assert small(page) == []
    assert page.run("document.querySelector('svg').getBoundingClientRect().right <= innerWidth")


def test_a_server_without_the_data_says_so(page: Page, dashboard: str) -> None:
    page.call("Network.setBlockedURLs", urls=["*sales*_by=year*"])
    page.go(dashboard)
    page.until(READY)
    assert page.run("document.getElementById('problem').checkVisibility()")
    page.chrome.events.clear()  # the browser complains of what was blocked
