"""Writes what --help prints, from the declarations of commands and options."""

from __future__ import annotations

from collections.abc import Iterable

from gramex import __version__
from gramex.commands import COMMANDS, Command
from gramex.options import LOG_OPTIONS, OPTIONS, Option

_SWITCHES = (
    Option("version", "switch", "", "print version, folder and Python (-V)"),
    Option("help", "switch", "", "print this (-h); COMMAND --help prints the options of a command"),
)


def usage() -> str:
    """Return the help of `gramex`."""
    parts = [
        f"Gramex {__version__}: serves the app in the current folder, which gramex.yaml describes",
        "",
        "usage: gramex [--OPTION=VALUE ...]         start the app; without gramex.yaml, the guide",
        "       gramex COMMAND [--OPTION=VALUE ...]",
        "",
        "commands:",
        *table((command.name, command.help) for command in COMMANDS),
        "",
        "options:",
        *table((f"--{option.name}", option.help) for option in _SWITCHES),
        "",
        "settings, also keys of app: in gramex.yaml (default):",
        *table((f"--{option.name}", _described(option)) for option in (*OPTIONS, *LOG_OPTIONS)),
        "",
        "Values are YAML: --listen.trusted='[10.0.0.0/8]'. An option given twice is a list.",
        "Exit codes: 0 ended as asked, 1 cannot listen, 2 mistake in the configuration, 3 not healthy.",
    ]
    return "\n".join(parts)


def command_usage(command: Command) -> str:
    """Return the help of one command."""
    options = " [--OPTION=VALUE ...]" if command.options else ""
    words = f" {command.words}" if command.words else ""
    parts = [f"usage: gramex {command.name}{words}{options}", "", f"{command.help[0].upper()}{command.help[1:]}."]
    if command.options:
        parts += ["", "options (default):"]
        parts += table((f"--{option.name}", _described(option)) for option in command.options)
    return "\n".join(parts)


def table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return lines of two columns."""
    found = list(rows)
    width = max(len(name) for name, _ in found)
    return [f"  {name:{width}}  {text}" for name, text in found]


def _described(option: Option) -> str:
    return f"{option.help.replace('`', '')} ({option.default})" if option.default else option.help
