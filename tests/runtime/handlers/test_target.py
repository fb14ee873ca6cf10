"""The target of a request, as servers and as proxies are asked for it."""

from __future__ import annotations

from typing import Any

import pytest

FUNCTION = "str([handler.request.uri, handler.request.host, handler.get_argument('a', '')])"


@pytest.fixture(scope="module")
def app(serve_module: Any) -> Any:
    return serve_module(
        {"url": {"tell": {"pattern": "/tell", "handler": "FunctionHandler", "kwargs": {"function": FUNCTION}}}}
    )


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/tell?a=1", "['/tell?a=1', 'asked', '1']"),
        ("http://other.example/tell?a=1", "['/tell?a=1', 'other.example', '1']"),
        ("HTTPS://other.example:81/tell", "['/tell', 'other.example:81', '']"),
    ],
)
def test_an_absolute_target_is_its_path_and_its_host(app: Any, target: str, answer: str) -> None:
    got = app.raw(f"GET {target} HTTP/1.1\r\nHost: asked\r\nConnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 200 "), got
    assert got.endswith(answer.encode()), got


@pytest.mark.parametrize("target", ["http://x/none", "http:///tell", "http:/tell", "http://a@b/tell", "tell"])
def test_other_targets_are_not_there(app: Any, target: str) -> None:
    got = app.raw(f"GET {target} HTTP/1.1\r\nHost: asked\r\nConnection: close\r\n\r\n".encode())
    assert got.split(b" ")[1] in (b"400", b"404"), got
    assert "Traceback" not in app.log
