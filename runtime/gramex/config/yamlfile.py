"""Parses one YAML file into sections that know where each key was written.

The parser's events are turned into values in a loop. PyYAML's own composer recurses in C, where a file of brackets
ends the process.
"""

from __future__ import annotations

import logging
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from .entries import names_entries
from .problem import ConfigError, Problem
from .scalars import BadScalar, construct
from .stars import MAX_REPAIRS, quote_star
from .tree import Budget, Section, TooLarge, copy

MAX_BYTES = 8_000_000  # of one file
MAX_DEPTH = 100  # of mappings and lists inside one another

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What YAML does not allow in a text; the position of the first one tells where the file is broken.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LETTERS = string.ascii_letters + string.digits
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

# What the parser says -> what to do about it.
_HINTS = {
    "mapping values are not allowed": "quote the text that holds ': ', or mend the indentation",
    "did not find expected key": "mend the indentation, or a quote or bracket above",
    "block sequence entries are not allowed": "begin the list on a line of its own",
    "did not find expected '-' indicator": "mend the indentation: a list and keys cannot be mixed",
    "could not find expected ':'": "a key needs a colon and a space behind it",
    "found unexpected end of stream": "close the quote",
    "did not find expected node content": "a value is missing, or a bracket is one too many",
    "found unknown escape character": "write the backslash twice, or use single quotes",
    "did not find expected <document start>": "remove what follows the end of the mapping",
}


class Broken(Exception):
    """A fault at a line that counts from 1."""

    def __init__(self, message: str, line: int | None, keys: list[Any] | None = None):
        super().__init__(message)
        self.message, self.line, self.keys = message, line, keys or []


class Frame:
    """A mapping or list that is not complete yet."""

    __slots__ = ("anchor", "flow", "height", "key", "key_line", "merged", "merges", "nodes", "value", "waits")

    def __init__(self, value: Section | list[Any], anchor: str | None, flow: bool):
        self.value = value
        self.anchor = anchor
        self.flow = flow
        self.key: Any = None
        self.key_line = 0
        self.waits = False  # for the value of `key`
        self.merges = False  # `key` is <<
        self.merged: list[Section] = []  # by << keys, the strongest last
        self.height = 1  # of what it holds, itself included
        self.nodes = 1


def read_yaml(path: Path, budget: Budget, problems: list[Problem]) -> Any:
    """Return what a file holds: None if it is empty, else a `Section`, list or value.

    An entry that a file gives twice is ignored with a warning in `problems`.

    Raises:
        ConfigError: it cannot be read or parsed.
        FileNotFoundError: it does not exist.
    """
    try:
        return parse(read_text(path), path, budget, problems)
    except Broken as error:
        key = ".".join(str(each) for each in error.keys) or None
        raise ConfigError(Problem(logging.ERROR, error.message, path, error.line, key, "Config error")) from None


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        Broken: it cannot be read, is too large, or is not text.
        FileNotFoundError: it does not exist.
    """
    try:
        if not path.is_file():
            if path.is_dir():
                raise Broken("this is a folder: name the YAML file in it", None)
            if path.exists():
                raise Broken("this is no ordinary file", None)
            raise FileNotFoundError(path)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except (OSError, ValueError) as error:
        raise Broken(f"cannot be read: {getattr(error, 'strerror', None) or error}", None) from None
    if len(data) > MAX_BYTES:
        raise Broken(f"is larger than {MAX_BYTES // 1_000_000} MB: keep data in files of their own", None)
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Broken(f"is not UTF-8 text (byte 0x{data[error.start]:02x}): save it as UTF-8", line) from None
    found = _FORBIDDEN.search(text)
    if found:
        line = len(_BREAK.findall(text, 0, found.start())) + 1
        raise Broken(f"holds the control character U+{ord(found[0]):04X}: remove it", line)
    return text


def parse(text: str, path: Path, budget: Budget, problems: list[Problem]) -> Any:
    """Return what a YAML text holds.

    Raises:
        Broken: it is not YAML, or more than one file may hold.
    """
    for _ in range(MAX_REPAIRS):
        builder = Builder(path, budget, problems)
        try:
            value = builder.build(text)
        except yaml.MarkedYAMLError as error:
            mark = error.context_mark if error.context and "alias" in error.context else None
            flow = bool(builder.stack) and builder.stack[-1].flow
            repaired = quote_star(text, mark.index, flow) if mark else None
            if repaired is None:
                raise explain(error, text, builder.keys()) from None
            text = repaired
        except TooLarge as error:
            raise Broken(str(error), builder.line, builder.keys()) from None
        else:
            problems += builder.found
            return value
    raise Broken(f"has more than {MAX_REPAIRS} values that begin with * and are not quoted: quote them", builder.line)


def explain(error: yaml.MarkedYAMLError, text: str, keys: list[Any]) -> Broken:
    """Return the fault that the parser found, with what would be right."""
    problem, mark = error.problem or "is not YAML", error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    at_end = mark is not None and not text[mark.index :].strip()
    if at_end:  # the last line that holds anything is where to look
        line = len(_BREAK.findall(text.rstrip())) + 1
    hint = next((hint for start, hint in _HINTS.items() if problem.startswith(start)), "")
    if "cannot start any token" in problem and mark:
        char = text[mark.index : mark.index + 1]
        if char == "\t":
            problem, hint = "a tab indents this line", "indent with spaces"
        else:
            problem, hint = f"a value cannot begin with {char!r}", "put it in quotes"
    elif "end of stream" in problem and error.context_mark:
        problem, line = "a quote is not closed", error.context_mark.line + 1
    elif at_end and problem == "did not find expected node content":
        problem, hint = "a bracket is not closed", "close it"
    elif problem.startswith("did not find expected ',' or") and error.context_mark:
        hint = f"close the bracket that line {error.context_mark.line + 1} opens, or put a comma"
    return Broken(f"{problem}: {hint}" if hint else problem, line, keys)


class Builder:
    """Turns the events of one YAML text into a value."""

    def __init__(self, path: Path, budget: Budget, problems: list[Problem]):
        self.path, self.budget, self.problems = path, budget, problems
        self.stack: list[Frame] = []
        self.found: list[Problem] = []
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}  # value, nodes, height; None while it is open
        self.result: Any = None
        self.line = 1

    def keys(self) -> list[Any]:
        """Return the keys that lead to the place that is being read."""
        return [frame.key for frame in self.stack if frame.waits]

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Give up with a message about the current line."""
        raise Broken(message, line or self.line, self.keys())

    def build(self, text: str) -> Any:
        """Return what `text` holds.

        Raises:
            Broken: it is YAML, but not a configuration.
            yaml.YAMLError: it is not YAML.
            TooLarge: its aliases multiply it too much.
        """
        documents = 0
        for event in self.events(text):
            kind = type(event)
            self.line = event.start_mark.line + 1
            if kind is yaml.ScalarEvent:
                self.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.start(event, Section() if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.end()
            elif kind is yaml.AliasEvent:
                self.alias(event.anchor)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.fail("a second document begins: keep one in a file, without '---' between")
        return self.result

    @staticmethod
    def events(text: str) -> Iterator[Any]:
        """Yield the parser's events."""
        loader = Loader(text)
        try:
            while loader.check_event():
                yield loader.get_event()
        finally:
            loader.dispose()

    def scalar(self, event: yaml.ScalarEvent) -> None:
        """Take a scalar."""
        plain = event.implicit[0]
        try:
            value = construct(event.value, event.tag, plain)
        except BadScalar as error:
            self.fail(str(error))
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        frame = self.stack[-1] if self.stack else None
        if plain and event.value == "<<" and frame and not frame.waits and type(frame.value) is Section:
            frame.key, frame.key_line, frame.waits, frame.merges = "<<", self.line, True, True
            return
        self.add(value, 1, 0)

    def alias(self, anchor: str) -> None:
        """Take a copy of what an anchor marks."""
        if anchor not in self.anchors:
            # `import: *apps` is a glob as well, just one that looks like an alias.
            if {"import", "path", "namespace"}.intersection(self.keys()):
                return self.add("*" + anchor, 1, 0)
            self.fail(f"there is no anchor &{anchor} above: quote '*{anchor}' if it is meant as text")
        marked = self.anchors[anchor]
        if marked is None:
            self.fail(f"*{anchor} stands inside &{anchor}: it would contain itself")
        value, nodes, height = marked
        if len(self.stack) + height > MAX_DEPTH:
            self.fail(f"is more than {MAX_DEPTH} levels deep")
        self.add(copy(value, self.budget), nodes, height)
        return None

    def start(self, event: Any, value: Section | list[Any]) -> None:
        """Begin a mapping or list."""
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.fail(f"the tag {event.tag.replace('tag:yaml.org,2002:', '!!')} is not known: leave it out")
        if len(self.stack) >= MAX_DEPTH:
            self.fail(f"is more than {MAX_DEPTH} levels deep")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(Frame(value, event.anchor, bool(event.flow_style)))

    def end(self) -> None:
        """Complete a mapping or list."""
        frame = self.stack.pop()
        value = frame.value
        if frame.merged:
            merged = Section()
            for each in frame.merged:
                merged.update(each)
                merged.places.update(each.places)
            merged.update(value)  # own keys win over merged ones
            merged.places.update(value.places)  # type: ignore[union-attr]  # only mappings have << keys
            value = merged
        if frame.anchor:
            self.anchors[frame.anchor] = (value, frame.nodes, frame.height)
        self.add(value, frame.nodes, frame.height)

    def add(self, value: Any, nodes: int, height: int) -> None:
        """Put a complete value where it belongs."""
        if not self.stack:
            self.result = value
            return
        frame = self.stack[-1]
        frame.nodes += nodes
        frame.height = max(frame.height, height + 1)
        if type(frame.value) is list:
            frame.value.append(value)
        elif not frame.waits:
            self.take_key(frame, value)
        elif frame.merges:
            self.merge(frame, value)
            frame.waits = frame.merges = False
        else:
            frame.waits = False
            if frame.key in frame.value:
                self.duplicate(frame)
            else:
                frame.value.put(frame.key, value, (self.path, frame.key_line))  # type: ignore[union-attr]

    def take_key(self, frame: Frame, key: Any) -> None:
        """Remember a key until its value comes."""
        if isinstance(key, (Section, list)):
            self.fail("a mapping or list cannot be a key: quote text that begins with { or [")
        if isinstance(key, str) and "$*" in key:
            import random

            key = re.sub(r"\$\*", lambda _: "".join(random.choices(_LETTERS, k=5)), key)  # noqa: S311  not a secret
        frame.key, frame.key_line, frame.waits = key, self.line, True

    def merge(self, frame: Frame, value: Any) -> None:
        """Take the value of a << key: a mapping, or a list of which the first wins."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, Section) for each in sources):
            self.fail("<< merges a mapping or a list of mappings", frame.key_line)
        frame.merged += reversed(sources)

    def duplicate(self, frame: Frame) -> None:
        """A key is given twice: a mistake, but for the names of entries, of which the first is kept."""
        first = frame.value.places[frame.key]  # type: ignore[union-attr]
        keys = [*self.keys(), frame.key]
        if not names_entries(keys[:-1]):
            raise Broken(f"this key stands in line {first[1]} already: remove one of them", frame.key_line, keys)
        name = ".".join(str(each) for each in keys)
        self.found.append(
            Problem(
                logging.WARNING,
                f"Duplicate key: {name}: only the one in line {first[1]} counts. Give this one another name",
                self.path,
                frame.key_line,
                name,
            )
        )
