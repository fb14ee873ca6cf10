"""Writes the guide's reference, in Markdown, from where settings, options and keys are declared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from gramex.config.keys import ENVIRONMENT, IMPORT, PREDEFINED, TLS, TOP, VARIABLE, Key
from gramex.options import LOG_OPTIONS, OPTIONS, Option

APP = {
    "listen": "The server's address and its limits.",
    "admin": "A second listener for those who watch the server: see [Is it alive?](running.md#is-it-alive)",
    "settings": "Settings of the Tornado application; others of Tornado's can be given as well.",
    "session": "Sessions and their cookie: see [Sessions](auth.md#sessions)",
    "": "What is directly below `app:`.",
}
AUTH = Key("auth", "none", "`auth` for all entries that do not say otherwise")


class Part(NamedTuple):
    """A section of the reference: `anchor` is that of its heading, `word` what its first column is called."""

    anchor: str
    heading: str
    text: str
    rows: list[Key]
    word: str = "key"


def keys(options: Iterable[Option], prefix: str = "") -> list[Key]:
    """Return options as keys, without their prefix."""
    return [Key(each.name.removeprefix(prefix), _code(each.default), each.help) for each in options]


def _code(default: str) -> str:
    return f"`{default}`" if default[:1] in "/$" else default


@lru_cache(maxsize=1)
def parts() -> list[tuple[str, list[Part]]]:
    """Return the reference: groups of sections."""
    from gramex.commands import COMMANDS
    from gramex.handlers.formkeys import ARGUMENTS
    from gramex.handlers.keys import COMMON, ENTRY, EXPRESSION, HANDLERS
    from gramex.services.keys import ALERT, CACHE, COLUMNS, EMAIL, LOG, SCHEDULE, WATCH

    app = []
    for section, text in APP.items():
        prefix = f"{section}." if section else ""
        rows = keys((each for each in OPTIONS if each.name.rpartition(".")[0] == section), prefix)
        app.append(Part(f"app-{section}" if section else "app", f"app.{section}" if section else "app", text,
                        rows if section else [*rows, AUTH]))  # fmt: skip
    tls = Part("app-listen-ssl-options", "app.listen.ssl_options", "HTTPS; files are relative to the app.", list(TLS))
    commands = [
        Part(f"gramex-{each.name}", f"gramex {each.name}", f"{each.help[0].upper()}{each.help[1:]}.",
             keys(each.options) if len(each.options) < len(OPTIONS) else [], "option")
        for each in COMMANDS
    ]  # fmt: skip
    return [
        ("gramex.yaml", [
            Part("sections", "Sections", "", list(TOP)),
            Part("variables", "variables", "A variable is a value, or a mapping of these keys.", list(VARIABLE)),
            Part("predefined-variables", "Predefined variables", "", list(PREDEFINED), "variable"),
            Part("import", "import", "", list(IMPORT)),
        ]),
        ("The server", [app[0], tls, *app[1:]]),
        ("Handlers", [
            Part("url-entries", "url entries", "", list(ENTRY)),
            Part("every-handler", "Every handler", "`kwargs` that all handlers know.", list(COMMON)),
            Part("functions", "Functions", "Where a key takes an expression, it takes a mapping of these, too.",
                 list(EXPRESSION)),
            *(Part(name.lower(), name, "", list(rows)) for name, rows in HANDLERS.items()),
            Part("arguments-of-formhandler", "Arguments of FormHandler", "What a URL may ask for.", list(ARGUMENTS),
                 "argument"),
        ]),
        ("Services", [
            Part("schedule", "schedule", "", list(SCHEDULE)),
            Part("watch", "watch", "", list(WATCH)),
            Part("email", "email", "", list(EMAIL)),
            Part("alert", "alert", "", list(ALERT)),
            Part("log", "log", "Python's `logging.config`; these are the keys that apps change.", list(LOG)),
            Part("columns-of-the-request-log", "Columns of the request log", "", list(COLUMNS), "column"),
            Part("cache", "cache", "Each entry is a store.", list(CACHE)),
        ]),
        ("Command line", [
            Part("gramex", "gramex", "Every key of `app:` is an option, such as `--listen.port=80`; these as well.",
                 keys(LOG_OPTIONS), "option"),
            *commands,
            Part("environment", "Environment", "", list(ENVIRONMENT), "variable"),
        ]),
    ]  # fmt: skip


def table(anchor: str) -> str:
    """Return the table of a section.

    Raises:
        KeyError: there is no such section.
    """
    for _, group in parts():
        for part in group:
            if part.anchor == anchor:
                return rows(part)
    raise KeyError(f"reference.md#{anchor}")


def rows(part: Part) -> str:
    """Return a section's table."""
    if not part.rows:
        return ""
    if not any(key.default for key in part.rows):
        lines = [f"| {part.word} | meaning |", "|---|---|"]
        lines += [f"| `{_cell(key.name)}` | {_cell(key.help)} |" for key in part.rows]
    else:
        lines = [f"| {part.word} | default | meaning |", "|---|---|---|"]
        lines += [f"| `{_cell(key.name)}` | {_cell(key.default)} | {_cell(key.help)} |" for key in part.rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def markdown() -> str:
    """Return the whole reference."""
    lines = ["| part | sections |", "|---|---|"]
    lines += [
        f"| {heading} | {' · '.join(f'[{part.heading}](#{part.anchor})' for part in group)} |"
        for heading, group in parts()
    ]
    texts = ["\n".join(lines) + "\n"]
    for heading, group in parts():
        texts.append(f"## {heading}\n")
        for part in group:
            texts.append(f"### {part.heading}\n")
            texts += [text for text in (f"{part.text}\n" if part.text else "", rows(part)) if text]
    return "\n".join(texts)
