"""FormHandler: answers with the rows of files and databases, filtered, sorted, grouped and paged by the URL."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tornado.web import HTTPError

from gramex.data.answers import Answers, version_of
from gramex.data.dataset import Dataset
from gramex.data.formats import Format, choose, disposition, encode, make_formats
from gramex.data.meta import meta_headers
from gramex.data.refused import Refused
from gramex.data.turns import computes, turns
from gramex.handlers.base import BaseHandler
from gramex.handlers.current import current_handler
from gramex.handlers.expression import compile_function
from gramex.handlers.formarguments import Arguments, dataset_arguments, first, request_arguments, with_defaults
from gramex.handlers.formsetup import common_defaults, make_datasets
from gramex.handlers.headers import checked_headers

if TYPE_CHECKING:
    from gramex.data.result import Result

app_log = logging.getLogger("gramex")


Metas = Mapping[str, Mapping[str, Any]]


class Asked(NamedTuple):
    """What a request asks of one dataset: its arguments, those that were sent, the SQL of its `queryfunction`.

    `state` is what its expression of that name returned, as text.
    """

    dataset: Dataset
    args: Arguments
    sent: Arguments
    sql: str
    state: str | None


class FormHandler(BaseHandler):
    """Answers GET with rows; POST, PUT and DELETE change them where the dataset has a key."""

    etag = ""  # of the body, where it is known
    shows_traceback = False  # it would hold SQL and data
    datasets: ClassVar[dict[str, Dataset]] = {}
    single: ClassVar[bool] = True
    formats: ClassVar[dict[str, Format]] = {}
    common: ClassVar[dict[str, list[Any]]] = {}
    answers: ClassVar[Answers]
    local: ClassVar[bool] = False  # whether reading is computing in this process
    modify: ClassVar[Callable[..., Any] | None] = None  # of several datasets

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take the datasets and the formats.

        Raises:
            ValueError: a key cannot be meant.
        """
        super().setup(**kwargs)
        place = cls.loaded.where("url", cls.name)
        where = f"{place}: url:{cls.name}" if place else f"url:{cls.name}"
        cls.datasets, cls.single = make_datasets(kwargs, cls.loaded.folder, where)
        cls.formats = make_formats(kwargs.get("formats"), checked_headers)
        cls.common = common_defaults(kwargs, cls.single)
        cls.answers = Answers()
        cls.local = all(map(computes, cls.datasets.values()))
        cls.modify = None
        if not cls.single and kwargs.get("modify"):
            cls.modify = staticmethod(compile_function(kwargs["modify"], ("data", "key", "handler"), "modify"))

    async def get(self, *path_args: str, **path_kwargs: str) -> None:
        """Send rows."""
        asked, args = await self.ask(path_args, path_kwargs)
        try:
            chosen = choose(self.formats, first(args, "_format"))
            counted = bool(first(args, "_meta")) or chosen.base == "template"
            if self.needs_frames(asked) or chosen.base == "template":
                from gramex.handlers.formframes import answer_frames

                metas, body = await answer_frames(self, asked, chosen, counted)
            else:
                metas, body, self.etag = await self.in_turn(self.read_and_encode, asked, chosen, counted)
        except Refused as error:
            raise HTTPError(error.status, "%s", error) from error
        self.set_own_headers()
        for name, value in chosen.headers.items():
            self.set_header(name, value) if value is not None else self.clear_header(name)
        if first(args, "_download"):
            self.set_header("Content-Disposition", disposition(first(args, "_download")))
        if first(args, "_meta"):
            for dataset, meta in metas.items():
                self.set_meta(dataset, meta)
        self.write(body)

    head = get

    async def post(self, *path_args: str, **path_kwargs: str) -> None:
        """Add rows."""
        await self.edit("POST", path_args, path_kwargs)

    async def put(self, *path_args: str, **path_kwargs: str) -> None:
        """Change rows."""
        await self.edit("PUT", path_args, path_kwargs)

    async def delete(self, *path_args: str, **path_kwargs: str) -> None:
        """Take rows away."""
        await self.edit("DELETE", path_args, path_kwargs)

    async def edit(self, method: str, path_args: Any, path_kwargs: Any) -> None:
        """Change rows, and send what was done."""
        from gramex.handlers.formedit import answer_edit

        await answer_edit(self, method, path_args, path_kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send an error page. It never shows what failed: SQL and its values, paths. The log has it."""
        if status_code not in self.error_pages:
            kwargs.pop("exc_info", None)
        super().write_error(status_code, **kwargs)

    def set_meta(self, dataset: str, meta: Mapping[str, Any]) -> None:
        """Set the headers that tell what was made of the arguments."""
        for name, value in meta_headers(dataset, meta).items():
            self.set_header(name, value)

    def needs_frames(self, asked: list[Asked]) -> bool:
        """True if a function of the app wants a DataFrame."""
        return self.modify is not None or any(each.dataset.function or each.dataset.modify for each in asked)

    def compute_etag(self) -> str | None:
        """Return the tag of the body, which may be known already."""
        return self.etag or super().compute_etag()

    def read_and_encode(self, asked: list[Asked], chosen: Format, counted: bool) -> tuple[Metas, bytes, str]:
        """Return what was made of the arguments, by dataset, the body and its tag. Blocks."""
        known = self.local or all(each.state is not None for each in asked)
        versions = [version_of(each.dataset, each.args, each.state) for each in asked] if known else [None]
        if None in versions:
            return self.read_anew(asked, chosen, counted)
        key = (chosen.name, counted, repr([(each.args, each.sql) for each in asked]))
        found = self.answers.get(key, versions)
        if found is None:
            found = self.read_anew(asked, chosen, counted)
            self.answers.put(key, versions, found, len(found[1]), any(each.dataset.state for each in asked))
        return found

    def read_anew(self, asked: list[Asked], chosen: Format, counted: bool) -> tuple[Metas, bytes, str]:
        """Return what was made of the arguments, by dataset, the body and its tag, from the data. Blocks."""
        results = self.read_all(asked, counted)
        body = encode(chosen, results, self.single)
        tag = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        return {name: each.meta for name, each in results.items()}, body, f'"{tag}"'

    def read_all(self, asked: list[Asked], counted: bool) -> dict[str, Result]:
        """Return the results by dataset. Blocks."""
        from gramex.data.reading import read

        return {each.dataset.name: read(each.dataset, each.args, counted, each.sql) for each in asked}

    async def ask(self, path_args: Any, path_kwargs: Any) -> tuple[list[Asked], Arguments]:
        """Return what is asked of each dataset, after defaults and functions, and the arguments of the whole answer."""
        args = request_arguments(self, path_args, path_kwargs)
        asked = []
        for name, dataset in self.datasets.items():
            if dataset.absent:
                raise HTTPError(501, "%s", dataset.absent)
            sent = args if self.single else dataset_arguments(args, name, self.datasets)
            own = await self.prepared(dataset, with_defaults(dict(sent), dataset.default, self.common))
            sql = ""
            if dataset.queryfunction is not None and self.request.method in ("GET", "HEAD"):
                sql = await self.call(dataset.queryfunction, own, dataset.name, self)
                if not isinstance(sql, str):
                    raise HTTPError(500, "queryfunction: must return SQL, not %r", sql)
            state = repr(await self.call(dataset.state, own, name, self)) if callable(dataset.state) else None
            asked.append(Asked(dataset, own, sent, sql, state))
        return asked, asked[0].args if self.single else with_defaults(dict(args), self.common)

    async def prepared(self, dataset: Dataset, args: Arguments) -> Arguments:
        """Return arguments after `prepare`, which may change them or return others."""
        if dataset.prepare is None:
            return args
        found = await self.call(dataset.prepare, args, dataset.name, self)
        if not isinstance(found, Mapping):
            found = args
        return {str(name): list(each) if isinstance(each, (list, tuple)) else [each] for name, each in found.items()}

    async def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call a function of the app, and await its result where that is awaitable."""
        current_handler.set(self)
        result = function(*values)
        return await result if inspect.isawaitable(result) else result

    async def in_turn(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call something that reads, without blocking others: in its turn where it computes."""
        if self.local:
            return await turns.take(self.services.executor, function, *values)
        return await self.in_thread(function, *values)

    async def in_thread(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call something that blocks, without blocking others."""
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        return await loop.run_in_executor(self.services.executor, context.run, function, *values)


class QueryHandler(FormHandler):
    """The name that FormHandler had for queries."""

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Set up as a FormHandler.

        Raises:
            ValueError: a key cannot be meant.
        """
        app_log.warning("url:%s: %s is an older name of FormHandler, which answers", cls.name, cls.__name__)
        super().setup(**kwargs)


class DataHandler(QueryHandler):
    """The name that FormHandler had for tables."""
