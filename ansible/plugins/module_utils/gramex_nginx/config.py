"""Read an nginx configuration as nginx does, includes followed, to find what other people serve.

Reading beats ``nginx -T`` here: it also works while the configuration is broken, and it keeps file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from glob import glob
from pathlib import Path

OWN = "gramex-*.conf"  # our files in conf.d
FIRST = "gramex-http.conf"  # the first of them in the order of reading
DEEPEST = 20  # includes in includes; a file that includes itself ends here

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>\#[^\n]*)|(?P<mark>[{};])
    |"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'
    |(?P<word>(?:\$\{[^}]*\}|\\.|[^\s{};])+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Directive:
    """One directive: name, arguments, place, and its block's directives where it has a block."""

    name: str
    args: list[str]
    file: str
    line: int
    block: list[Directive] | None = None


@dataclass
class Server:
    """One ``server`` block that is not ours.

    listens: ``ADDRESS:PORT`` -> whether it says ``default_server``; ``*`` and ``[::]`` are the wildcards.
    before: read before our files, so that it is the default of its addresses even if it does not say so.
    """

    where: str
    listens: dict[str, bool] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    dual: bool = False  # one of its IPv6 sockets takes IPv4 as well (ipv6only=off)
    before: bool = False


@dataclass
class Foreign:
    """What the configuration holds besides our files and the ignored ones."""

    servers: list[Server] = field(default_factory=list)
    http: dict[str, str] = field(default_factory=dict)  # directive of the http level -> FILE:LINE
    main: dict[str, list[str]] = field(default_factory=dict)  # directive of the main level -> its arguments
    included: bool = False  # are our files in conf.d read at all?


def parse(text: str, file: str) -> list[Directive]:
    """Return the directives of `text`. Never raises: what cannot be understood is left out, ``nginx -t`` judges."""
    top: list[Directive] = []
    stack = [top]
    words: list[str] = []
    line, first = 1, 1
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup, match.group()
        if kind in ("word", "single", "double"):
            if not words:
                first = line
            words.append(value if kind == "word" else re.sub(r"\\(.)", r"\1", match.group(kind)))
        elif kind == "mark":
            if words and value in "{;":
                directive = Directive(words[0], words[1:], file, first, [] if value == "{" else None)
                stack[-1].append(directive)
                if directive.block is not None:
                    stack.append(directive.block)
            elif value == "}" and len(stack) > 1:
                stack.pop()
            words = []
        line += value.count("\n")
    return top


def address(text: str) -> str:
    """Return ``ADDRESS:PORT`` for the first argument of ``listen``; '' for a UNIX socket."""
    if text.startswith("unix:"):
        return ""
    if text.isdigit():
        return f"*:{int(text)}"
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "80"
    return f"{'*' if host in ('', '*', '0.0.0.0') else host.lower()}:{port}"  # noqa: S104 -- compared, not bound


def _expand(pattern: str, folder: Path) -> list[Path]:
    """Files of an ``include`` in nginx's order, our first file counted in even before it exists."""
    path = folder / pattern  # an absolute pattern stays as it is
    found = {Path(name) for name in glob(str(path))}  # noqa: PTH207 -- pathlib refuses absolute patterns
    ours = folder / "conf.d" / FIRST
    if fnmatch(str(ours), str(path)):
        found.add(ours)
    return sorted(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # nginx -t says so


class _Reader:
    def __init__(self, folder: Path, ignored: set[Path]) -> None:
        self.folder, self.ignored, self.found = folder, ignored, Foreign()
        self.depth = 0

    def read(self, path: Path, level: str) -> None:
        if path.parent == self.folder / "conf.d" and fnmatch(path.name, OWN):
            self.found.included = True
            return
        if path in self.ignored or self.depth > DEEPEST:
            return
        self.depth += 1
        self.walk(parse(_text(path), str(path)), level)
        self.depth -= 1

    def walk(self, directives: list[Directive], level: str) -> None:
        for item in directives:
            if item.name == "include" and item.args:
                for path in _expand(item.args[0], self.folder):
                    self.read(path, level)
            elif level == "main" and item.name == "http" and item.block is not None:
                self.walk(item.block, "http")
            elif level == "http" and item.name == "server" and item.block is not None:
                self.found.servers.append(self.server(item))
            elif level == "http":
                self.found.http.setdefault(item.name, f"{item.file}:{item.line}")
            elif level == "main":
                self.found.main.setdefault(item.name, item.args)

    def server(self, item: Directive) -> Server:
        server = Server(f"{item.file}:{item.line}", before=not self.found.included)
        for inner in self.flat(item.block or []):
            if inner.name == "listen" and inner.args:
                key = address(inner.args[0])
                if key:
                    default = any(arg in ("default_server", "default") for arg in inner.args[1:])
                    server.listens[key] = server.listens.get(key, False) or default
                    server.dual = server.dual or "ipv6only=off" in inner.args
            elif inner.name == "server_name":
                server.names += [name.lower() for name in inner.args]
        if not server.listens and not any(inner.name == "listen" for inner in item.block or []):
            server.listens["*:80"] = False
        return server

    def flat(self, directives: list[Directive]) -> list[Directive]:
        """Directives of a server block, includes followed."""
        found = []
        for item in directives:
            if item.name == "include" and item.args:
                for path in _expand(item.args[0], self.folder):
                    found += parse(_text(path), str(path))
            else:
                found.append(item)
        return found


def foreign(folder: Path, ignored: Iterable[Path] = ()) -> Foreign:
    """Return what `folder`/nginx.conf holds besides our files and the paths in `ignored`."""
    reader = _Reader(folder, set(ignored))
    reader.read(folder / "nginx.conf", "main")
    return reader.found


def defaults(servers: list[Server], wanted: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Say who answers unknown names on the `wanted` addresses.

    Returns (kept, displaced), both address -> FILE:LINE. Kept: another server says ``default_server`` or is read before
    our files, so it stays the default. Displaced: it was the default only by being first, and ours are read before it.
    """
    kept: dict[str, str] = {}
    displaced: dict[str, str] = {}
    for key in wanted:
        here = [server for server in servers if key in server.listens]
        explicit = [server.where for server in here if server.listens[key]]
        earlier = [server.where for server in here if server.before]
        if explicit or earlier:
            kept[key] = (explicit or earlier)[0]
        elif here:
            displaced[key] = here[0].where
    return kept, displaced
