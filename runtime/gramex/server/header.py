"""Reads the header of a request, and writes that of an answer: as tornado does, in fewer steps.

What is not the usual case is left to tornado: it decides what is an error.
"""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders

# Lines that end with CR LF, each a token, a colon, and text without control characters: RFC 9110, 5.1 and 5.5. No part
# of it can match in two ways, so a hostile header takes no longer than any other.
CLEAN = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n")


def read_header(data: bytes) -> tuple[str, HTTPHeaders] | None:
    """Return the start line and the headers of a request; None if tornado has to look at it."""
    text = data.decode("latin-1")
    start, _, block = text.partition("\r\n")
    if not start or CLEAN.fullmatch(block) is None:
        return None
    headers = HTTPHeaders()
    seen = set()
    for line in block[:-4].split("\r\n") if len(block) > 2 else ():
        name, _, value = line.partition(":")
        key = name.lower()
        if key in seen:
            headers.add(name, value.strip(" \t"))
        else:
            seen.add(key)
            headers[name] = value.strip(" \t")
    return start, headers


def header_block(code: int, reason: str, headers: HTTPHeaders) -> bytes | None:
    """Return the header of an answer as it is sent; None if tornado has to look at it.

    Raises:
        ValueError: a line break in a name or a value would begin another header.
    """
    lines = [f"HTTP/1.1 {code} {reason}"]
    try:
        lines += [name + ": " + value for name, value in headers.get_all()]
    except TypeError:  # bytes, which tornado still takes
        return None
    data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    count = len(lines) + 1
    if data.count(b"\n") != count or data.count(b"\r") != count:
        broken = next(line for line in lines if "\r" in line or "\n" in line)
        raise ValueError(f"Illegal characters (CR or LF) in header: {broken!r}")
    return data
