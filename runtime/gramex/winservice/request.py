"""Reads what is asked of a service from a command line: an action, options of the service, options of the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gramex.arguments import UsageError, nest, split
from gramex.options import BY_NAME, OPTIONS, nearest

ACTIONS = ("install", "update", "remove", "start", "stop")
STARTUPS = ("manual", "auto", "delayed", "disabled")
WAIT = 60.0  # seconds
CHANGES = ("cwd", "user", "password", "startup", "name")  # options with text
# First words of options that the server has.
SECTIONS = {option.name.partition(".")[0] for option in BY_NAME.values()}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a service; None is what was not said.

    `server` are options for the server, as they were typed. `wait` is how many seconds start and stop wait.
    """

    action: str
    cwd: Path | None = None
    user: str | None = None
    password: str | None = None
    startup: str | None = None
    name: str | None = None
    server: tuple[str, ...] | None = None
    wait: float = WAIT


def read_request(
    arguments: Sequence[str],
    user: str | None = None,
    password: str | None = None,
    startup: str | None = None,
    cwd: str | None = None,
    wait: float | None = None,
) -> Request:
    """Return what a command line asks for; what it does not say is taken from the other arguments.

    Raises:
        UsageError: it asks for nothing that there is.
    """
    typed, behind = _halves(list(arguments))
    words, options = split(typed)
    action = _action(words)
    said: dict[str, str | None] = {"user": user, "password": password, "startup": startup, "cwd": cwd}
    seconds: str | float | None = wait
    server: list[str] = []
    for name, text in options:
        if name in CHANGES:
            if not text:
                raise UsageError(f"--{name}: needs a value, such as --{name}={_example(name)}")
            said[name] = text
        elif name == "wait":
            seconds = text or ""
        else:
            _refuse_unknown(name)
            server.append(f"--{name}" if text is None else f"--{name}={text}")
    server += behind or []
    if words_behind := split(server)[0]:
        raise UsageError(f"{words_behind[0]!r} is no option of the server: write --name=value")
    nest(split(server)[1])  # a mistake shall show now, not when the service starts
    if said["startup"] not in (None, *STARTUPS):
        raise UsageError(f"--startup: must be one of {', '.join(STARTUPS)}, not {said['startup']!r}")
    if action not in ("install", "update") and (server or {name for name, _ in options} - {"name", "wait"}):
        raise UsageError(f"{action}: takes no options but --name and --wait; they belong to install and update")
    return Request(
        action,
        _folder(said["cwd"]),
        said["user"],
        said["password"],
        said["startup"],
        _name(said.get("name")),
        tuple(server) if server or behind is not None else None,
        _seconds(seconds),
    )


def _halves(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Return what is before ``--`` and what is behind it; None is for no ``--``."""
    if "--" not in arguments:
        return arguments, None
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def _action(words: Sequence[str]) -> str:
    if not words:
        raise UsageError(f"service: say what to do: {', '.join(ACTIONS)}")
    if words[0] not in ACTIONS:
        near = nearest(words[0], ACTIONS)
        hint = f"Did you mean {near}?" if near else f"There are {', '.join(ACTIONS)}"
        raise UsageError(f"service: there is no {words[0]!r}. {hint}")
    if len(words) > 1:
        raise UsageError(f"service: {words[1]!r} is one word too many")
    return words[0]


def _refuse_unknown(name: str) -> None:
    section, dot, _ = name.partition(".")
    if name in BY_NAME or (dot and section in SECTIONS):
        return
    near = nearest(name, (*CHANGES, "wait", *(option.name for option in OPTIONS)))
    hint = f"Did you mean --{near}?" if near else "Options of the app's own go behind --"
    raise UsageError(f"--{name}: there is no such option. {hint}")


def _folder(text: str | None) -> Path | None:
    if text is None:
        return None
    folder = Path(text).absolute()
    if not folder.is_dir():
        raise UsageError(f"--cwd: there is no folder {folder}")
    return folder


def _name(text: str | None) -> str | None:
    if text is not None and (len(text) > 256 or any(each in text for each in '/\\"') or text != text.strip()):
        raise UsageError(f"--name: {text!r} is no name of a service: at most 256 characters, no slashes, no quotes")
    return text


def _seconds(value: str | float | None) -> float:
    try:
        seconds = WAIT if value is None else float(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 86400:
        raise UsageError(f"--wait: must be a number of seconds, not {value!r}")
    return seconds


def _example(name: str) -> str:
    return {
        "cwd": "C:\\path\\to\\app",
        "user": "DOMAIN\\USER",
        "password": "- (one line of standard input)",
        "startup": "auto",
    }.get(name, "MyApp")
