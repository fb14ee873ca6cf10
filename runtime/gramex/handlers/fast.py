"""Answers plain requests for plain files without a handler.

Which file a URL means, and whether it may be served, is decided by FileHandler's own functions. Only entries are
answered here whose handler would do nothing else: no auth, no other step that could refuse or change a GET.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPHeaders, responses
from tornado.web import HTTPError

from gramex.handlers.answer import Answer
from gramex.handlers.compression import accepts_gzip
from gramex.handlers.conditional import is_not_modified
from gramex.handlers.error import error_page
from gramex.handlers.filehandler import FileHandler
from gramex.handlers.patterns import CACHED_LENGTH, Match
from gramex.handlers.request import is_usual_host
from gramex.handlers.staticfile import FileCache, StaticFile, header_block

if TYPE_CHECKING:
    from gramex.handlers.application import Application

# A request with one of these needs a handler.
DEMANDING = frozenset(
    [
        "Content-Length",
        "Expect",
        "If-Match",
        "If-Unmodified-Since",
        "Range",
        "Transfer-Encoding",
        "Upgrade",
        "X-Gramex-User",
        "X-Http-Method-Override",
    ]
)
DEMANDED = 4096  # paths that are known to need a handler
# Steps that do nothing in a GET without those headers.
IDLE_STEPS = frozenset(["override", "xsrf", "user"])


def is_plain(cls: Any) -> bool:
    """True if nothing but the file decides what an entry answers to a plain GET."""
    return (
        cls.__mro__[1] is FileHandler
        and IDLE_STEPS.issuperset(cls.named_steps)
        and not cls.kwargs.get("set_xsrf")
        and cls.source.mapped is None
        and not cls.source.is_list
    )


def plain_query(query: str) -> bool:
    """True for a query that cannot change what is answered: no argument of it overrides the method."""
    return len(query) < 500 and "%" not in query and "override" not in query.lower()


class FastFiles:
    """The plain files of an application."""

    def __init__(self, application: Application):
        """Answers are kept in `application.files`, by the path of their URL."""
        self.application = application
        self.cache: FileCache = application.files
        self.compressed = bool(application.settings.get("compress_response"))
        self.plain: dict[type, bool] = {}
        self.errors: dict[tuple[type, int], bytes] = {}
        self.demanding: set[str] = set()  # paths that needed a handler: a handler is always right

    def choose(self, connection: Any, start_line: Any, headers: HTTPHeaders, ip: str, protocol: str) -> Answer | None:
        """Return the answer to a request, None if it needs a handler."""
        method, uri, version = start_line
        if version != "HTTP/1.1" or (method != "GET" and method != "HEAD") or not DEMANDING.isdisjoint(headers):
            return None
        path, _, query = uri.partition("?")
        if path in self.demanding:
            return None
        if (query and not plain_query(query)) or not is_usual_host(headers.get("Host", "")):
            return None
        file = self.cache.get(path)
        if file is None:
            match = self.application.router.find(path)
            if match is None or not self._is_plain(match.target):
                self._leave(path)
                return None
            try:
                file = self._find(path, match)
            except HTTPError as error:
                return self._error(connection, start_line, headers, ip, protocol, match.target, error)
            if file is None:
                self._leave(path)
                return None
            if len(path) <= CACHED_LENGTH:
                self.cache.put(path, file)
        answer = Answer(self.application, connection, start_line, headers, ip, protocol, file.entry)
        packed = False
        if (
            self.compressed
            and (file.gzip is not None or file.huge)
            and accepts_gzip(headers.get("Accept-Encoding", ""))
        ):
            if file.huge:
                return None
            packed = True
        if ("If-None-Match" in headers or "If-Modified-Since" in headers) and is_not_modified(
            headers, file.etag, file.modified
        ):
            answer.status = 304
            answer.block, answer.body = file.block(304, packed, self.compressed), b""
            return answer
        answer.block = file.block(200, packed, self.compressed)
        if method == "HEAD":
            answer.body = b""
        elif packed:
            answer.body = file.gzip
        else:
            answer.body, answer.file = file.whole, file
        return answer

    def _leave(self, path: str) -> None:
        """Note that a path needs a handler."""
        if len(self.demanding) >= DEMANDED:
            self.demanding.clear()
        if len(path) <= CACHED_LENGTH:
            self.demanding.add(path)

    def _is_plain(self, cls: Any) -> bool:
        found = self.plain.get(cls)
        if found is None:
            found = self.plain[cls] = issubclass(cls, FileHandler) and is_plain(cls)
        return found

    def _find(self, path: str, match: Match) -> StaticFile | None:
        """Return the file that a URL means, None if a handler has more to do than to send it.

        Raises:
            HTTPError: there is none, or it is refused.
        """
        cls: Any = match.target
        try:
            group = next((each for each in (*match.args, *match.kwargs.values()) if each is not None), b"").decode()
        except UnicodeDecodeError:
            return None
        found = cls.source.find(group, lambda name: None, cls.rules, cls.links)[0]
        folder = None
        if found.is_folder:
            default = cls.default_file(found) if path.endswith("/") else None
            if default is None:
                return None
            folder, found = found, default
        if cls.transform_for(found) is not None:
            return None
        file: StaticFile = cls.prepare_file(found)
        file.entry = cls
        if folder is not None:
            file.depend_on(folder.path, folder.stat)
        return file

    def _error(
        self, connection: Any, start_line: Any, headers: HTTPHeaders, ip: str, protocol: str, cls: Any, error: HTTPError
    ) -> Answer | None:
        """Return the answer with a built-in error page, None if the entry has a page of its own."""
        status = error.status_code
        if status in cls.error_pages:
            return None
        page = error_page(status, responses[status])
        block = self.errors.get((cls, status))
        if block is None:
            page_headers = {"Content-Type": "text/html; charset=UTF-8", "Content-Length": str(len(page))}
            if self.compressed:
                page_headers["Vary"] = "Accept-Encoding"
            block = self.errors[cls, status] = header_block(status, cls.base_headers, page_headers)
        answer = Answer(self.application, connection, start_line, headers, ip, protocol, cls)
        answer.status, answer.error, answer.block = status, error, block
        answer.body = page if start_line[0] == "GET" else b""
        return answer
