"""The documentation that is served where there is no gramex.yaml."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urldefrag, urljoin

import pytest

from gramex.handlers.guidepages import FOLDER, MENU, anchor, names, source, split
from gramex.handlers.guidesearch import excerpt, find, index

PATHS = {name: "/" if name == "index" else f"/{name}" for name in names()}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Document(HTMLParser):
    """Reads a page: what it links to, its ids, its landmarks, its headings, and tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.ids, self.landmarks, self.levels = [], [], [], []
        self.inline, self.open, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("main", "header", "footer", "nav"):
            self.landmarks.append((tag, values.get("aria-label")))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action"):
                self.targets.append(value)
            elif name == "id":
                self.ids.append(value)
            elif name == "style" or name.startswith("on"):
                self.inline.append(name)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def guide(serve_module, tmp_path_factory):
    return serve_module(folder=tmp_path_factory.mktemp("an empty folder, äöü"))


@pytest.fixture(scope="module")
def documents(guide):
    found = {}
    for path in [*PATHS.values(), "/search?q=session", "/search"]:
        answer = guide.get(path)
        assert answer.status == 200, path
        assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
        found[path] = Document(answer.text)
    return found


def test_every_page_of_the_folder_is_in_the_menu():
    assert {path.stem for path in FOLDER.glob("*.md")} == {name for _, group in MENU for name in group}


def test_links_lead_somewhere(guide, documents):
    for path, document in documents.items():
        for target in document.targets:
            assert not re.match(r"(https?:)?//", target), f"{path} needs the network for {target}"
            url, fragment = urldefrag(urljoin(path, target))
            if url not in documents:
                assert guide.get(url).status == 200, f"{path} links to {target}"
            elif fragment:
                assert fragment in documents[url].ids, f"{path} links to {target}"


def test_pages_are_well_formed(documents):
    for path, document in documents.items():
        assert not document.wrong, path
        assert not document.open, path
        assert len(document.ids) == len(set(document.ids)), path
        assert not document.inline, f"{path}: the security policy forbids {document.inline}"
        assert [each for each in document.landmarks if each[0] in ("main", "header")] == [
            ("header", None),
            ("main", None),
        ]
        assert ("nav", "Pages") in document.landmarks
        assert document.levels[0] == 1, path
        assert document.levels.count(1) == 1, path
        assert all(later - earlier <= 1 for earlier, later in pairwise(document.levels)), path


def test_pages_forbid_what_they_do_not_need(guide):
    policy = guide.get("/handlers").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_markdown_is_rendered(guide):
    text = guide.get("/files").text
    assert '<h2 id="templates" tabindex="-1">' in text
    assert '<table role="table">' in text
    assert "| key |" not in text
    assert '<span class="k">pattern</span>: /<span class="v">$YAMLURL</span>/page' in text
    assert '<p class="file">notes.py</p>' in text


def test_a_link_to_a_section_of_the_reference_alone_becomes_its_table(guide):
    text = guide.get("/uploads").text
    assert "<code>if_exists</code>" in text
    assert "reference#uploadhandler" not in text


def test_a_page_names_its_neighbours(guide):
    text = guide.get("/command-line").text
    assert '<a rel="prev" href="configuration">' in text
    assert '<a rel="next" href="handlers">' in text
    assert '<a href="command-line" aria-current="page">' in text
    assert 'rel="prev"' not in guide.get("/").text


@pytest.mark.parametrize("path", ["/nowhere", "/index.md", "/..%2fgramex.yaml", "/layout.html", "/assets/../index.md"])
def test_nothing_else_is_served(guide, path):
    assert guide.get(path).status == 404


def test_a_page_that_is_not_there_says_so_in_the_guides_clothes(guide):
    answer = guide.get("/no-such-page")
    assert answer.status == 404
    assert 'aria-label="Pages"' in answer.text
    assert 'value="no such page"' in answer.text


def test_the_guide_works_below_a_path(guide):
    """All of its URLs are relative."""
    for target in Document(guide.get("/handlers").text).targets:
        assert not target.startswith("/")


def test_anchors_of_a_page_differ():
    taken: set[str] = set()
    assert [anchor(text, taken) for text in ("A b", "A b", "…")] == ["a-b", "a-b-2", "section"]


def test_sections_are_what_is_rendered(documents):
    """The index of the search and the menu know the ids that the rendered page has."""
    for name, path in PATHS.items():
        ids = documents[path].ids
        assert [section.anchor for section in source(name).sections if section.anchor not in ids] == []


def test_sections_of_a_text():
    text = "# A `b_c`\n\nOne *two* `*three*` [four](five.md).\n\n```yaml\n# no heading\n```\n\n## D\n\n"
    table = "| k | v |\n|---|---|\n| `_x` | _y_ |\n"
    assert split(text + table) == [
        (1, "a-b-c", "A b_c", "One two *three* four. # no heading"),
        (2, "d", "D", "_x y"),
    ]


def test_search_finds_what_a_section_is_called_first():
    assert find("several processes")[0].url == "running#several-processes"
    assert find("SESSIONS")[0].url == "auth#sessions"
    assert find("FileHandler")[0].url in ("reference#filehandler", "files")


def test_search_needs_all_words():
    assert find("session zebra") == []
    assert find("") == []
    assert {row.url for row in find("xsrf token")} & {"auth#forms"}


@pytest.mark.parametrize("word", ["listen.drain", "auth.membership", "GRAMEX_COOKIE_SECRET", "bodyfile", "--config"])
def test_search_finds_keys_of_the_reference(word):
    word = word.removeprefix("listen.").removeprefix("--")
    assert any(row.url.startswith("reference") for row in find(word))


def test_the_part_that_is_shown_has_the_words():
    text = "a " * 100 + "<needle> in the & hay " + "b " * 200
    shown = excerpt(text, "NEEDLE hay")
    assert "&lt;<mark>needle</mark>&gt; in the &amp; <mark>hay</mark>" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 300


def test_the_page_of_results_works_without_scripts(guide):
    text = guide.get("/search?q=Several+processes").text
    assert "<mark>" in text
    assert 'href="running#several-processes"' in text
    assert 'value="Several processes"' in text
    assert "Nothing for" in guide.get("/search?q=zebra").text
    assert "<script>" not in guide.get("/search?q=%3Cscript%3E").text.replace('<script src="assets/guide.js', "")


def test_the_index_is_that_of_the_server(guide):
    answer = guide.get("/search.json")
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert json.loads(answer.text) == [list(row) for row in index()]
    assert len(answer.body) < 200_000
