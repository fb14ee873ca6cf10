"""FunctionHandler: answers with the result of a Python expression."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any, ClassVar

from tornado.iostream import StreamClosedError

from gramex.handlers.base import BaseHandler
from gramex.handlers.current import current_handler
from gramex.handlers.expression import compile_function
from gramex.handlers.results import as_bytes


class FunctionHandler(BaseHandler):
    """Evaluates ``function:`` for each request."""

    function: ClassVar[Callable[..., Any]]

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Compile the function.

        Raises:
            ValueError: it is no expression.
        """
        super().setup(**kwargs)
        cls.function = staticmethod(compile_function(cls.kwargs, ("handler",)))

    def get(self, *path_args: str, **path_kwargs: str) -> Any:
        """Evaluate and write. Returns an awaitable only where the result is one, or comes in parts."""
        self.set_own_headers()
        current_handler.set(self)
        result = self.function(self)
        if inspect.isawaitable(result) or isinstance(result, Future):
            return self._write_awaited(awaitable(result))
        if isinstance(result, (Iterator, AsyncIterator)):
            return self._write_parts(result)
        self._write_result(result)
        return None

    head = post = put = delete = patch = options = get

    async def _write_awaited(self, result: Any) -> None:
        result = await result
        if isinstance(result, (Iterator, AsyncIterator)):
            await self._write_parts(result)
        else:
            self._write_result(result)

    def _write_result(self, result: Any) -> None:
        # The function may have sent its answer itself, such as a redirect. What is empty must not be written: tornado
        # takes it for the body of a 204, which has none.
        if self._finished:
            return
        if self.redirect_rules:
            self.redirect(self.next_url() or self.outer_path("/"))
        elif data := as_bytes(result):
            self.write(data)

    async def _write_parts(self, parts: Iterator[Any] | AsyncIterator[Any]) -> None:
        """Write the items of a generator one by one, as they come."""
        try:
            if isinstance(parts, AsyncIterator):
                async for part in parts:
                    await self._write_part(part)
            else:
                for part in parts:
                    await self._write_part(part)
        except StreamClosedError:
            pass  # the client has seen enough
        finally:
            if inspect.isgenerator(parts):
                parts.close()
            elif inspect.isasyncgen(parts):
                await parts.aclose()
        if self.redirect_rules:
            self._write_result(None)

    async def _write_part(self, part: Any) -> None:
        if inspect.isawaitable(part) or isinstance(part, Future):
            part = await awaitable(part)
        data = as_bytes(part)
        if data and not self.redirect_rules:
            if not self._headers_written and "X-Accel-Buffering" not in self._headers:
                self.set_header("X-Accel-Buffering", "no")  # nginx would hold back parts until it has some KiB
            self.write(data)
            await self.flush()


def awaitable(pending: Any) -> Awaitable[Any]:
    """Return what can be awaited for something that is on its way: what a thread pool returns is not by itself."""
    return asyncio.wrap_future(pending) if isinstance(pending, Future) else pending
