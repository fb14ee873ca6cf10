"""Answers of a FormHandler that pass through the app: templates, and functions that want DataFrames of pandas."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from gramex.data.dataset import SQL
from gramex.data.formats import Format, encode
from gramex.data.frames import frame_of, result_of_frame, rows_of_frame
from gramex.data.result import Result
from gramex.handlers.current import current_handler
from gramex.handlers.results import as_bytes

if TYPE_CHECKING:
    from gramex.handlers.formhandler import Asked, FormHandler


async def answer_frames(
    handler: FormHandler, asked: list[Asked], chosen: Format, counted: bool
) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Return what was made of the arguments, by dataset, and the body, after the app's functions.

    Raises:
        Refused: 501, pandas is needed and is not installed.
    """
    results: dict[str, Result] = {}
    frames: dict[str, Any] = {}  # what functions made, with the types of its columns
    body: Any = None
    for each in asked:
        found = await handler.in_thread(read_one, handler, each, counted)
        if each.dataset.is_query and not found.rows:
            found.kinds = [""] * len(found.names)  # they are those of the values, of which there are none
        if each.dataset.modify is not None:
            frame = await handler.in_thread(frame_of, found, "modify")
            changed = await call_in_thread(handler, each.dataset.modify, frame, each.dataset.name, handler)
            if isinstance(changed, (str, bytes)):
                body = changed
            else:
                frames[each.dataset.name] = changed
                found = await handler.in_thread(result_of_frame, changed, found, "modify")
        results[each.dataset.name] = found
    metas = {name: found.meta for name, found in results.items()}
    single = handler.single
    if type(handler).modify is not None:
        for name, found in results.items():
            if name not in frames:
                frames[name] = await handler.in_thread(frame_of, found, "modify")
        changed = await call_in_thread(handler, type(handler).modify, frames, None, handler)  # type: ignore[arg-type]
        if isinstance(changed, (str, bytes)):
            body = changed
        elif isinstance(changed, Mapping):
            results = {
                str(name): result_of_frame(frame, results.get(str(name)), "modify") for name, frame in changed.items()
            }
        else:
            results = {"data": result_of_frame(changed, None, "modify")}
            single = True
    if body is not None:
        return metas, as_bytes(body)
    if chosen.base == "template":
        return metas, render(handler, chosen, results, single)
    return metas, await handler.in_thread(encode, chosen, results, single)


def read_one(handler: FormHandler, asked: Asked, counted: bool) -> Result:
    """Return the rows of one dataset, whose source `function` may have changed. Blocks."""
    from gramex.data.reading import read

    function = asked.dataset.function
    if function is None:
        return read(asked.dataset, asked.args, counted, asked.sql)

    def transform(names: list[str], rows: Any) -> Any:
        current_handler.set(handler)
        given = Result(names, [""] * len(names), rows, file=asked.dataset.source != SQL)
        frame = function(frame_of(given, "function"), handler)
        if inspect.isawaitable(frame):
            raise HTTPError(500, "function: cannot be a coroutine")
        return rows_of_frame(frame, "function")

    return read(asked.dataset, asked.args, counted, asked.sql, transform)


async def call_in_thread(handler: FormHandler, function: Callable[..., Any], *values: Any) -> Any:
    """Call a function of the app, which computes, in a thread; await its result where that is awaitable."""
    current_handler.set(handler)
    result = await handler.in_thread(function, *values)
    return await result if inspect.isawaitable(result) else result


def render(handler: FormHandler, chosen: Format, results: Mapping[str, Result], single: bool) -> bytes:
    """Return the template of a format, rendered with rows.

    Raises:
        HTTPError: 500, there is no such template.
    """
    records: dict[str, Any] = {name: result.records() for name, result in results.items()}
    metas: dict[str, Any] = {name: {"count": len(each.rows), **each.meta} for name, each in results.items()}
    data = next(iter(records.values())) if single else records
    meta = next(iter(metas.values())) if single else metas
    return render_template(handler, chosen, data=data, meta=meta)


def render_template(handler: FormHandler, chosen: Format, **names: Any) -> bytes:
    """Return the template of a format, rendered with names.

    Raises:
        HTTPError: 500, there is no such template.
    """
    from gramex.handlers.templates import get_template

    path = handler.loaded.folder / str(chosen.options["template"])
    try:
        source = path.read_bytes()
    except OSError as error:
        raise HTTPError(500, "formats: template: %s: %s", path, error.strerror) from None
    template = get_template(source, str(path), str(path.parent), handler.settings)
    return template.generate(**{**handler.get_template_namespace(), "handler": handler, **names})
