"""Writes a kept answer as bytes, for stores outside this process."""

from __future__ import annotations

import json
import math
import time

from gramex.handlers.caching import Kept

NEVER = 1e15  # seconds since the epoch; infinity is no JSON


def pack(kept: Kept) -> tuple[bytes, float]:
    """Return an answer as bytes, and when it expires in seconds since the epoch."""
    expires = NEVER if math.isinf(kept.expires) else time.time() + kept.expires - time.monotonic()
    head = json.dumps([kept.status, kept.reason, kept.headers, expires])
    return head.encode() + b"\n" + kept.body, expires


def unpack(packed: bytes) -> Kept:
    """Return the answer.

    Raises:
        ValueError: the bytes are none.
    """
    head, _, body = bytes(packed).partition(b"\n")
    status, reason, headers, expires = json.loads(head)
    return Kept(status, reason, [tuple(each) for each in headers], body, expires - time.time() + time.monotonic())
