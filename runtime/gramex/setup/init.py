"""`gramex init`: writes the first files of a new app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gramex.setup import BAD, GOOD, complain, say

FILES = {
    "gramex.yaml": """\
# Describes this app. Start it by `gramex` in this folder; `gramex` in an empty folder shows the guide.
import: $GRAMEXPATH/deploy.yaml # serve front-end files only, send the protective headers

url:
  home:
    pattern: /$YAMLURL/
    handler: FileHandler
    kwargs:
      path: $YAMLPATH/index.html

  hello:
    pattern: /$YAMLURL/hello
    handler: FunctionHandler
    kwargs:
      function: f'Hello {handler.get_arg("name", "you")}'
      headers: {Content-Type: text/plain; charset=UTF-8}
""",
    "index.html": """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>New app</title>
<h1>It works</h1>
<p>This page is <code>index.html</code>.
<p><a href="hello?name=world">hello</a> is a function in <code>gramex.yaml</code>.
</html>
""",
    ".gitignore": """\
# What must not be published, and what tools make
.secrets.yaml
__pycache__/
node_modules/
""",
}


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Write the files into a folder, the current one by default. Files that exist are kept.

    Exit code 0: the app is there; 1: it cannot be written.
    """
    folder = Path(words[0] if words else ".")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            path = folder / name
            try:
                with path.open("x", encoding="utf-8", newline="\n") as stream:
                    stream.write(text)
                say("init", f"{path}: written")
            except FileExistsError:
                say("init", f"{path}: exists, and is kept")
    except OSError as error:
        complain("init", f"{error.filename or folder}: {error.strerror}")
        return BAD
    return GOOD
