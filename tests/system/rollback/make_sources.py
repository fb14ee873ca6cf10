"""Copy the examples, and make a small app in each form that a source may have: git, zip, a folder of the host."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CONFIG = """\
url:
  {name}/home:
    pattern: /$YAMLURL/(.*)
    handler: FileHandler
    kwargs: {{path: $YAMLPATH, default_filename: index.html}}
"""
APP = {
    "gramex.yaml": CONFIG,
    "index.html": "<h1>This is {name}</h1>\n",
    "run.sh": "#!/bin/sh\n",
    ".secrets.yaml": "PASSWORD: of the developer\n",
    ".venv/pyvenv.cfg": "home = /usr\n",
    ".venv/bin/python": "",
}
WHO = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"]
SETUP = """\
set -e
id -un >made-by.txt
command -v tool >which-tool.txt
mkdir -p made && ln -s ../index.html made/link
"""


def make(folder: Path, name: str) -> Path:
    """Fill a folder with the app, new each time."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in APP.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.format(name=name), encoding="utf-8")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("index.html")
    (folder / "empty").mkdir()
    return folder


def main() -> None:
    top = Path(sys.argv[1])
    for folder in (EXAMPLES / "site", EXAMPLES / "api", Path(__file__).parent / "steady"):
        shutil.rmtree(top / folder.name, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(folder, top / folder.name, symlinks=True, ignore=ignored)
    repository = make(top / "repository", "repository")
    for words in (["init", "-q"], ["add", "-f", "."], ["commit", "-qm", "One"], ["tag", "v1.0"]):
        subprocess.run(["git", "-C", str(repository), *WHO, *words], check=True, env={**os.environ, "GIT_DIR": ".git"})
    (repository / "index.html").write_text("<h1>This is no version yet</h1>\n", encoding="utf-8")
    subprocess.run(["git", "-C", str(repository), *WHO, "commit", "-qam", "Two"], check=True)
    folder = make(top / "packed", "packed")
    with zipfile.ZipFile(top / "packed.zip", "w") as packed:
        for place in sorted(folder.rglob("*")):
            info = zipfile.ZipInfo(f"packed-1.0/{place.relative_to(folder)}" + ("/" if place.is_dir() else ""))
            info.create_system, info.external_attr = 3, place.lstat().st_mode << 16
            packed.writestr(
                info,
                str(place.readlink())
                if stat.S_ISLNK(place.lstat().st_mode)
                else place.read_bytes()
                if place.is_file()
                else b"",
            )
    digest = hashlib.sha256((top / "packed.zip").read_bytes()).hexdigest()
    (top / "packed.sum").write_text(f"sha256:{digest}", encoding="ascii")
    copied = make(top / "copied", "copied")
    (copied / "setup.sh").write_text(SETUP, encoding="utf-8")
    (copied / "requirements.txt").write_text("iniconfig\n", encoding="utf-8")
    (copied / "package.json").write_text('{"private": true}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
