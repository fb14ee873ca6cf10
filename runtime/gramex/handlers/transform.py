"""Changes files on their way out: the ``template`` and ``transform`` keys of a FileHandler."""

from __future__ import annotations

import codecs
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gramex.handlers.expression import compile_function
from gramex.handlers.globs import Globs, as_globs
from gramex.handlers.headers import header_value
from gramex.handlers.templates import render_text

Change = Callable[[bytes, Any], Any]


class Transform:
    """What happens to the files that some globs match."""

    def __init__(
        self, globs: Sequence[str], change: Callable[..., Any], encoding: str | None, headers: Mapping[str, Any]
    ):
        """`change` takes content and handler; `encoding` decodes the content first; `headers` go on the answer."""
        self.globs = Globs(globs)
        self.change, self.encoding = change, encoding
        self.headers = {str(name): header_value(value) for name, value in headers.items()}

    @property
    def is_template(self) -> bool:
        """True for what ``template:`` asks for: the file itself need not be read."""
        return self.change is render

    async def apply(self, content: bytes, handler: Any) -> Any:
        """Return what becomes of a file's content.

        Raises:
            Exception: what the function raises.
        """
        text = content.decode(self.encoding) if self.encoding else content
        result = self.change(text, handler)
        return await result if inspect.isawaitable(result) else result


def render(content: bytes, handler: Any) -> bytes:
    """Render a file as a template: what ``template:`` does."""
    return render_text(content, handler, {})


def parse_transform(key: str, spec: Any) -> Transform:
    """Return an entry of ``transform:``; `key` has globs with commas between.

    Raises:
        ValueError: it has no function, or an encoding that does not exist.
    """
    spec = {"function": spec} if isinstance(spec, (str, list)) else spec
    if not isinstance(spec, Mapping) or not spec.get("function"):
        raise ValueError(f"transform: {key}: must be a mapping with function:, not {spec!r}")
    encoding = spec.get("encoding")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except (LookupError, TypeError):
            raise ValueError(f"transform: {key}: encoding: {encoding!r} is unknown; try utf-8") from None
    headers = spec.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise ValueError(f"transform: {key}: headers: must be a mapping, not {headers!r}")
    function = compile_function(spec, ("content", "handler"))
    return Transform([each.strip() for each in key.split(",")], function, encoding, headers)


def parse_transforms(template: Any, transform: Any) -> list[Transform]:
    """Return what ``transform:`` and ``template:`` ask for, in the order in which they are tried.

    Where both have the same glob, ``template:`` takes the place of the other.

    Raises:
        ValueError: a mistake in one of them.
    """
    if transform is not None and not isinstance(transform, Mapping):
        raise ValueError(f"transform: must be a mapping of globs to functions, not {transform!r}")
    found = {str(key): parse_transform(str(key), spec) for key, spec in (transform or {}).items()}
    for glob in as_globs("*" if template is True else template, "template"):
        found[glob] = Transform([part.strip() for part in glob.split(",")], render, None, {})
    return list(found.values())
