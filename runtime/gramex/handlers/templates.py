"""Compiled Tornado templates, kept until one of the files changes that they were made from."""

from __future__ import annotations

import datetime
import linecache
import os
import re
from typing import Any

from tornado.escape import json_encode, linkify, squeeze, url_escape, utf8, xhtml_escape
from tornado.template import BaseLoader, Template
from tornado.util import ObjectDict
from tornado.web import HTTPError

from gramex.handlers.staticfile import Signature, is_settled, signature

KEPT = 500  # templates; an app has fewer, and content that is made anew each time must not fill the memory


ESCAPE = "_gramex_escape"  # the name of `escape` in compiled templates
SPECIAL = re.compile(rb"[&<>\"']")


def escape(value: Any) -> Any:
    """Return what ``{{ }}`` prints, escaped for HTML: tornado's xhtml_escape, for the bytes that it is given there."""
    if type(value) is not bytes:
        return xhtml_escape(value)
    if SPECIAL.search(value) is None:
        return value
    value = value.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return value.replace(b'"', b"&quot;").replace(b"'", b"&#x27;")


def to_bytes(value: Any) -> Any:
    """Return text in UTF-8: tornado's utf8."""
    return value.encode() if type(value) is str else utf8(value)


class FastTemplate(Template):
    """A template whose names are looked up once, and whose escaping does not leave bytes."""

    def __init__(self, *args: Any, **kwargs: Any):
        """Compile as tornado does."""
        super().__init__(*args, **kwargs)
        self.base = {
            "escape": xhtml_escape,
            "xhtml_escape": xhtml_escape,
            "url_escape": url_escape,
            "json_encode": json_encode,
            "squeeze": squeeze,
            "linkify": linkify,
            "datetime": datetime,
            "_tt_utf8": to_bytes,
            "_tt_string_types": (str, bytes),
            ESCAPE: escape,
            # for the lines of a traceback
            "__name__": self.name.replace(".", "_"),
            "__loader__": ObjectDict(get_source=lambda name: self.code),
            **self.namespace,
        }

    def generate(self, **kwargs: Any) -> bytes:
        """Render with the given names."""
        namespace = {**self.base, **kwargs}
        exec(self.compiled, namespace)  # noqa: S102  the app's own template
        linecache.clearcache()
        return namespace["_tt_execute"]()


class FileLoader(BaseLoader):
    """Loads what a template includes or extends, relative to the file that names it, and notes each file."""

    def __init__(self, folder: str, **options: Any):
        """`folder` is that of the first template; `options` are those of tornado's loader."""
        super().__init__(**options)
        self.folder = folder
        self.files: dict[str, Signature | None] = {}

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the absolute path of a template that another one names."""
        folder = os.path.dirname(parent_path) if parent_path and os.path.isabs(parent_path) else self.folder
        return os.path.normpath(os.path.join(folder, name))

    def _create_template(self, name: str) -> Template:
        path = self.resolve_path(name)
        with open(path, "rb") as file:
            info = os.fstat(file.fileno())
            self.files[path] = signature(info) if is_settled(info) else None
            return FastTemplate(file.read(), name=path, loader=self)


class Compiled:
    """A template and the files that it includes or extends."""

    __slots__ = ("files", "source", "template")

    def __init__(self, source: bytes, path: str, folder: str, options: dict[str, Any]):
        """Compile `source`, the content of the file `path`.

        Raises:
            tornado.template.ParseError: it has a mistake.
            OSError: a file that it includes cannot be read.
        """
        loader = FileLoader(folder, **options)
        self.source = source
        self.template = FastTemplate(source, name=path, loader=loader)
        self.files = loader.files

    def is_current(self) -> bool:
        """True if no file that it includes has changed."""
        try:
            for path, known in self.files.items():
                if signature(os.stat(path)) != known:
                    return False
        except OSError:
            return False
        return True


compiled: dict[tuple[str, str, str], Compiled] = {}


def options(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the options of tornado's loader that the settings of the application ask for."""
    chosen: dict[str, Any] = {}
    autoescape = settings.get("autoescape", "xhtml_escape") or None
    chosen["autoescape"] = ESCAPE if autoescape in ("xhtml_escape", True) else autoescape
    if settings.get("template_whitespace"):
        chosen["whitespace"] = settings["template_whitespace"]
    return chosen


def compile_template(source: bytes, path: str, folder: str, settings: dict[str, Any]) -> Compiled:
    """Return the template for the content of a file; `folder` is where relative includes begin.

    Raises:
        tornado.template.ParseError, OSError: as Compiled does.
    """
    chosen = options(settings)
    key = (path, folder, str(chosen))
    found = compiled.get(key)
    if found is None or source != found.source or not found.is_current():
        found = Compiled(source, path, folder, chosen)
        if len(compiled) >= KEPT:
            compiled.clear()
        compiled[key] = found
    return found


def get_template(source: bytes, path: str, folder: str, settings: dict[str, Any]) -> Template:
    """Return the template for the content of a file, as `compile_template` does."""
    return compile_template(source, path, folder, settings).template


class TemplateFiles:
    """The templates of one application by file: a file that did not change is not read again."""

    def __init__(self, settings: dict[str, Any]):
        """Take the settings of the application."""
        self.settings = settings
        self.known: dict[str, tuple[Signature, Compiled]] = {}

    def get(self, path: str, info: os.stat_result) -> Template:
        """Return the template in a file; `info` is the file's present state.

        Raises:
            tornado.template.ParseError: it has a mistake.
            OSError: a file that it includes cannot be read.
            HTTPError: it cannot be read itself; 404, it has just gone.
        """
        found = self.known.get(path)
        if found is not None and found[0] == signature(info) and found[1].is_current():
            return found[1].template
        try:
            with open(path, "rb") as file:
                info, source = os.fstat(file.fileno()), file.read()
        except OSError as error:
            raise HTTPError(403 if isinstance(error, PermissionError) else 404) from None
        template = compile_template(source, path, os.path.dirname(path), self.settings)
        if is_settled(info):
            if len(self.known) >= KEPT:
                self.known.clear()
            self.known[path] = (signature(info), template)
        return template.template


def render_text(content: Any, handler: Any, kwargs: dict[str, Any]) -> bytes:
    """Return `content` rendered as a template; `handler` may be None: the template then sees `kwargs` only.

    Raises:
        Exception: what the template raises.
    """
    source = content if isinstance(content, bytes) else str(content).encode()
    path = getattr(handler, "template_file", None) or ""
    settings = handler.application.settings if handler is not None else {}
    template = get_template(source, path or "<template>", os.path.dirname(path) or os.getcwd(), settings)
    if handler is None:
        return template.generate(**kwargs)
    namespace = handler.get_template_namespace()
    namespace.update(kwargs)
    return template.generate(**namespace)
