"""Matches regular expressions without going back: all ways at once, in time that grows with the text alone.

A state is the set of places in the expression where a match may be after the text so far; what follows a state for a
character is computed once and kept.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from typing import Any

from gramex.data.regular import constants

MOST_NODES = 3000
MOST_KEPT = 20_000  # transitions
END = ""  # what stands for the end of the text, and for a line break that is the last character
LAST_BREAK = "\n$"
# What is before a place.
BEGIN, BREAK, WORD, OTHER = range(4)

Test = Callable[[str], bool]
CATEGORIES: dict[Any, Test] = {
    constants.CATEGORY_DIGIT: str.isdecimal,
    constants.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    constants.CATEGORY_SPACE: str.isspace,
    constants.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    constants.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
    constants.CATEGORY_NOT_WORD: lambda char: not (char.isalnum() or char == "_"),
}


class State(dict[str, Any]):
    """What follows for each character: a state, or True for a match."""

    __slots__ = ("before", "nodes")

    def __init__(self, nodes: frozenset[int], before: int):
        super().__init__()
        self.nodes, self.before = nodes, before


class Automaton:
    """A parsed expression, ready to look for matches."""

    def __init__(self, tree: Any):
        """Take what Python's parser gives.

        Raises:
            ValueError: it has parts that this cannot match, or is too large.
        """
        self.empty: list[list[int]] = []  # where a node leads without a character
        self.tests: list[tuple[Test, int] | None] = []  # where it leads with one
        self.places: list[tuple[Any, int] | None] = []  # where it leads if the place is right
        self.built = 0
        self.accept = self.node()
        self.start = self.build(tree, tree.state.flags, self.accept)
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin with no states."""
        self.states: dict[tuple[frozenset[int], int], State] = {}
        self.kept = 0
        self.first = self.state(frozenset((self.start,)), BEGIN)

    def node(self) -> int:
        """Add a node."""
        if len(self.empty) >= MOST_NODES:
            raise ValueError("is too large")
        self.empty.append([])
        self.tests.append(None)
        self.places.append(None)
        return len(self.empty) - 1

    def build(self, tree: Any, flags: int, then: int) -> int:
        """Add nodes that match a sequence and go on to `then`; returns the first."""
        self.built += 1
        if self.built > MOST_NODES:  # repeats of nothing add no nodes
            raise ValueError("is too large")
        for operator, argument in reversed(list(tree)):
            then = self.add(operator, argument, flags, then)
        return then

    def add(self, operator: Any, argument: Any, flags: int, then: int) -> int:
        """Add nodes for one part."""
        if operator is constants.BRANCH:
            made = self.node()
            self.empty[made] = [self.build(each, flags, then) for each in argument[1]]
            return made
        if operator is constants.SUBPATTERN:
            _, more, less, inner = argument
            return self.build(inner, (flags | more) & ~less, then)
        if operator in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            return self.repeat(argument, flags, then)
        made = self.node()
        if operator is constants.AT:
            self.places[made] = (multiline(argument, flags), then)
            return made
        self.tests[made] = (character_test(operator, argument, flags), then)
        return made

    def repeat(self, argument: Any, flags: int, then: int) -> int:
        """Add nodes for a repeat."""
        least, most, inner = argument
        if most is constants.MAXREPEAT:
            loop = self.node()
            self.empty[loop] = [self.build(inner, flags, loop), then]
            then = loop
        else:
            end = then
            for _ in range(int(most) - int(least)):
                maybe = self.node()
                self.empty[maybe] = [self.build(inner, flags, then), end]
                then = maybe
        for _ in range(int(least)):
            then = self.build(inner, flags, then)
        return then

    def state(self, nodes: frozenset[int], before: int) -> State:
        """Return the state for a set of nodes and what is before it."""
        found = self.states.get((nodes, before))
        if found is None:
            found = self.states[nodes, before] = State(nodes, before)
        return found

    def search(self, text: str) -> bool:
        """True if there is a match anywhere in a text."""
        state = self.first
        body, last = (text[:-1], LAST_BREAK) if text.endswith("\n") else (text, END)
        for char in body:
            following = state.get(char)
            if following is None:
                following = self.follow(state, char)
            if following is True:
                return True
            state = following
        for char in (last, END) if last else (END,):
            following = state.get(char)
            if following is None:
                following = self.follow(state, char)
            if following is True:
                return True
            state = following
        return False

    def follow(self, state: State, char: str) -> Any:
        """Find out what follows a state, and keep it."""
        with self.lock:
            if self.kept > MOST_KEPT:
                self.forget()
            self.kept += 1
            reached = self.reach(state, char)
            if self.accept in reached:
                state[char] = True
                return True
            plain = char[:1]
            nodes = {self.start}  # a match may begin anywhere
            for node in reached:
                test = self.tests[node]
                if test is not None and plain and test[0](plain):
                    nodes.add(test[1])
            following = state[char] = self.state(frozenset(nodes), kind(plain))
            return following

    def reach(self, state: State, char: str) -> set[int]:
        """Return all nodes that a state's lead to without a character, before `char`."""
        reached: set[int] = set()
        waiting = list(state.nodes)
        while waiting:
            node = waiting.pop()
            if node in reached:
                continue
            reached.add(node)
            waiting += self.empty[node]
            place = self.places[node]
            if place is not None and is_at(place[0], state.before, char):
                waiting.append(place[1])
        return reached


def kind(char: str) -> int:
    """Return what a character is, for the place after it."""
    if char == "\n":
        return BREAK
    return WORD if char.isalnum() or char == "_" else OTHER


def multiline(place: Any, flags: int) -> Any:
    """Return a place as the flags mean it."""
    if flags & re.MULTILINE:
        return {constants.AT_BEGINNING: constants.AT_BEGINNING_LINE, constants.AT_END: constants.AT_END_LINE}.get(
            place, place
        )
    return place


def is_at(place: Any, before: int, char: str) -> bool:
    """True if a place is one of a kind; `char` comes after it."""
    if place in (constants.AT_BEGINNING, constants.AT_BEGINNING_STRING):
        return before == BEGIN
    if place is constants.AT_BEGINNING_LINE:
        return before in (BEGIN, BREAK)
    if place is constants.AT_END:
        return char in (END, LAST_BREAK)
    if place is constants.AT_END_STRING:
        return char == END
    if place is constants.AT_END_LINE:
        return char in (END, LAST_BREAK, "\n")
    if place is constants.AT_NON_BOUNDARY and before == BEGIN and char == END:
        return sys.version_info >= (3, 14)  # earlier ones find none in an empty text
    word = char not in (END, LAST_BREAK) and kind(char) == WORD
    return (word != (before == WORD)) == (place is constants.AT_BOUNDARY)


def character_test(operator: Any, argument: Any, flags: int) -> Test:
    """Return what tells whether a character is one that a part matches.

    Raises:
        ValueError: the part matches no character, or more than one.
    """
    fold = bool(flags & re.IGNORECASE)
    if operator is constants.ANY:
        return (lambda char: True) if flags & re.DOTALL else (lambda char: char != "\n")
    if operator is constants.LITERAL:
        return folded(lambda char: ord(char) == argument, fold)
    if operator is constants.NOT_LITERAL:
        same = folded(lambda char: ord(char) == argument, fold)
        return lambda char: not same(char)
    if operator is constants.IN:
        items = list(argument)
        negated = items[0][0] is constants.NEGATE
        found = folded(one_of(items[1:] if negated else items), fold)
        return (lambda char: not found(char)) if negated else found
    raise ValueError("has back references or looks around, beside repeats: that is not supported")


def folded(test: Test, fold: bool) -> Test:
    """Return a test for which the case of letters does not count, if so asked."""
    if not fold:
        return test
    return lambda char: any(test(each) for each in {char, char.lower(), char.upper()} if len(each) == 1)


def one_of(items: list[Any]) -> Test:
    """Return the test of a set."""
    tests: list[Test] = []
    for operator, argument in items:
        if operator is constants.LITERAL:
            tests.append(lambda char, code=argument: ord(char) == code)  # type: ignore[misc]
        elif operator is constants.RANGE:
            tests.append(lambda char, low=argument[0], high=argument[1]: low <= ord(char) <= high)  # type: ignore[misc]
        elif operator is constants.CATEGORY:
            tests.append(CATEGORIES[argument])
        else:
            raise ValueError("has a set that is not supported")
    return lambda char: any(test(char) for test in tests)
