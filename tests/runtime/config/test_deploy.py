"""deploy.yaml serves what the documentation lists, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gramex

EXTENSIONS = """
md markdown html txt pdf rst pptx docx png svg jpg jpeg jpg2g gif ico mp3 mp4 avi flv mkv ttf woff woff2 eot otf
js map vue less css json

py pyc php sh rb ipynb bat cmd yml yaml ini jsonl csv xlsx db xls h5 xml shp shx dbf prj idx zip 7z doc ppt coffee
scss sass ts htm exe pem key sql sqlite log bak js~ html.bak cfg conf toml env r pptm docm xlsm tar gz webp
"""
ALLOWED, REFUSED = (set(part.split()) for part in EXTENSIONS.split("\n\n"))


@pytest.fixture(scope="module")
def names() -> dict[str, bool]:
    """Names of files, and whether they may be served."""
    found = {}
    for extension in ALLOWED:
        found |= {f"a.{extension}": True, f"B.{extension.upper()}": True, f"sub/x.y.{extension}": True}
        found |= {f".a.{extension}": False, f"sub/.hidden/a.{extension}": False, f"x{extension}": False}
    for extension in REFUSED:
        found |= {f"a.{extension}": False, f"B.{extension.upper()}": False, f"sub/x.html.{extension}": False}
    found |= {"README": False, ".git/config": False, ".env": False, "Makefile": False, "a.html ": False, "a.": False}
    return found


@pytest.fixture
def app(serve: Callable[..., Any], names: dict[str, bool]) -> Any:
    return serve("import: $GRAMEXPATH/deploy.yaml\n", dict.fromkeys(names, "{}"))


def test_files(app: Any, names: dict[str, bool]) -> None:
    wrong = {}
    for name, allowed in names.items():
        status = app.get("/" + name.replace(" ", "%20")).status
        if status != (200 if allowed else 403):
            wrong[name] = status
    assert wrong == {}


def test_missing_files_look_the_same(app: Any) -> None:
    assert app.get("/nothing.csv").status == 404
    assert app.get("/nothing.html").status == 404


@pytest.mark.parametrize("path", ["/a.html", "/a.csv", "/nothing"])
def test_headers(app: Any, path: str) -> None:
    headers = app.get(path).headers
    assert headers["X-XSS-Protection"] == "1; mode=block"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Server"] is None


def test_an_app_opens_what_it_needs(serve: Callable[..., Any]) -> None:
    app = serve(
        """
        import: $GRAMEXPATH/deploy.yaml
        url:
          myapp/allow-files:
            pattern: /$YAMLURL/data/(.*)
            handler: FileHandler
            kwargs:
              path: $YAMLPATH/data/
              allow: ['data.csv', '*.xlsx']
        """,
        {"data/data.csv": "a", "data/other.csv": "b", "data/x.xlsx": "c", "data/x.html": "d", "data.csv": "e"},
    )
    answers = [app.get(path).status for path in ("/data/data.csv", "/data/other.csv", "/data/x.xlsx", "/data/x.html")]
    assert answers == [200, 403, 200, 403]
    assert app.get("/data.csv").status == 403


def test_the_guide_lists_the_same() -> None:
    guide = (Path(gramex.__file__).parent / "guide" / "security.md").read_text(encoding="utf-8")
    deploy = (Path(gramex.__file__).parent / "deploy.yaml").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:documents|images|media|fonts|front end) \| `([^`]*)` \|$", guide, re.MULTILINE)
    listed = [f"*{extension}" for row in rows for extension in row.split()]
    assert sorted(listed) == sorted(re.findall(r"- '(\*\.[^']*)'", deploy))
