"""Every example of the guide is a configuration that can be used, and every function in it is there."""

import ast
import importlib
import re
import sys
from typing import NamedTuple

import pytest
import yaml

from gramex.check.configuration import check_configuration
from gramex.handlers.guidepages import FOLDER
from gramex.handlers.modules import watched

FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A block of code: `file` is the name that it has in the app, if it has one."""

    page: str
    language: str
    file: str
    text: str


EXAMPLES = [
    Example(path.stem, *match)
    for path in sorted(FOLDER.glob("*.md"))
    for match in FENCE.findall(path.read_text(encoding="utf-8"))
]
CONFIGURATIONS = [each for each in EXAMPLES if each.language == "yaml" and each.file in ("", "gramex.yaml")]
# What examples name and no page shows.
FILES = {
    "reports.py": "".join(f"def {name}(*args): ...\n" for name in ("refresh", "archive", "has_news", "summary", "due")),
    "excuses.py": "def sorry(status_code, handler): ...\n",
    "people.csv": "name,mail\n",
    "prices.py": "def reload(event): ...\ndef add(event): ...\n",
    "not-found.html": "",
    "apps/reports/gramex.yaml": "url: {}",
    "one/gramex.yaml": "",
    "two/gramex.yaml": "",
    "team/gramex.yaml": "",
}
# Sections that an example needs and that are shown before it.
EMAIL = "email: {office: {type: smtp, host: localhost, email: app@example.com}}\n"
SECRETS = {"MAIL_PASSWORD": "x", "REDIS_PASSWORD": "x"}
# Messages about what is on this machine, not about the example.
ELSEWHERE = ("certificate.pem", "is not installed", "redis", "ldap3")


@pytest.fixture(autouse=True)
def _own_modules():
    """Each example has modules of its own."""
    before, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name in watched or not getattr(sys.modules[name], "__package__", "."):
            del sys.modules[name]
    watched.clear()
    importlib.invalidate_caches()


@pytest.mark.parametrize("example", CONFIGURATIONS, ids=lambda each: f"{each.page}: {' '.join(each.text.split())[:50]}")
def test_configuration(example, tmp_path):
    mine = {each.file: each.text for each in EXAMPLES if each.page == example.page and each.file}
    mine[".secrets.yaml"] = mine.get(".secrets.yaml", "") + yaml.safe_dump(SECRETS)
    text = example.text + (EMAIL if example.text.startswith("alert:") else "")
    for name, content in {**FILES, **mine, "gramex.yaml": text}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    found = [str(finding) for finding in check_configuration(tmp_path)]
    assert [text for text in found if not any(word in text for word in ELSEWHERE)] == []


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.language == "python"], ids=lambda each: each.page
)
def test_code_is_python(example):
    ast.parse(example.text)


def test_there_is_an_example_for_each_handler():
    text = "".join(each.text for each in CONFIGURATIONS)
    for name in ("File", "Function", "Upload", "WebSocket", "Proxy", "Redirect", "Logout", "Form"):
        assert f"handler: {name}Handler" in text
    assert "handler: SimpleAuth" in text
    assert "handler: LDAPAuth" in text
