"""UploadHandler: stores files that people send, lists and removes them."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tornado.web import HTTPError

from gramex.handlers.base import BaseHandler
from gramex.handlers.contenttype import ContentTypes
from gramex.handlers.methods import parse_methods
from gramex.handlers.results import encode
from gramex.handlers.uploadfolder import MODES, UploadFolder

KEYS = ("file", "save", "delete")  # fields of the form, by what they are for


class UploadHandler(BaseHandler):
    """Answers POST with JSON about what was stored and removed, GET with the list of files if ``methods:`` has it."""

    folder: ClassVar[UploadFolder]
    fields: ClassVar[dict[str, list[str]]] = {}
    types: ClassVar[ContentTypes]

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``path``, ``keys``, ``if_exists`` and ``methods``.

        Raises:
            ValueError: a key cannot be meant.
        """
        methods = {"POST"} | (parse_methods(kwargs.get("methods")) or set())
        if "GET" in methods:
            methods.add("HEAD")
        super().setup(**{**kwargs, "methods": sorted(methods)})
        path, if_exists = kwargs.get("path"), kwargs.get("if_exists", "unique")
        if not isinstance(path, str) or not path or "\0" in path:
            raise ValueError(f"path: must be the folder for the files, such as $GRAMEXDATA/uploads, not {path!r}")
        if if_exists not in MODES:
            raise ValueError(f"if_exists: must be one of {', '.join(MODES)}, not {if_exists!r}")
        cls.fields = parse_keys(kwargs.get("keys"))
        cls.types = ContentTypes(cls.loaded.conf.get("mime"))
        try:
            cls.folder = UploadFolder(cls.loaded.folder / path, if_exists)
        except OSError as error:
            raise ValueError(f"path: {path} cannot be made: {error.strerror}") from None

    async def post(self, *path_args: str, **path_kwargs: str) -> None:
        """Store the files of the form, then remove those that it names."""
        files, delete = self.sent_files(), self.values("delete")
        saved = await self.in_thread(self.folder.save, files) if files else []
        deleted = await self.in_thread(self.folder.delete, delete) if delete else []
        self.set_own_headers()
        if self.redirect_rules:
            self.redirect(self.next_url() or self.outer_path("/"))
            return
        self.set_header("Content-Type", "application/json")
        self.write(encode({"upload": saved, "delete": deleted}))

    async def get(self, *path_args: str, **path_kwargs: str) -> None:
        """Send what is known of the files, by their keys."""
        found = await self.in_thread(self.folder.files)
        self.set_own_headers()
        self.set_header("Content-Type", "application/json")
        self.write(encode(found))

    head = get

    def values(self, purpose: str) -> list[str]:
        """Return the values of the form's fields for a purpose, those that are not empty."""
        return [value for field in self.fields[purpose] for value in self.args.get(field, ()) if value]

    def sent_files(self) -> list[tuple[str, bytes, dict[str, Any]]]:
        """Return the files of the form as (name to store, content, what is known)."""
        user = self.peek_user()
        data = {name: values for name, values in self.args.items() if name != "_xsrf"}
        names = [value for field in self.fields["save"] for value in self.args.get(field, ())]
        found = []
        for field in self.fields["file"]:
            for sent in self.request.files.get(field, ()):
                name = (names.pop(0) if names else "") or sent["filename"]
                mime = sent["content_type"]
                if not mime or mime == "application/unknown":
                    mime = self.types.of(name).partition(";")[0]
                meta = {"filename": sent["filename"], "file": name, "key": name, "size": len(sent["body"])}
                found.append((name, sent["body"], {**meta, "mime": mime, "created": 0, "user": user, "data": data}))
        # The list is written by another thread, and must not see what happens to the session meanwhile.
        return [(name, body, json.loads(encode(meta))) for name, body, meta in found]

    async def in_thread(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call something that blocks, without blocking others.

        Raises:
            HTTPError: 400, a path is too long for the file system; 507, the disk is full; 500, something else fails.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.services.executor, function, *values)
        except sqlite3.Error as error:
            raise HTTPError(500, "upload: the list of files in %s: %s", self.folder.path, error) from error
        except OSError as error:
            status = {errno.ENAMETOOLONG: 400, errno.ENOSPC: 507, getattr(errno, "EDQUOT", -1): 507}.get(
                error.errno or 0, 500
            )
            raise HTTPError(status, "upload: %s", error) from error


def parse_keys(keys: Any) -> dict[str, list[str]]:
    """Return the fields of the form for each of KEYS.

    Raises:
        ValueError: they cannot be meant.
    """
    if keys is not None and (not isinstance(keys, Mapping) or not set(keys) <= set(KEYS)):
        raise ValueError(f"keys: must be a mapping such as {{file: photo}}; known are {', '.join(KEYS)}, not {keys!r}")
    found = {}
    for purpose in KEYS:
        names = (keys or {}).get(purpose, purpose)
        found[purpose] = [names] if isinstance(names, str) else names
        if not isinstance(found[purpose], list) or not all(isinstance(name, str) and name for name in found[purpose]):
            raise ValueError(f"keys.{purpose}: must be the name of a field, or a list of names, not {names!r}")
    return found
