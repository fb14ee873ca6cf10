"""POST, PUT and DELETE of a FormHandler: change rows, tell what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from gramex.data.edits import Written, has_arguments
from gramex.data.formats.jsontext import ISO, dumps
from gramex.data.meta import header_part
from gramex.data.refused import Refused
from gramex.handlers.formarguments import first

if TYPE_CHECKING:
    from gramex.data.formats import Format
    from gramex.handlers.formhandler import Asked, FormHandler


async def answer_edit(handler: FormHandler, method: str, path_args: Any, path_kwargs: Any) -> None:
    """Change rows, and send what was done.

    Raises:
        HTTPError: nothing was changed, and why; with several datasets, those before it are.
    """
    asked, args = await handler.ask(path_args, path_kwargs)
    if not handler.single:
        asked = [each for each in asked if has_arguments(each.sent)]
        if not asked:
            raise HTTPError(400, "%s: no dataset has arguments", method)
    try:
        chosen = handler.formats.get(first(args, "_format"))
        written: dict[str, Written] = {}
        for each in asked:
            written[each.dataset.name] = await handler.in_thread(write_one, handler, each, method)
    except Refused as error:
        raise HTTPError(error.status, "%s", error) from error
    answer: dict[str, Any] = {name: found.answer() for name, found in written.items()}
    await add_modified(handler, asked, written, answer)
    handler.set_header("Cache-Control", "no-cache, no-store")
    handler.set_own_headers()
    for name, found in written.items():
        handler.set_header(f"Count-{header_part(name)}", str(found.count))
        if first(args, "_meta"):
            handler.set_meta(name, found.answer())
    if handler.redirect_rules:
        handler.redirect(handler.next_url() or handler.outer_path("/"))
        return
    if chosen is not None and chosen.base == "template":
        render_edit(handler, chosen, written)
        return
    handler.set_header("Content-Type", "application/json")
    handler.write(dumps(answer, ISO))


def write_one(handler: FormHandler, asked: Asked, method: str) -> Written:
    """Change the rows of one dataset. Blocks."""
    from gramex.data.writing import write

    locks = handler.services.data if handler.services.writable else None
    return write(asked.dataset, method, asked.args, locks)


async def add_modified(
    handler: FormHandler, asked: list[Asked], written: dict[str, Written], answer: dict[str, Any]
) -> None:
    """Call the app's functions with the numbers of rows; what they return becomes a part of the answer."""
    for each in asked:
        if each.dataset.modify is not None:
            name = each.dataset.name
            answer[name]["modify"] = await handler.call(each.dataset.modify, written[name].count, name, handler)
    common = type(handler).modify
    if common is not None:
        counts = {name: found.count for name, found in written.items()}
        answer["modify"] = await handler.call(common, counts, None, handler)


def render_edit(handler: FormHandler, chosen: Format, written: dict[str, Written]) -> None:
    """Send the template of a format: `data` is the number of rows, or one for each dataset."""
    from gramex.handlers.formframes import render_template

    counts: dict[str, Any] = {name: found.count for name, found in written.items()}
    metas: dict[str, Any] = {name: {**found.answer(), "count": found.count} for name, found in written.items()}
    single = handler.single
    for name, value in chosen.headers.items():
        handler.set_header(name, value) if value is not None else handler.clear_header(name)
    data, meta = (next(iter(counts.values())), next(iter(metas.values()))) if single else (counts, metas)
    handler.write(render_template(handler, chosen, data=data, meta=meta))
