"""The command `gramex`: reads the command line and starts what it asks for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gramex import __version__


def parse(arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Split a command line into words and options."""
    import yaml

    words: list[str] = []
    options: dict[str, Any] = {}
    for argument in arguments:
        if not argument.startswith("-"):
            words.append(argument)
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        place = options
        *above, last = name.split(".")
        for part in above:
            place = place.setdefault(part, {})
        place[last] = yaml.safe_load(value) if equals else True
    return words, options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    _words, options = parse(sys.argv[1:] if arguments is None else arguments)
    if options.get("version") or options.get("V"):
        print(f"gramex {__version__} {Path(__file__).parent} Python {sys.version.split()[0]}")
        return 0
    from gramex.config import ConfigError, Loaded, load

    folder = Path.cwd()

    def read() -> Loaded:
        return load(folder, options)

    try:
        loaded = read()
        from gramex.server import run

        return run(loaded, read)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
