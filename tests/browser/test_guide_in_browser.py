"""The guide, as people see it: a real browser, a desktop and a phone, light and dark, with and without scripts."""

from __future__ import annotations

import json

import pytest

from browser.chrome import Chrome, Page
from browser.looks import faint, small, wide
from gramex.handlers.guidepages import names
from gramex.handlers.guidesearch import find

PATHS = ["/" if name == "index" else f"/{name}" for name in names()]
FOCUS = "document.activeElement"


@pytest.mark.parametrize(
    ("width", "scheme", "phone"),
    [(1280, "light", False), (1280, "dark", False), (390, "light", True), (320, "dark", True)],
    ids=["desktop", "desktop dark", "phone", "small phone dark"],
)
def test_pages_can_be_read(page: Page, guide: str, width: int, scheme: str, phone: bool) -> None:
    page.size(width, 860, phone=phone)
    page.scheme(scheme)
    for path in [*PATHS, "/search?q=session", "/no-such-page"]:
        page.go(guide + path)
        assert faint(page) == [], path
        assert wide(page) == [], path
        assert small(page) == [], path


def test_nothing_comes_from_elsewhere(page: Page, guide: str) -> None:
    for path in PATHS[:4]:
        page.go(guide + path)
    assert page.requests
    assert [url for url in page.requests if not url.startswith(f"{guide}/")] == []


def test_colours_follow_the_room(page: Page, guide: str) -> None:
    page.go(guide)
    colours = []
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        colours.append(page.run("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_search_by_keyboard(page: Page, guide: str) -> None:
    page.go(f"{guide}/configuration")
    page.press("/")
    assert page.run(f"{FOCUS}.id") == "q"
    page.write("several proc")
    page.until("document.querySelectorAll('#hits a').length")
    assert page.run("q.getAttribute('aria-expanded')") == "true"
    assert page.text("#hits a").startswith("Several processes")
    assert "sections found" in page.run("document.getElementById('count').textContent")
    page.press("ArrowDown")
    assert page.run("q.getAttribute('aria-activedescendant')") == "hit-0"
    assert page.run("document.getElementById('hit-0').getAttribute('aria-selected')") == "true"
    page.press("Enter")
    page.until("location.pathname === '/running' && document.readyState === 'complete'")
    assert page.run("location.hash") == "#several-processes"
    top = page.run("document.getElementById('several-processes').getBoundingClientRect().top")
    assert 60 < top < 400, "the heading is not hidden behind the bar"


def test_escape_leaves_the_search(page: Page, guide: str) -> None:
    page.go(guide)
    page.press("/")
    page.write("session")
    page.until("!document.getElementById('hits').hidden")
    page.press("Escape")
    assert page.run("document.getElementById('hits').hidden")
    page.press("/")
    assert page.run("q.value") == "/", "in the field it is a letter as any other"


def test_search_with_the_mouse(page: Page, guide: str) -> None:
    page.go(guide)
    page.click("#q")
    page.write("fadfadfa")
    page.until("!document.getElementById('hits').hidden")
    assert "Nothing" in page.text("#hits")
    page.run("q.select()")
    page.write("xsrf token")
    page.until("document.querySelectorAll('#hits a mark').length")
    page.click("#hits a")
    page.until("location.pathname !== '/' && document.readyState === 'complete'")


def test_the_browser_finds_what_the_server_finds(page: Page, guide: str) -> None:
    page.go(guide)
    page.press("/")
    for query in ("session", "FileHandler", "log in", "cache store", "proxy headers", "äöü"):
        page.run("q.value = ''")
        page.write(query)
        wanted = [row.url for row in find(query)][:8]
        shown = "[...document.querySelectorAll('#hits a')].map((each) => each.getAttribute('href'))"
        page.until(f"JSON.stringify({shown}) === JSON.stringify({json.dumps(wanted)})")


def test_search_without_scripts(page: Page, guide: str) -> None:
    page.scripts(False)
    page.go(guide)
    page.click("#q")
    page.write("several processes")
    before = len(page.events("Page.loadEventFired"))
    page.press("Enter")
    page.chrome.wait(lambda: len(page.events("Page.loadEventFired")) > before, "the page of results")
    page.scripts(True)
    assert page.run("location.pathname + location.search") == "/search?q=several+processes"
    assert page.text(".found a") == "Several processes"
    assert page.run("document.querySelector('.found a').getAttribute('href')") == "running#several-processes"


def test_code_is_copied(page: Page, guide: str, chrome: Chrome) -> None:
    chrome.call(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
        browserContextId=page.context,
    )  # fmt: skip
    page.go(guide)
    page.click(".code .copy")
    page.until("document.querySelector('.copy').textContent === 'Copied'")
    copied = page.run("navigator.clipboard.readText()")
    assert copied.startswith("url:\n  hello:\n")
    assert copied == page.run("document.querySelector('.code code').textContent")


def test_keyboard_users_can_skip_the_menu(page: Page, guide: str) -> None:
    page.go(f"{guide}/files")
    page.press("Tab")
    assert page.run(f"{FOCUS}.className") == "skip"
    assert page.run(f"{FOCUS}.getBoundingClientRect().top") >= 0
    page.press("Enter")
    page.until("location.hash === '#content'")
    page.press("Tab")
    assert page.run(f"!!{FOCUS}.closest('main')")


def test_focus_can_be_seen(page: Page, guide: str) -> None:
    page.go(f"{guide}/files")
    for _ in range(8):
        page.press("Tab")
        style = page.run(f"[getComputedStyle({FOCUS}).outlineStyle, getComputedStyle({FOCUS}).outlineWidth]")
        assert style[0] != "none", page.run(f"{FOCUS}.outerHTML")
        assert float(style[1].removesuffix("px")) >= 2


def test_the_menu_shows_where_one_is(page: Page, guide: str) -> None:
    page.go(f"{guide}/handlers#limits")
    page.until("document.querySelector('.here [aria-current]')?.textContent === 'Limits'")
    assert page.text(".menu [aria-current=page]") == "Handlers"
    page.go(f"{guide}/reference")
    place = "document.querySelector('.menu [aria-current=page]').getBoundingClientRect()"
    assert 0 < page.run(f"{place}.top") < page.run(f"{place}.bottom") < 860


def test_headings_can_be_linked_to(page: Page, guide: str) -> None:
    page.go(f"{guide}/files")
    page.click("#templates .anchor")
    assert page.run("location.hash") == "#templates"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_menu_of_a_phone(page: Page, guide: str, scripts: bool) -> None:
    page.size(390, 844, phone=True)
    page.scripts(scripts)
    page.go(f"{guide}/files")
    shown = "document.getElementById('menu').checkVisibility()"
    page.scripts(True)
    assert not page.run(shown)
    page.click(".open")
    page.until(shown)
    assert wide(page) == []
    if scripts:
        page.press("Escape")
        page.until(f"!{shown}")
        page.click(".open")
        page.until(shown)
    page.click(".menu a[href=functions]")
    page.until("location.pathname === '/functions'")
    page.until(f"!{shown}")


def test_rows_of_tables_are_blocks_on_a_phone_and_stay_rows_for_those_who_listen(page: Page, guide: str) -> None:
    page.size(390, 844, phone=True)
    page.go(f"{guide}/reference")
    assert page.run("getComputedStyle(document.querySelector('tr:nth-child(2)')).display") == "flex"
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if "role" in node and not node.get("ignored")]
    assert {"banner", "main", "navigation", "search", "table", "row", "cell"} <= set(roles)
    names = [node.get("name", {}).get("value") for node in tree if node.get("role", {}).get("value") == "combobox"]
    assert names == ["Search the guide"]
