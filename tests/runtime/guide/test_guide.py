"""The documentation that is served where there is no gramex.yaml."""

import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest

from gramex.handlers.guide import FOLDER, PAGES, anchor


class Links(HTMLParser):
    """Collects what a page links to, and the ids it has."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src"):
                self.targets.append(value)
            elif name == "id":
                self.ids.add(value)


@pytest.fixture
def guide(serve, tmp_path):
    folder = tmp_path / "an empty folder, äöü"
    folder.mkdir()
    return serve(folder=folder)


def test_every_page_of_the_folder_is_in_the_menu():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)


def test_pages_and_their_links_answer(guide):
    pages, seen = [f"/{name}" for name in PAGES if name != "index"] + ["/"], {}
    for path in pages:
        answer = guide.get(path)
        assert answer.status == 200
        seen[path] = Links(answer.text)
    for path, links in seen.items():
        for target in links.targets:
            assert not re.match(r"(https?:)?//", target), f"{path} needs the network for {target}"
            url, fragment = urldefrag(urljoin(path, target))
            if url not in seen:
                assert guide.get(url).status == 200, f"{path} links to {target}"
            elif fragment:
                assert fragment in seen[url].ids, f"{path} links to {target}"


def test_markdown_is_rendered(guide):
    text = guide.get("/handlers").text
    assert '<h2 id="filehandler">' in text
    assert "<table>" in text
    assert "| key |" not in text


@pytest.mark.parametrize("path", ["/nowhere", "/index.md", "/..%2fgramex.yaml", "/layout.html", "/assets/../index.md"])
def test_nothing_else_is_served(guide, path):
    assert guide.get(path).status == 404


def test_anchors_of_a_page_differ():
    taken = set()
    assert [anchor(text, taken) for text in ("A b", "A <code>b</code>", "…")] == ["a-b", "a-b-2", "section"]
