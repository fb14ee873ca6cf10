"""Reads the entries of ``alert:``: mail that is sent by a schedule."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gramex.services.email.mailer import Mailer
from gramex.services.email.message import addresses
from gramex.services.email.settings import Server, read_servers
from gramex.services.schedule import FIELDS, Task, read_timer
from gramex.services.sections import Entry, EntryError, read_entries

if TYPE_CHECKING:
    from gramex.config import Loaded

app_log = logging.getLogger("gramex")

RECIPIENTS = ("to", "cc", "bcc")
ADDRESSES = (*RECIPIENTS, "reply_to", "from")
TEXTS = ("subject", "body", "html", "markdown")
FILES = ("bodyfile", "htmlfile", "markdownfile")
KNOWN = ("service", *ADDRESSES, *TEXTS, *FILES, "attachments", "images", "condition", "data", "each", *FIELDS)


def read_alerts(loaded: Loaded, old: Mapping[str, Task], timed: bool = True) -> dict[str, Task]:
    """Return the tasks of ``alert:`` by their labels; those of `old` that are the same, as they are.

    Mistakes are logged, and cost their entries. Not `timed`: an alert needs no times, and they are not read.
    """
    servers = read_servers(loaded)
    made = read_entries(loaded, "alert", lambda entry: make_alert(entry, servers, old, timed))
    return {task.label: task for task in made.values()}


def make_alert(entry: Entry, servers: Mapping[str, Server], old: Mapping[str, Task], timed: bool) -> Task:
    """Return the task of an entry, without its times unless `timed`.

    Raises:
        ValueError: the entry has a mistake.
        Exception: what a module of the app raises that its condition names.
    """
    name = entry.spec.get("service")
    if name is None and len(servers) == 1:
        name = next(iter(servers))
    if not isinstance(name, str) or name not in servers:
        known = ", ".join(servers) or "none that could be used"
        raise EntryError("service", f"must be an entry of email:, of which there are: {known}; not {name!r}")
    # An alert is the same as before if its server is.
    spec = {**entry.spec, "server": servers[name]}
    same = old.get(entry.label)
    if same is not None and same.spec == spec:
        return same
    entry.check_keys(KNOWN)
    for key in ADDRESSES:
        try:
            if not is_template(entry.spec.get(key)):
                addresses(key, entry.spec.get(key))
        except ValueError as error:
            raise EntryError(key, str(error).removeprefix(f"{key}: ")) from None
    if not any(entry.spec.get(key) for key in RECIPIENTS):
        raise EntryError("", "has no recipients: give to, cc or bcc")
    timer, startup, _ = read_timer(entry) if timed else (None, False, True)
    return Task(entry.label, spec, Alert(entry, servers[name]), timer, startup, thread=True)


def is_template(value: Any) -> bool:
    """True if a value is made anew for each mail."""
    return "{{" in value or "{%" in value if isinstance(value, str) else any(map(is_template, of_list(value)))


def of_list(value: Any) -> list[Any]:
    """Return a list as it is, and nothing else."""
    return value if isinstance(value, list) else []


class Alert:
    """Renders and sends its mail, or a mail for each row, each time it is called. It blocks."""

    def __init__(self, entry: Entry, server: Server):
        """Compile what the entry says.

        Raises:
            ValueError: it has a mistake.
        """
        self.name, self.folder, self.server = entry.name, entry.loaded.folder, server
        self.spec = entry.spec
        self.texts = {key: self._template(key, entry.spec[key]) for key in TEXTS if entry.spec.get(key) is not None}
        self.condition: Callable[..., Any] | None = None
        for key in FILES:
            if entry.spec.get(key) is not None and not isinstance(entry.spec[key], str):
                raise EntryError(key, f"must be the path of a file, not {entry.spec[key]!r}")
        self.data = read_data(entry.spec.get("data"), self.folder)
        self.each = entry.spec.get("each")
        if self.each is not None and self.each not in [*self.data]:  # a list cannot be looked up
            known = ", ".join(self.data) or "nothing"
            raise EntryError("each", f"must be a name of data:, which has {known}; not {self.each!r}")
        if entry.spec.get("condition") is not None:
            from gramex.handlers.expression import compile_function

            names = ("data",) if self.data else ()
            self.condition = compile_function({"condition": entry.spec["condition"]}, names, "condition")

    def _template(self, key: str, text: Any) -> Any:
        from tornado.template import ParseError, Template

        if isinstance(text, (dict, list)):
            raise EntryError(key, f"must be text, not {text!r}")
        try:
            return Template(str(text), key, autoescape="xhtml_escape" if key.startswith("html") else None)
        except ParseError as error:
            raise EntryError(key, f"is no template: {error}") from None

    def __call__(self) -> None:
        """Send the mails, unless the condition says no. One that fails does not keep the others back.

        Raises:
            Exception: what the condition, a source of data or a template raises, and as `Mailer.mail`.
        """
        data = {name: load() for name, load in self.data.items()}
        if self.condition is not None and not (self.condition(data) if data else self.condition()):
            return
        names = {"name": self.name, "now": datetime.datetime.now().astimezone(), "data": data}
        if self.each is None:
            self._send(names)
        else:
            self._send_each(names, rows_of(data[self.each]))
        app_log.info("alert:%s: sent", self.name)

    def _send_each(self, names: dict[str, Any], rows: Iterable[tuple[Any, Any]]) -> None:
        failed: list[Exception] = []
        for index, row in rows:
            try:
                self._send({**names, "index": index, "row": row})
            except Exception as error:
                app_log.error("alert:%s: row %r: %s: %s", self.name, index, type(error).__name__, error)
                failed.append(error)
        if failed:
            raise failed[0]

    def _send(self, names: dict[str, Any]) -> None:
        templates = dict(self.texts)
        for key in FILES:
            if self.spec.get(key):
                file = self.folder / self._render(key, self.spec[key], names)
                templates[key.removesuffix("file")] = self._template(key, file.read_text(encoding="utf-8"))
        texts = {key: template.generate(**names).decode() for key, template in templates.items()}
        texts["subject"] = " ".join(texts.get("subject", "").split())  # a template's lines are for its reader
        if "markdown" in texts:
            import mistune

            texts["html"] = str(mistune.create_markdown(escape=False, plugins=["table", "url"])(texts.pop("markdown")))
        given = {key: self._rendered(key, self.spec[key], names) for key in ADDRESSES if self.spec.get(key)}
        attachments = self.spec.get("attachments") or []
        attachments = [attachments] if isinstance(attachments, (str, Mapping)) else attachments
        files = [
            self.folder / self._render("attachments", each, names) if isinstance(each, str) else each
            for each in attachments
        ]
        images = {
            key: self.folder / self._render("images", path, names)
            for key, path in (self.spec.get("images") or {}).items()
        }
        Mailer(self.server).mail(**given, **texts, attachments=files, images=images)

    def _rendered(self, key: str, value: Any, names: dict[str, Any]) -> Any:
        if isinstance(value, list):
            return [self._render(key, each, names) for each in value]
        return self._render(key, value, names)

    def _render(self, key: str, text: Any, names: dict[str, Any]) -> Any:
        return self._template(key, text).generate(**names).decode().strip() if is_template(text) else text


def read_data(spec: Any, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return what loads each source of an alert's ``data:``: a path, ``{url: PATH}``, ``{function: EXPRESSION}``, rows.

    Raises:
        EntryError: it has a mistake.
    """
    if spec is None:
        return {}
    if not isinstance(spec, Mapping):
        spec = {"data": spec}
    return {str(name): source(f"data: {name}", value, folder) for name, value in spec.items()}


def source(key: str, spec: Any, folder: Path) -> Callable[[], Any]:
    """Return what loads a source of data.

    Raises:
        EntryError: it has a mistake.
    """
    if isinstance(spec, list):
        return lambda: spec
    if isinstance(spec, str):
        spec = {"url": spec}
    if isinstance(spec, Mapping) and spec.get("function"):
        from gramex.handlers.expression import compile_function

        return compile_function(spec, ())
    if not isinstance(spec, Mapping) or not isinstance(spec.get("url"), str):
        raise EntryError("data", f"{key.partition(': ')[2]}: must be a file, a function or rows, not {spec!r}")
    if "://" in spec["url"]:
        raise EntryError("data", f"{key.partition(': ')[2]}: must be a file; read {spec['url']} in a function")
    from gramex import cache

    path, options = folder / spec["url"], {name: value for name, value in spec.items() if name != "url"}
    return lambda: cache.open(path, **options)


def rows_of(data: Any) -> Iterable[tuple[Any, Any]]:
    """Return the rows of data, and what each is called: number, key, or index of a DataFrame."""
    if hasattr(data, "iterrows"):
        return data.iterrows()
    return data.items() if isinstance(data, Mapping) else enumerate(data)
