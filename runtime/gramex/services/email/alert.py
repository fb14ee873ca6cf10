"""Reads the entries of ``alert:``: mail that is sent by a schedule."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping
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
TEXTS = ("subject", "body", "html")
FILES = ("bodyfile", "htmlfile")
KNOWN = ("service", *ADDRESSES, *TEXTS, *FILES, "attachments", "images", "condition", *FIELDS)


def read_alerts(loaded: Loaded, old: Mapping[str, Task]) -> dict[str, Task]:
    """Return the tasks of ``alert:`` by their labels; those of `old` that are the same, as they are.

    Mistakes are logged, and cost their entries.
    """
    servers = read_servers(loaded)
    made = read_entries(loaded, "alert", lambda entry: make_alert(entry, servers, old))
    return {task.label: task for task in made.values()}


def make_alert(entry: Entry, servers: Mapping[str, Server], old: Mapping[str, Task]) -> Task:
    """Return the task of an entry.

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
            addresses(key, entry.spec.get(key))
        except ValueError as error:
            raise EntryError(key, str(error).removeprefix(f"{key}: ")) from None
    if not any(entry.spec.get(key) for key in RECIPIENTS):
        raise EntryError("", "has no recipients: give to, cc or bcc")
    timer, startup, _ = read_timer(entry)
    return Task(entry.label, spec, Alert(entry, servers[name]), timer, startup, thread=True)


class Alert:
    """Renders and sends one mail each time it is called. It blocks."""

    def __init__(self, entry: Entry, server: Server):
        """Compile what the entry says.

        Raises:
            ValueError: it has a mistake.
        """
        self.name, self.folder, self.server = entry.name, entry.loaded.folder, server
        self.spec = entry.spec
        self.texts = {key: self._template(key, entry.spec[key]) for key in TEXTS if entry.spec.get(key) is not None}
        self.condition: Callable[[], Any] | None = None
        for key in FILES:
            if entry.spec.get(key) is not None and not isinstance(entry.spec[key], str):
                raise EntryError(key, f"must be the path of a file, not {entry.spec[key]!r}")
        if entry.spec.get("condition") is not None:
            from gramex.handlers.expression import compile_function

            self.condition = compile_function({"condition": entry.spec["condition"]}, (), "condition")

    def _template(self, key: str, text: Any) -> Any:
        from tornado.template import ParseError, Template

        if isinstance(text, (dict, list)):
            raise EntryError(key, f"must be text, not {text!r}")
        try:
            return Template(str(text), key, autoescape="xhtml_escape" if key.startswith("html") else None)
        except ParseError as error:
            raise EntryError(key, f"is no template: {error}") from None

    def __call__(self) -> None:
        """Send the mail, unless the condition says no.

        Raises:
            Exception: what the condition or a template raises, and as `Mailer.mail`.
        """
        if self.condition is not None and not self.condition():
            return
        templates = dict(self.texts)
        for key in FILES:
            if self.spec.get(key):
                file = self.folder / self.spec[key]
                templates[key.removesuffix("file")] = self._template(key, file.read_text(encoding="utf-8"))
        names = {"name": self.name, "now": datetime.datetime.now().astimezone()}
        texts = {key: template.generate(**names).decode() for key, template in templates.items()}
        texts["subject"] = " ".join(texts.get("subject", "").split())  # a template's lines are for its reader
        given = {key: self.spec[key] for key in ADDRESSES if self.spec.get(key)}
        attachments = self.spec.get("attachments") or []
        attachments = [attachments] if isinstance(attachments, (str, Mapping)) else attachments
        files = [self.folder / each if isinstance(each, str) else each for each in attachments]
        images = {key: self.folder / path for key, path in (self.spec.get("images") or {}).items()}
        Mailer(self.server).mail(**given, **texts, attachments=files, images=images)
        app_log.info("alert:%s: sent", self.name)
