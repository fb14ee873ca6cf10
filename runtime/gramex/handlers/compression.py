"""Compresses answers for clients that accept gzip."""

from __future__ import annotations

import re
import zlib

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

from gramex.handlers.contenttype import is_compressible

SMALLEST = 1024  # bytes; less is not worth it
LEVEL = 6
GZIP = 16 + zlib.MAX_WBITS  # zlib's name for "with a gzip header"
ACCEPTS = re.compile(r"(?:^|,)[ \t]*(?:gzip|x-gzip|\*)[ \t]*(?:;[ \t]*q[ \t]*=[ \t]*([0-9.]+))?[ \t]*(?=,|$)", re.I)


def accepts_gzip(accept: str) -> bool:
    """True if the header Accept-Encoding allows gzip."""
    if accept in ("gzip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd"):
        return True
    if not accept:
        return False
    for found in ACCEPTS.finditer(accept):
        try:
            return float(found[1] or 1) > 0
        except ValueError:
            return False
    return False


def compress(body: bytes) -> bytes:
    """Return `body` as gzip; the same bytes give the same result."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return packer.compress(body) + packer.flush()


def add_vary(headers: HTTPHeaders, name: str) -> None:
    """Add a name to the header Vary, once."""
    vary = headers.get("Vary")
    if not vary:
        headers["Vary"] = name
    elif name.lower() not in vary.lower():
        headers["Vary"] = f"{vary}, {name}"


def weaken(headers: HTTPHeaders) -> None:
    """Make the ETag weak: the bytes on the wire are not those that it was made from."""
    etag = headers.get("Etag")
    if etag and not etag.startswith("W/"):
        headers["Etag"] = "W/" + etag


class Compression(OutputTransform):
    """Tornado's hook between a handler and its connection."""

    def __init__(self, request: HTTPServerRequest):
        headers = request.headers
        self.accepted = "Accept-Encoding" in headers and accepts_gzip(headers["Accept-Encoding"])
        self.packer: zlib._Compress | None = None

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Decide, set the headers, and compress the first part."""
        add_vary(headers, "Accept-Encoding")
        if (
            self.accepted
            and status_code not in (204, 206, 304)  # a part stays a part of what it is a part of
            and "Content-Encoding" not in headers
            and (not finishing or len(chunk) >= SMALLEST)
            and is_compressible(headers.get("Content-Type", ""))
        ):
            headers["Content-Encoding"] = "gzip"
            weaken(headers)
            if finishing:
                chunk = compress(chunk)
                headers["Content-Length"] = str(len(chunk))
                return status_code, headers, chunk
            self.packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
            if "Content-Length" in headers:
                del headers["Content-Length"]
            chunk = self.transform_chunk(chunk, finishing)
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress the next part; each can be read as soon as it arrives."""
        if self.packer is None:
            return chunk
        return self.packer.compress(chunk) + self.packer.flush(zlib.Z_FINISH if finishing else zlib.Z_SYNC_FLUSH)
