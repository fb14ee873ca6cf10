"""Runs a scheduled task of an app in its release, with the app's variables: python.exe launch.py NAME."""

import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the task that the first argument names; return its exit code."""
    here = Path(__file__).resolve().parent
    settings = json.loads((here / "settings.json").read_text(encoding="utf-8"))
    os.environ.update(settings["variables"])
    os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")
    # The operator's own command line, for the shell that it was written for.
    command, release = settings["tasks"][sys.argv[1]], here.parent.parent / "releases" / here.name
    return subprocess.run(command, shell=True, cwd=release, check=False).returncode  # noqa: S602


if __name__ == "__main__":
    sys.exit(main())
