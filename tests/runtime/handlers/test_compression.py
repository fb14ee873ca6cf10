"""gzip: for whom, and what."""

import gzip

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from gramex.handlers.compression import Compression, accepts_gzip, add_vary, compress


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=0.5", True),
        ("GZIP", True),
        ("*", True),
        ("br", False),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("gzip;q=x", False),
        ("notgzip", False),
        ("gzipped", False),
    ],
)
def test_who_accepts_gzip(accept, expected):
    assert accepts_gzip(accept) is expected


def transform(body, status=200, accept="gzip", finishing=True, **headers):
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/", "HTTP/1.1"),
        headers=HTTPHeaders({"Host": "x", "Accept-Encoding": accept}),
    )
    each = Compression(request)
    given = HTTPHeaders({"Content-Type": "text/html", "Content-Length": str(len(body)), "Etag": '"x"'})
    given.update({name.replace("_", "-"): value for name, value in headers.items()})
    return each, *each.transform_first_chunk(status, given, body, finishing)


def test_long_text_is_compressed():
    _, _, headers, body = transform(b"a" * 2000)
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Etag"] == 'W/"x"'
    assert headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == b"a" * 2000


@pytest.mark.parametrize(
    "kwargs",
    [
        {"body": b"a" * 500},
        {"body": b"a" * 2000, "accept": "br"},
        {"body": b"a" * 2000, "status": 206},
        {"body": b"a" * 2000, "Content_Type": "image/png"},
        {"body": b"a" * 2000, "Content_Encoding": "br"},
    ],
)
def test_the_rest_is_left_alone_but_varies(kwargs):
    _, _, headers, body = transform(**kwargs)
    assert body == kwargs["body"]
    assert headers["Etag"] == '"x"'
    assert "Accept-Encoding" in headers["Vary"]


def test_parts_can_be_read_as_they_come():
    each, _, headers, first = transform(b"one", finishing=False)
    assert "Content-Length" not in headers
    unpacker = __import__("zlib").decompressobj(31)
    assert unpacker.decompress(first) == b"one"
    assert unpacker.decompress(each.transform_chunk(b"two", False)) == b"two"
    assert unpacker.decompress(each.transform_chunk(b"end", True)) == b"end"
    assert unpacker.eof


def test_same_bytes_compress_to_the_same():
    assert compress(b"x" * 5000) == compress(b"x" * 5000)


def test_vary_is_added_once():
    headers = HTTPHeaders({"Vary": "Cookie"})
    add_vary(headers, "Accept-Encoding")
    add_vary(headers, "Accept-Encoding")
    assert headers["Vary"] == "Cookie, Accept-Encoding"
