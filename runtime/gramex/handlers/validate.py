"""Conditions that a request must fulfil: the ``validate:`` key."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from tornado.web import HTTPError

from gramex.handlers.expression import compile_function

app_log = logging.getLogger("gramex")


class Check(NamedTuple):
    """One condition, and the answer to a request that does not fulfil it."""

    function: Callable[..., Any]
    code: int
    reason: str | None


def parse_check(spec: Any) -> Check:
    """Return one condition of ``validate:``.

    Raises:
        ValueError: it is no expression, or its status is no error.
    """
    if not isinstance(spec, Mapping):
        spec = {"function": spec}
    code, reason = spec.get("code", 400), spec.get("reason")
    if isinstance(code, bool) or not isinstance(code, int) or not 400 <= code <= 599:
        raise ValueError(f"validate: code: must be a status from 400 to 599, not {code!r}")
    if unknown := set(spec) - {"function", "args", "kwargs", "code", "reason"}:
        raise ValueError(f"validate: {', '.join(sorted(map(str, unknown)))} is not known; use function, code, reason")
    try:
        return Check(compile_function(spec, ("handler",)), code, None if reason is None else str(reason))
    except ValueError as error:
        raise ValueError(f"validate: {error}") from error


def setup_validate(cls: Any, validate: Any) -> None:
    """Take the entry's ``validate:``, an expression, a mapping with function, code and reason, or a list of them.

    Raises:
        ValueError: as parse_check.
    """
    if validate is None:
        return
    checks = [parse_check(spec) for spec in (validate if isinstance(validate, list) else [validate])]
    for check in checks:
        cls.add_step("validate", make_step(check))


def make_step(check: Check) -> Callable[[Any], Awaitable[None] | None]:
    """Return the step that holds a request against a condition."""

    def refuse(handler: Any) -> None:
        if not handler._finished:  # the function answered by itself
            raise HTTPError(check.code, "validate: %s", check.reason or "not fulfilled", reason=check.reason)

    async def wait(handler: Any, result: Awaitable[Any]) -> None:
        if not await result:
            refuse(handler)

    def step(handler: Any) -> Awaitable[None] | None:
        try:
            result = check.function(handler)
        except HTTPError:
            raise
        except Exception as error:
            app_log.warning("url:%s: validate: %s: %s", handler.name, type(error).__name__, error)
            result = False
        if inspect.isawaitable(result):
            return wait(handler, result)
        if not result:
            refuse(handler)
        return None

    return step
