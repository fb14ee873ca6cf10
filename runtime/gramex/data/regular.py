"""Regular expressions of users."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from gramex.data.refused import Refused

LONGEST = 500  # characters


class Pattern(Protocol):
    """What can look for a match in a text."""

    def search(self, text: str, /) -> object: ...


@lru_cache(maxsize=200)
def compile_pattern(pattern: str, exact: bool) -> Pattern:
    """Return a regular expression; `exact` minds the case of letters.

    Raises:
        Refused: 400, it is none, or is too long.
    """
    if len(pattern) > LONGEST:
        raise Refused(400, f"a regular expression of {len(pattern)} characters is too long")
    try:
        return re.compile(pattern, 0 if exact else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(400, f"{pattern!r} is no regular expression: {error}") from None
