"""Our reading and writing of headers is tornado's, wherever it answers at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPInputError

from gramex.server.header import header_block, read_header

PIECES = [
    "Host",
    "X-A",
    "x-a",
    "Content-Length",
    ":",
    ": ",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\r",
    "v",
    "é",
    "\x00",
    "\x7f",
    "a,b",
]
lines = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
clean = st.tuples(
    st.sampled_from(["Host", "X-A", "x-a", "Cookie", "Accept"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20),
).map(lambda pair: f"{pair[0]}:{pair[1]}")


def by_tornado(text: str) -> list[tuple[str, str]] | None:
    """What tornado makes of the header's lines, None if it refuses them."""
    try:
        return list(HTTPHeaders.parse(text).get_all())
    except HTTPInputError:
        return None


@given(st.lists(st.one_of(clean, lines), max_size=5))
def test_what_we_read_is_what_tornado_reads(block: list[str]) -> None:
    text = "\r\n".join(block)
    found = read_header(f"GET / HTTP/1.1\r\n{text}\r\n\r\n".encode("latin-1"))
    if found is not None:
        assert found[0] == "GET / HTTP/1.1"
        assert list(found[1].get_all()) == by_tornado("\r\n" + text + "\r\n\r\n")


@given(st.lists(clean, max_size=5))
def test_clean_headers_are_read_by_us(block: list[str]) -> None:
    text = "".join(f"{line}\r\n" for line in block)
    assert read_header(f"GET / HTTP/1.1\r\n{text}\r\n".encode("latin-1")) is not None


@pytest.mark.parametrize(
    "block",
    [
        "Host : x\r\n\r\n",
        " Host: x\r\n\r\n",
        "Host: x\r\n folded\r\n\r\n",
        "Host: x\n\r\n",
        "Host\r\n\r\n",
        ": x\r\n\r\n",
        "X: a\x00b\r\n\r\n",
        "X: a\rb\r\n\r\n",
    ],
)
def test_what_is_odd_is_left_to_tornado(block: str) -> None:
    assert read_header(b"GET / HTTP/1.1\r\n" + block.encode("latin-1")) is None


def test_hostile_headers_take_no_longer_than_others() -> None:
    def seconds(data: bytes) -> float:
        begin = time.perf_counter()
        read_header(data)
        return time.perf_counter() - begin

    plain = min(seconds(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000 + b"\r\n") for _ in range(3))
    for hostile in (b"X:" + b" " * 60_000 + b"\x00", b"A: b\r\n" * 10_000 + b"\x00", b"a" * 60_000, b"A:\t" * 20_000):
        assert min(seconds(b"GET / HTTP/1.1\r\n" + hostile + b"\r\n\r\n") for _ in range(3)) < 20 * plain


def test_block_is_what_is_sent() -> None:
    headers = HTTPHeaders({"Server": "Gramex", "Content-Type": "text/html"})
    headers.add("Set-Cookie", "a=é")
    headers.add("Set-Cookie", "b=2")
    assert header_block(200, "OK", headers) == (
        b"HTTP/1.1 200 OK\r\nServer: Gramex\r\nContent-Type: text/html\r\nSet-Cookie: a=\xe9\r\nSet-Cookie: b=2\r\n\r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\rb", "\r\n\r\n<script>"])
def test_line_breaks_cannot_begin_another_header(value: str) -> None:
    headers = HTTPHeaders()
    headers["Location"] = value
    with pytest.raises(ValueError, match="Illegal characters"):
        header_block(302, "Found", headers)
    with pytest.raises(ValueError, match="Illegal characters"):
        header_block(302, value, HTTPHeaders())


def test_bytes_are_left_to_tornado() -> None:
    headers = HTTPHeaders()
    headers["X"] = b"bytes"  # type: ignore[assignment]
    assert header_block(200, "OK", headers) is None
