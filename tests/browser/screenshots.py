"""Makes the screenshots that the guide shows: `make screenshots`, or with a folder as the only argument.

They are made of the guide's own examples and of examples/, in light and dark, and are no part of the repository.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "runtime")]

from browser.chrome import Chrome, ensure  # noqa: E402
from browser.serve import serving  # noqa: E402
from gramex.handlers.guidepages import FOLDER  # noqa: E402
from hosts import engine  # noqa: E402

FENCE = re.compile(r"^```\w+ ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: of `path` in the app whose files are `files`, or those of `example`."""

    name: str
    path: str
    files: Mapping[str, str] = field(default_factory=dict)
    example: Path | None = None
    ready: str = "true"  # what is true in the page once it can be taken
    size: tuple[int, int] = (920, 480)


def examples(page: str) -> dict[str, str]:
    """Return the files that a page of the guide shows."""
    return dict(FENCE.findall((FOLDER / f"{page}.md").read_text(encoding="utf-8")))


def shots() -> list[Shot]:
    """Return all pictures."""
    names = ("prices.csv", "reports/2025.csv", "reports/2026.csv", "sales.csv", "staff.csv")
    folder = {f"data/{name}": "name,value\n" * 40 for name in names}
    folder["gramex.yaml"] = (
        "url: {files: {pattern: /data/(.*), handler: FileHandler, kwargs: {path: data, index: true, allow: '*.csv'}}}"
    )
    dashboard = ROOT / "examples" / "dashboard"
    return [
        Shot("folder", "/data/", folder, size=(920, 230)),
        Shot(
            "dashboard",
            "/",
            example=dashboard,
            ready="document.body.dataset.ready",
            size=(1080, 640),
        ),
        Shot("login", "/login/", examples("auth"), size=(920, 480)),
    ]


def take(chrome: Chrome, target: Path) -> list[Path]:
    """Write all pictures into the folder `target`, and return them."""
    made = []
    for shot in shots():
        with ExitStack() as stack:
            app = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            start = shot.example or app / "app"
            for name, text in shot.files.items():
                (start / name).parent.mkdir(parents=True, exist_ok=True)
                (start / name).write_text(text, encoding="utf-8")
            url = stack.enter_context(serving(start, app / "data"))
            page = chrome.page()
            stack.callback(page.close)
            page.size(*shot.size, scale=2)
            for scheme, suffix in (("light", ""), ("dark", "-dark")):
                page.scheme(scheme)
                page.go(url + shot.path)
                page.until(shot.ready)
                made.append(target / f"{shot.name}{suffix}.png")
                page.shoot(made[-1])
    return made


def main(target: Path) -> int:
    """Make them, and say where they are. Returns the exit code."""
    try:
        program = ensure()
    except engine.Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        chrome = Chrome(program, Path(folder))
        try:
            made = take(chrome, target)
        finally:
            chrome.close()
    print(f"{len(made)} screenshots in {target}. The guide shows them: gramex in an empty folder")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER / "shots").absolute()))
