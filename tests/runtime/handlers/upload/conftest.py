"""An app with upload folders, and forms with files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

BOUNDARY = "----a7b3"
AJAX = {"X-Requested-With": "XMLHttpRequest"}

Part = tuple[str, str | None, bytes | str]


def form(*parts: Part) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a form; a part is (field, file name or None, content)."""
    body = b""
    for field, name, content in parts:
        given = "" if name is None else f'; filename="{name}"'
        kind = "" if name is None else "Content-Type: text/plain\r\n"
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{given}\r\n{kind}\r\n'.encode()
        body += (content if isinstance(content, bytes) else content.encode()) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **AJAX}


@pytest.fixture(scope="session")
def send() -> Callable[..., Any]:
    """POST a form: ``send(client, '/up', ('file', 'a.txt', 'text'), headers={...})``."""

    def post(client: Any, path: str, *parts: Part, headers: dict[str, str] | None = None) -> Any:
        body, own = form(*parts)
        return client.post(path, body, headers={**own, **(headers or {})})

    return post
