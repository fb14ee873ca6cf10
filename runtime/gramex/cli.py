"""The command `gramex`: reads the command line, and starts the app or the command that it asks for."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gramex import __version__

MISTAKE = 2  # exit code of a mistake in the configuration or on the command line
INTERRUPTED = 130  # by Ctrl-C before the server had taken over, as shells count it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, that of the process by default. Returns the exit code, also for a user's mistake."""
    from gramex.arguments import UsageError

    try:
        return dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except UsageError as error:
        complain(str(error))
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has seen enough. Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def dispatch(arguments: list[str]) -> int:
    """Find out what a command line asks for, and do it.

    Raises:
        UsageError: it asks for nothing that exists.
    """
    from gramex.arguments import declared, nest, split

    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    if arguments and not arguments[0].startswith("-"):
        from gramex.commands import BY_NAME

        command = BY_NAME.get(arguments[0])
        if command is None:
            raise unknown_command(arguments[0])
        known = {option.name: option for option in command.options}
        switches = {"help", "h"} | {option.name for option in command.options if option.kind == "switch"}
        words, options = split(arguments[1:], switches)
        if {"help", "h"}.intersection(name for name, _ in options):
            from gramex.usage import command_usage

            print(command_usage(command))
            return 0
        module, _, function = command.run.partition(":")
        if command.verbatim:
            return getattr(importlib.import_module(module), function)(arguments[1:], {})
        if len(words) > command.most:
            from gramex.arguments import UsageError

            raise UsageError(f"{command.name}: {words[command.most]!r} is one word too many")
        return getattr(importlib.import_module(module), function)(words, declared(options, known))
    words, options = split(arguments, ("version", "V", "help", "h"))
    names = {name for name, _ in options}
    if names & {"help", "h"}:
        from gramex.usage import usage

        print(usage())
        return 0
    if names & {"version", "V"}:
        print(f"Gramex {__version__} in {Path(__file__).parent}, Python {sys.version.split()[0]} ({sys.executable})")
        return 0
    if words:
        raise unknown_command(words[0])
    return start(nest(options))


def start(options: Mapping[str, Any]) -> int:
    """Serve the app in the current folder until told to stop. Returns the exit code."""
    from gramex.config import ConfigError, load

    try:
        folder = Path.cwd()
    except FileNotFoundError:
        complain("the current folder does not exist any more: go to the app's folder")
        return MISTAKE
    try:
        loaded = load(folder, options)
        from gramex.server import run

        return run(loaded, lambda: load(folder, options))
    except ConfigError as error:
        for problem in error.problems:
            complain(str(problem))
        return MISTAKE


def unknown_command(name: str) -> Exception:
    """Return the error for a command that does not exist, with the nearest one that does."""
    from gramex.arguments import UsageError
    from gramex.commands import BY_NAME
    from gramex.options import nearest

    near = nearest(name, BY_NAME)
    hint = f"Did you mean {near}?" if near else "gramex --help lists what there is"
    return UsageError(f"there is no command {name!r}. {hint}")


def complain(message: str) -> None:
    """Print a mistake, in one line."""
    print(f"gramex: {message}", file=sys.stderr, flush=True)
