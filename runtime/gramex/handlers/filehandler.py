"""FileHandler: serves files, folders, templates and transformed files."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, ClassVar

from tornado.web import HTTPError

from gramex.handlers.base import BaseHandler
from gramex.handlers.clock import clock
from gramex.handlers.conditional import Part, is_failed, is_not_modified, wanted_part
from gramex.handlers.contenttype import ContentTypes
from gramex.handlers.current import current_handler
from gramex.handlers.fileheaders import FileHeaders
from gramex.handlers.filesource import FileSource
from gramex.handlers.globs import as_globs
from gramex.handlers.listing import listing
from gramex.handlers.paths import Found, Place, locate
from gramex.handlers.patterns import group_count
from gramex.handlers.results import as_bytes
from gramex.handlers.rules import Rules
from gramex.handlers.staticfile import FileChangedError, StaticFile
from gramex.handlers.transform import Transform, parse_transforms

app_log = logging.getLogger("gramex")

CHUNK = 256 * 1024  # bytes of a large file that are read and sent at a time


class FileHandler(BaseHandler):
    """Answers every method with a file."""

    uses_session = False  # send_changed may: `get` sees to it

    source: ClassVar[FileSource]
    rules: ClassVar[Rules]
    links: ClassVar[list[str]]
    types: ClassVar[ContentTypes]
    file_headers: ClassVar[FileHeaders]
    transforms: ClassVar[list[Transform]]
    default_filenames: ClassVar[list[str]]
    index: ClassVar[bool]
    index_template: ClassVar[Path | None]
    # The file that a template is being made from, for what it includes.
    template_file: str = ""

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take the keys of a FileHandler.

        Raises:
            ValueError: one of them cannot be.
        """
        super().setup(**kwargs)
        conf, start = cls.loaded.conf, cls.loaded.folder
        groups = group_count(cls.conf.get("pattern", ""))
        if "path" not in kwargs:
            raise ValueError("path: is missing; it says which file or folder to serve")
        cls.source = FileSource(kwargs["path"], kwargs.get("default"), start, groups > 0)
        cls.rules = Rules(as_globs(kwargs.get("ignore"), "ignore"), as_globs(kwargs.get("allow"), "allow"), str(start))
        # Data that survive releases are linked into a release from there: see `shared:` of gramex_apps.
        cls.links = [os.path.realpath(cls.services.data / "data")]
        cls.types = ContentTypes(conf.get("mime"))
        cls.file_headers = FileHeaders(kwargs.get("headers"))
        cls.own_headers = {}
        cls.transforms = parse_transforms(kwargs.get("template"), kwargs.get("transform"))
        cls.default_filenames = as_globs(kwargs.get("default_filename"), "default_filename")
        cls.index = bool(kwargs.get("index"))
        template = kwargs.get("index_template")
        cls.index_template = start / str(template) if template else None

    @classmethod
    def transform_for(cls, found: Found) -> Transform | None:
        """Return the first transform whose globs match a file."""
        if not cls.transforms:
            return None
        names = cls.names(found)
        return next((each for each in cls.transforms if each.globs.match(*names)), None)

    @classmethod
    def default_file(cls, folder: Found) -> Found | None:
        """Return the first default file that is there and may be served."""
        for name in cls.default_filenames:
            try:
                found = locate(Place(folder.root, f"{folder.relative}/{name}"), cls.rules, cls.links)
            except HTTPError as error:
                if error.status_code == 403:
                    raise
                continue
            if not found.is_folder:
                return found
        return None

    @classmethod
    def prepare_file(cls, found: Found) -> StaticFile:
        """Read a file that is sent as it is.

        Raises:
            HTTPError: 403, it cannot be read; 404, it has just gone.
        """
        name = os.path.basename(found.path)
        headers = {"Content-Type": cls.types.of(name), **cls.file_headers.of(*cls.names(found))}
        for _ in range(3):  # a file that is being written is looked at again
            try:
                return StaticFile(found.path, found.stat, headers, cls.base_headers)
            except FileChangedError:
                try:
                    found = found._replace(stat=os.stat(found.path))
                except OSError:
                    break
            except PermissionError:
                raise HTTPError(403) from None
            except OSError:
                break
        raise HTTPError(404)

    def static_file(self, found: Found) -> StaticFile:
        """Return a file that is sent as it is, from memory if it has not changed.

        Raises:
            HTTPError: as prepare_file.
        """
        key = (type(self), found.path)
        file = self.application.files.get(key)
        if file is None:
            file = self.prepare_file(found)
            self.application.files.put(key, file)
        return file

    def group(self) -> str:
        """Return the first group of the URL's pattern, '' if there is none."""
        groups = self.path_args or [*self.path_kwargs.values()]
        return next((group for group in groups if group is not None), "")

    async def get(self, *path_args: str, **path_kwargs: str) -> None:
        """Answer with the file, folder or files that the URL means."""
        found = self.source.find(
            self.group(), lambda name: self.get_arg(name, None, first=True), self.rules, self.links
        )
        if len(found) == 1 and found[0].is_folder:
            folder = found[0]
            default = self.default_file(folder)
            if default is None and not self.index:
                raise HTTPError(404)
            if not self.request.path.endswith("/") and self.slash_leads_here(folder):
                self.redirect_to_slash()
                return
            if default is None:
                self.write_listing(folder)
                return
            found = [default]
        if any(each.is_folder for each in found):
            raise HTTPError(404)
        if not self.source.is_list and self.transform_for(found[0]) is None:
            await self.send_static(self.static_file(found[0]))
        else:
            await self.load_session()  # templates may show it
            await self.send_changed(found)

    head = post = put = delete = patch = options = get

    @classmethod
    def names(cls, found: Found) -> tuple[str, str]:
        """Return what globs of headers and transforms look at: a path below a served folder, and where that is."""
        return found.relative or os.path.basename(found.path), cls.rules.below(found.root)

    def slash_leads_here(self, folder: Found) -> bool:
        """True if the URL with a final slash is that of the folder. A pattern without a group may not match it."""
        path = self.request.path + "/"
        if self.application.router.matches(type(self), path):
            return True  # also where an entry of higher precedence, the home page of an app, has that URL
        match = self.application.router.find(path)
        if match is None or not issubclass(match.target, FileHandler):
            return False
        try:
            groups = [*match.args, *match.kwargs.values()]
            text = next((group for group in groups if group is not None), b"").decode()
            other = match.target.source.find(text, lambda name: None, match.target.rules, match.target.links)
        except (HTTPError, UnicodeDecodeError):
            return False
        return len(other) == 1 and os.path.samestat(other[0].stat, folder.stat)

    def redirect_to_slash(self) -> None:
        """Send the visitor to the folder's own URL, where relative links work."""
        path, question, query = self.outer_uri.partition("?")
        # "//host" would be another site
        self.redirect("/" + path.strip("/") + "/" + question + query, permanent=True)

    def write_listing(self, folder: Found) -> None:
        """Write the list of a folder's files.

        Raises:
            HTTPError: 403, the folder cannot be read.
        """
        try:
            page = listing(folder, self.shown_path(), self.rules, self.links, self.index_template)
        except PermissionError:
            raise HTTPError(403) from None
        self.write_headers_for(folder.relative, "")
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.write(page)

    def write_headers_for(self, relative: str, below: str) -> None:
        """Set the headers that the configuration gives a file."""
        for name, value in self.file_headers.of(relative, below).items():
            self.set_header(name, value)

    async def send_changed(self, found: list[Found]) -> None:
        """Send a transformed file, or several files joined."""
        current_handler.set(self)
        parts: list[bytes] = []
        first = os.path.basename(found[0].path)
        changed = self.transform_for(found[0]) is not None
        self.set_header("Content-Type", self.types.of_page(first) if changed else self.types.of(first))
        self.set_header("Last-Modified", clock.of(max(int(each.stat.st_mtime) for each in found)))
        for each in found:
            self.write_headers_for(*self.names(each))
            transform = self.transform_for(each)
            if transform is not None and transform.is_template:
                template = self.application.templates.get(each.path, each.stat)
                parts.append(template.generate(**self.get_template_namespace()))
                continue
            content = read_file(each.path)
            if transform is None:
                parts.append(content)
                continue
            self.template_file = each.path
            for name, value in transform.headers.items():
                self.set_header(name, value) if value is not None else self.clear_header(name)
            parts.append(as_bytes(await transform.apply(content, self)))
        body = b"".join(parts)
        if body and not self._finished:  # what is empty must not be written: it would be the body of a 204
            self.write(body)

    async def send_static(self, file: StaticFile) -> None:
        """Send a file as it is: whole, a part of it, or "not modified"."""
        request = self.request
        is_read = request.method in ("GET", "HEAD")
        if is_read and is_failed(request.headers, file.etag, file.modified):
            raise HTTPError(412)
        for name, value in file.headers.items():
            self.set_header(name, value)
        if not is_read:
            part: Part | bool | None = None
        elif is_not_modified(request.headers, file.etag, file.modified):
            self.set_status(304)
            self.clear_header("Accept-Ranges")
            return
        else:
            part = wanted_part(request.headers, file.size, file.etag, file.modified)
        if part is False:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{file.size}")
            self.clear_header("Etag")
            self.write(b"")
            return
        start, stop = 0, file.size
        if isinstance(part, Part):
            start, stop = part
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{stop - 1}/{file.size}")
        if file.whole is not None:
            self.write(file.whole[start:stop])
            return
        self.set_header("Content-Length", str(stop - start))
        if request.method != "HEAD":
            await self.send_stream(file.path, start, stop)

    async def send_stream(self, path: str, start: int, stop: int) -> None:
        """Send bytes of a large file in parts; a slow reader holds up nobody, and costs one part of memory."""
        with open(path, "rb", buffering=0) as file:  # noqa: ASYNC230  the page cache answers, as in tornado
            file.seek(start)
            while start < stop:
                data = file.read(min(CHUNK, stop - start))
                if not data:
                    # The file is shorter than we said: only a broken connection tells the client.
                    app_log.warning("url:%s: %s became shorter while it was sent", self.name, path)
                    self.request.connection.stream.close()  # type: ignore[union-attr]
                    return
                start += len(data)
                self.write(data)
                await self.flush()


def read_file(path: str) -> bytes:
    """Return the content of a file that is to be changed, and so is small.

    Raises:
        HTTPError: 403, it cannot be read; 404, it has just gone.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise HTTPError(403 if isinstance(error, PermissionError) else 404) from None
