"""Regular expressions that people send: bound in length, and matched in time that grows with the text alone.

Python's own matcher goes back and tries again, which some expressions make it do for years. It gets those that cannot;
the others are for `gramex.data.automaton`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gramex.data.refused import Refused

if sys.version_info >= (3, 11):
    from re import _constants as constants  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
else:
    import sre_constants as constants
    import sre_parse as parser

LONGEST = 500  # characters
WAYS = 64  # that Python's matcher may have to try at one place
STEPS = 2000  # that one of these ways may have
SHORT = 200  # characters of a text, in which trying again from each place costs little
REPEATS = frozenset((constants.MAX_REPEAT, constants.MIN_REPEAT))
UNBOUNDED = 1000  # repeats

Search = Callable[[str], object]


@lru_cache(maxsize=200)
def compile_pattern(pattern: str, exact: bool) -> Search:
    """Return what looks for a match in a text; `exact` minds the case of letters.

    Raises:
        Refused: 400, it is no expression, is too long, or needs Python's matcher and may keep it busy.
    """
    if len(pattern) > LONGEST:
        raise Refused(400, f"a regular expression of {len(pattern)} characters is too long")
    flags = 0 if exact else re.IGNORECASE
    try:
        search = re.compile(pattern, flags).search
        tree = parser.parse(pattern, flags)
    except Exception as error:  # re.error, OverflowError, RecursionError, a warning where warnings are errors
        raise Refused(400, f"{pattern!r} is no regular expression: {error}") from None
    loops: list[Any] = []
    few = ways(tree, loops) <= WAYS and steps(tree) <= STEPS
    if few and not loops:
        return search
    from gramex.data.automaton import Automaton

    try:
        automaton = Automaton(tree)
    except ValueError as error:
        raise Refused(400, f"{pattern!r}: {error}") from None
    if few and len(loops) == 1:
        return lambda text: search(text) if len(text) <= SHORT else automaton.search(text)
    return automaton.search


def steps(tree: Any) -> int:
    """Return how many parts a match goes through, each repeat counted as often as it may be, unbounded ones once."""
    count = 0
    for operator, argument in tree:
        if operator is constants.BRANCH:
            count += sum(map(steps, argument[1]))
        elif operator is constants.SUBPATTERN:
            count += 1 + steps(argument[3])
        elif operator in REPEATS:
            count += (int(argument[1]) if argument[1] <= UNBOUNDED else 1) * (1 + steps(argument[2]))
        elif operator in (constants.ASSERT, constants.ASSERT_NOT):
            count += steps(argument[1])
        else:
            count += 1
        count = min(count, STEPS + 1)
    return count


def ways(tree: Any, loops: list[Any]) -> int:
    """Return how many ways there are to match a part of a text; unbounded repeats are added to `loops`."""
    count = 1
    for operator, argument in tree:
        if operator is constants.BRANCH:
            count *= sum(ways(each, loops) for each in argument[1])
        elif operator is constants.SUBPATTERN:
            count *= ways(argument[3], loops)
        elif operator in REPEATS:
            least, most, inner = argument
            each = ways(inner, loops)
            if most > UNBOUNDED:
                loops.append(inner)
                # what is repeated must be one character, so that there is one way to repeat it so often
                count *= 1 if is_character(inner) else WAYS + 1
            else:
                count *= (int(most) - int(least) + 1) * (each ** min(int(most), 10))
        elif operator in (constants.ASSERT, constants.ASSERT_NOT):
            count *= ways(argument[1], loops)
        elif operator not in SIMPLE:
            loops += [argument, argument]  # a back reference, an atomic group: nobody knows
        count = min(count, WAYS + 1)
    return count


SIMPLE = frozenset((
    constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN, constants.AT, constants.CATEGORY,
))  # fmt: skip


def is_character(tree: Any) -> bool:
    """True if an expression matches one character."""
    return len(tree) == 1 and tree[0][0] in SIMPLE and tree[0][0] is not constants.AT
