"""Conditional and partial requests: If-Match, If-None-Match, If-Range, Range and their like (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from tornado.httputil import HTTPHeaders

ETAG = re.compile(r'\*|(?:W/)?"[^"]*"')
RANGE = re.compile(r"[ \t]*bytes[ \t]*=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.IGNORECASE)


class Part(NamedTuple):
    """A part of a file: first byte, and the one after the last."""

    start: int
    stop: int


def seconds(date: str) -> float | None:
    """Return an HTTP date as seconds since 1970, None if it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def is_same(etag: str, wanted: str) -> bool:
    """True if the header If-None-Match names `etag`; weak and strong tags compare alike."""
    etag = etag.removeprefix("W/")
    return any(each in ("*", etag) or each.removeprefix("W/") == etag for each in ETAG.findall(wanted))


def is_failed(headers: HTTPHeaders, etag: str, modified: float) -> bool:
    """True if the client wants the file only as it was once, and it is another one now: the answer is 412.

    Weak tags are taken for strong ones: the compressed form of a file has a weak tag, and nobody could ask for it else.
    """
    wanted = headers.get("If-Match")
    if wanted is not None:
        return not is_same(etag, wanted)
    since = headers.get("If-Unmodified-Since")
    date = None if since is None else seconds(since)
    return date is not None and int(modified) > date


def is_not_modified(headers: HTTPHeaders, etag: str, modified: float) -> bool:
    """True if the client has what it asks for; `modified` is in seconds. The tag decides where there is one."""
    wanted = headers.get("If-None-Match")
    if wanted is not None:
        return is_same(etag, wanted)
    since = headers.get("If-Modified-Since")
    if since is None:
        return False
    date = seconds(since)
    return date is not None and int(modified) <= date


def wanted_part(headers: HTTPHeaders, size: int, etag: str, modified: float) -> Part | bool | None:
    """Return the part of a file of `size` bytes that a request wants.

    None means the whole file: no range, several, one that is not understood, or an If-Range that no longer holds.
    False means a range that does not exist: the answer is 416.
    """
    text = headers.get("Range")
    found = RANGE.fullmatch(text) if text else None
    if not found or found.groups() == ("", ""):
        return None
    condition = headers.get("If-Range")
    if condition is not None:
        condition = condition.strip()
        if condition.startswith(('"', "W/")):
            if condition != etag or etag.startswith("W/"):
                return None
        elif seconds(condition) != int(modified):
            return None
    first, last = found.groups()
    if not first:  # the last N bytes
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None  # not valid, so not there
    return Part(start, stop) if start < stop else False
