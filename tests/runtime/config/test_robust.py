"""What a broken, hostile or absurd configuration does: a clear message, bounded work, never a traceback."""

from __future__ import annotations

import contextlib
import datetime
import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gramex.config import ConfigError, Loaded, load, variables, yamlfile
from gramex.config import tree as tree_module

Read = Callable[..., Loaded]


def problem(loaded: Loaded) -> str:
    """The one problem, without the start folder."""
    assert len(loaded.problems) == 1, loaded.problems
    assert loaded.problems[0].level == logging.ERROR
    return str(loaded.problems[0]).replace(str(loaded.folder) + os.sep, "")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("url: 5", "url", "5"),
        ("url: [a]", "url", "['a']"),
        ("log: text", "log", "'text'"),
        ("log: {handlers: 5}", "log.handlers", "5"),
        ("log: {loggers: [x]}", "log.loggers", "['x']"),
        ("log: {formatters: x}", "log.formatters", "'x'"),
        ("handlers: 5", "handlers", "5"),
        ("mime: [a]", "mime", "['a']"),
        ("cache: 5", "cache", "5"),
        ("threadpool: true", "threadpool", "True"),
        ("handlers: {BaseHandler: 5}", "handlers.BaseHandler", "5"),
        ("log: {loggers: {gramex: INFO}}", "log.loggers.gramex", "'INFO'"),
        ("log: {root: [console]}", "log.root", "['console']"),
    ],
)
def test_a_section_that_is_no_mapping_is_left_out(read: Read, text: str, key: str, value: str) -> None:
    whole = read(b"").conf[key.partition(".")[0]]
    loaded = read(text.encode())
    assert problem(loaded) == f"gramex.yaml:1: {key}: must be a mapping, not {value}: it is left out"
    assert loaded.conf[key.partition(".")[0]] == whole


def test_a_server_whose_sections_are_no_mappings(serve: Any) -> None:
    log = "{handlers: 5, loggers: [x], formatters: x}"
    process = serve(f"url: 5\nhandlers: x\nmime: [a]\ncache: 5\nthreadpool: 1\nlog: {log}\n", {"a.txt": "A"})
    assert process.get("/a.txt").text == "A"
    process.stop()
    assert "Traceback" not in process.log
    assert (process.data / "logs" / "requests.csv").read_text().count("/a.txt") == 1


def test_an_app_section_with_nothing_in_it_is_none(serve: Any) -> None:
    process = serve("app:\n  # port: 80\n", {"a.txt": "A" * 2000})
    answer = process.get("/a.txt", headers={"Accept-Encoding": "gzip"})  # at the port of the command line
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"t: 1\nu: \xff\n", "gramex.yaml:2: is not UTF-8 text (byte 0xff): save it as UTF-8"),
        (b"t: 1\n\n\xc3", "gramex.yaml:3: is not UTF-8 text (byte 0xc3)"),
        (b"t: a\x00b", "gramex.yaml:1: holds the control character U+0000: remove it"),
        (b"t: a\n# \x1b[31m\n", "gramex.yaml:2: holds the control character U+001B: remove it"),
        (b"t: a\r\nu: \x7f", "gramex.yaml:2: holds the control character U+007F: remove it"),
        (b"\xff\xfet\x00:", "gramex.yaml:1: is not UTF-8 text"),
        (b"t: [" * 99 + b"[", "gramex.yaml:1: "),
        (b"{a: " * 200, "is more than 100 levels deep"),
        (b"[" * 1_000_000, "is more than 100 levels deep"),
        (b"- " * 100_000, "is more than 100 levels deep"),
        (b"? " * 100_000, "is more than 100 levels deep"),
        (b"t: &a [*a]", "gramex.yaml:1: t: *a stands inside &a: it would contain itself"),
        (b"t: &a\n  b: &b {c: *a}\n", "gramex.yaml:2: t.b.c: *a stands inside &a: it would contain itself"),
        (b"t: &a\n  <<: *a\n", "gramex.yaml:2: t.<<: *a stands inside &a"),
        (b"t: 1\n...\nu: 2\n", "gramex.yaml:3: did not find expected <document start>: remove what follows"),
        (b"t: 1\n---\nu: 2\n", "gramex.yaml:2: a second document begins"),
        (b"t: !!python/object/apply:os.system [id]", "gramex.yaml:1: t: the tag !!python/object/apply:os.system is"),
        (b"t: !mine x", "gramex.yaml:1: t: the tag !mine is not known: leave it out"),
        (b"t: !!int x", "gramex.yaml:1: t: 'x' does not fit the tag !!int"),
        (b"t: !!binary 'a'", "does not fit the tag !!binary"),
        (b"t: !!set {a, b}", "the tag !!set is not known"),
        (b"[a]: 1", "gramex.yaml:1: a mapping or list cannot be a key"),
        (b"t: {{x}}", "gramex.yaml:1: t: a mapping or list cannot be a key: quote text that begins with { or ["),
        (b"t: {<<: 3}", "gramex.yaml:1: t.<<: << merges a mapping or a list of mappings"),
        (b"a: 1\nb:\n  c: 1\n  d: 1\n  c: 2\n", "gramex.yaml:5: b.c: this key stands in line 3 already: remove one"),
        (b"a: b: c", "gramex.yaml:1: mapping values are not allowed in this context: quote the text that holds ': '"),
        (b"a: @x", "gramex.yaml:1: a: a value cannot begin with '@': put it in quotes"),
        (b"a: %x", "gramex.yaml:1: a: a value cannot begin with '%': put it in quotes"),
        (b"a:\n\t- b", "gramex.yaml:2: a: a tab indents this line: indent with spaces"),
        (b"a: 'b\nc: d", "gramex.yaml:1: a: a quote is not closed: close the quote"),
        (b'a: "\\d"', "gramex.yaml:1: a: found unknown escape character: write the backslash twice"),
        (b"a: [1, 2", "gramex.yaml:1: a: did not find expected ',' or ']': close the bracket that line 1 opens"),
        (b"a: {", "gramex.yaml:1: a: a bracket is not closed: close it"),
        (b"a: }", "gramex.yaml:1: a: did not find expected node content: a value is missing, or a bracket is one too"),
        (b"a: 1\n b: 2", "gramex.yaml:2: mapping values are not allowed in this context"),
        (b"a:\n    b: 1\n  c: 2", "gramex.yaml:3: "),
        (b"- a\nb: 1", "gramex.yaml:2: did not find expected '-' indicator"),
        (b"a: 1\nb\nc: 2", "gramex.yaml:3: could not find expected ':': a key needs a colon"),
        (b"%YAML 3.0\n---\na: 1", "gramex.yaml:1: found incompatible YAML document"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:30]),
)  # fmt: skip
def test_one_line_for_what_cannot_be_read(read: Read, text: bytes, message: str) -> None:
    loaded = read(text)
    assert message in problem(loaded)
    assert loaded.conf["version"] == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"\xef\xbb\xbft: 1", 1),
        ("t: größe".encode("utf-16"), "größe"),
        ("t: größe \U0001f600".encode(), "größe \U0001f600"),
        (b"t: 1\r\nu: 2\r\n", 1),
        (b"t: 1\ru: 2\r", 1),
        (b"t: 2024-02-30", "2024-02-30"),
        (b"t: " + b"9" * 5000, "9" * 5000),
        (b"t: .inf", float("inf")),
        (b"t: 0x1F", 31),
        (b"t: =", "="),
        (b"t: <<", "<<"),
        (b't: {"<<": 1}', {"<<": 1}),
        (b"t: !!str 12", "12"),
        (b"t: ! 12", "12"),
        (b"t: !!binary aGk=", b"hi"),
        (b"t: !!map {a: !!seq [!!null '']}", {"a": []}),
    ],
)  # fmt: skip
def test_unusual_but_right(read: Read, text: bytes, value: Any) -> None:
    loaded = read(text)
    assert loaded.conf["t"] == value


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_with_and_without_libyaml(read: Read, monkeypatch: pytest.MonkeyPatch, loader: Any) -> None:
    """PyYAML without its C library is slower, and reads the same."""
    monkeypatch.setattr(yamlfile, "Loader", loader)
    loaded = read(
        "import: */x.yaml  # é\nt: {a: &a [1, 2024-01-02, ~], b: *a, c: {<<: {d: no}, e: 'x'}, f: [*.x, b]}",
        {"é/x.yaml": "u: 1", "é/y.yaml": ""},
    )
    date = datetime.date(2024, 1, 2)
    assert loaded.conf["t"] == {"a": [1, date], "b": [1, date], "c": {"d": False, "e": "x"}, "f": ["*.x", "b"]}
    assert loaded.conf["u"] == 1
    assert "is more than 100 levels deep" in str(read("[" * 10_000).problems[0])
    assert "gramex.yaml:3: " in str(read("a: 1\nb:\n\t- 1").problems[0])


def test_a_file_too_large(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlfile, "MAX_BYTES", 2_000_000)
    assert problem(read(b"# " + b"x" * 2_000_000)) == (
        "gramex.yaml: is larger than 2 MB: keep data in files of their own"
    )


def test_an_endless_file(read: Read) -> None:
    assert problem(read("import: /dev/zero")) == "/dev/zero: this is no ordinary file"


def test_a_pipe_does_not_block(read: Read, folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert problem(read("import: pipe.yaml")) == "pipe.yaml: this is no ordinary file"


def test_a_file_that_may_not_be_read(read: Read, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"x.yaml": "a: 1"})
    open_file = Path.open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:  # chmod does not keep root out
        if path.name == "x.yaml":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_file(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert problem(read("import: x.yaml")) == "x.yaml: cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000, "a\\0b", "x.yaml/y.yaml"])
def test_impossible_paths(read: Read, name: str) -> None:
    loaded = read(f'app: {{t: 1}}\nimport: "{name}"', {"x.yaml": ""})
    assert loaded.conf["app"]["t"] == 1
    assert len(loaded.problems) == 1


def test_a_link_to_nothing(read: Read, folder: Path) -> None:
    (folder / "x.yaml").symlink_to("nothing")
    (folder / ".secrets.yaml").symlink_to("nothing")
    messages = [problem.message for problem in read("import: x.yaml").problems]
    assert messages == [
        f"Missing config: {folder}/.secrets.yaml: it links to a file that is not there",
        f"Missing config: {folder}/x.yaml",
    ]


def test_a_link_in_a_circle(read: Read, folder: Path) -> None:
    (folder / "x.yaml").symlink_to("x.yaml")
    assert "x.yaml" in str(read("import: x.yaml").problems[0])


def test_an_app_whose_own_file_is_a_dead_link_is_not_the_guide(folder: Path) -> None:
    (folder / "gramex.yaml").symlink_to("nothing")
    loaded = load(folder)
    assert not loaded.guide
    assert loaded.problems[0].message == f"Missing config: {folder}/gramex.yaml"


def test_any_depth_through_links_in_a_circle(read: Read, folder: Path, write: Any) -> None:
    write({"a/b/x.yaml": "t: [$YAMLURL]"})
    (folder / "a" / "b" / "up").symlink_to(folder / "a")
    loaded = read("import: '**/x.yaml'")
    assert loaded.conf["t"] == ["a/b"]
    assert len([path for path in loaded.files if path.name == "x.yaml"]) == 1


def bomb(levels: int, width: int, first: str) -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines)


def test_aliases_that_multiply(read: Read) -> None:
    assert problem(read(bomb(30, 10, "[x]"))) == (
        "gramex.yaml:6: a5: aliases and variables multiply it to more than 200,000 values: repeat less of it"
    )


def test_many_aliases_that_do_not(read: Read) -> None:
    loaded = read("a: &a {b: [1, 2, 3]}\nt:\n" + "".join(f"  k{number}: *a\n" for number in range(2000)))
    assert loaded.problems == loaded.problems[:2]
    assert loaded.conf["t"]["k1999"] == {"b": [1, 2, 3]}


def test_merges_that_multiply(read: Read) -> None:
    text = "a0: &a0 {" + ", ".join(f"k{number}: [1, 2, 3]" for number in range(100)) + "}\n"
    text += "".join(f"a{level}: &a{level} {{<<: [{', '.join(['*a0'] * 100)}]}}\n" for level in range(1, 10))
    assert "multiply it to more than 200,000 values" in problem(read(text))


def test_aliases_that_nest(read: Read) -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 1000))
    assert problem(read(text)) == "gramex.yaml:100: a99: is more than 100 levels deep"


def fatal(read: Read, text: str, files: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text, files)
    return str(caught.value)


def test_variables_that_multiply(read: Read) -> None:
    lines = ["variables:", "  A0: [x]"]
    lines += [f"  A{level}: [{', '.join([f'$A{level - 1}'] * 10)}]" for level in range(1, 20)]
    assert "gramex.yaml: aliases and variables multiply it to more than 200,000 values" in fatal(read, "\n".join(lines))


def test_texts_that_multiply(read: Read) -> None:
    lines = ["variables:", "  A0: " + "x" * 1000]
    lines += [f"  A{level}: {f'$A{level - 1}' * 10}." for level in range(1, 20)]
    assert "variables multiply its texts to more than 20 million characters" in fatal(read, "\n".join(lines))


def test_variables_that_nest(read: Read) -> None:
    lines = ["variables:", "  A0: [x]", *(f"  A{level}: [$A{level - 1}]" for level in range(1, 3000))]
    assert "is nested too deep, or contains itself" in fatal(read, "\n".join(lines))


def test_a_function_that_gives_itself(read: Read) -> None:
    loaded = read("variables: {A: {function: app_me.ME}}\nt: $A", {"app_me.py": "ME = []\nME.append(ME)"})
    assert "variables.A: function: failed with RecursionError" in str(loaded.problems[0])


def test_a_function_that_ends_the_process(read: Read) -> None:
    with pytest.raises(SystemExit):
        read("variables: {A: {function: exit(3)}}\n")


def test_the_budget_is_one_for_all_files(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MAX_NODES", 100)
    monkeypatch.setattr(tree_module.Budget.__init__, "__defaults__", (100, 1000))
    files = {f"{name}.yaml": "a: &a [1, 2, 3]\nt: [" + ", ".join(["*a"] * 20) + "]" for name in "xy"}
    loaded = read("import: [x.yaml, y.yaml]", files)
    assert [problem.file.name for problem in loaded.problems if problem.title] == ["y.yaml"]


def test_imports_that_multiply(read: Read, write: Any) -> None:
    write({f"{name}.yaml": "import: '*.yaml'" for name in "abcdefghij"})
    assert ".yaml:1: import: reads more than 2000 files, or more than 40 deep" in fatal(read, "import: '*.yaml'")


def test_imports_that_nest(read: Read, write: Any) -> None:
    write({f"x{number}.yaml": f"import: x{number + 1}.yaml" for number in range(60)} | {"x60.yaml": "t: 1"})
    assert "x39.yaml:1: import: reads more than 2000 files, or more than 40 deep" in fatal(read, "import: x0.yaml")


def test_imports_in_a_deep_place(read: Read, write: Any) -> None:
    deep = "{a: " * 95 + "{import: x%d.yaml}" + "}" * 95
    write({f"x{number}.yaml": deep % (number + 1) for number in range(30)})
    assert "is nested too deep, or contains itself" in fatal(read, deep % 0)


def test_all_that_stops_the_start_is_told_at_once(read: Read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("t: a$\nu: [b$, {c: $1}]\nversion: 3\napp: {listen: {port: x}}")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 2, 4, 3]
    assert caught.value.problem == caught.value.problems[0]


def test_secrets_are_in_no_message(read: Read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("t: {password: hunter$, b: '$PW$'}", {".secrets.yaml": "PW: hunter2"})
    assert "hunter" not in "".join(map(str, caught.value.problems))


ALPHABET = st.sampled_from(
    [*"ab:-[]{}&*!|>'\"%@`#,? \n\t$.<", "import", "variables", "<<", " if ", "url", "é", "\0", "\x85"]
)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(text=st.lists(ALPHABET, max_size=40).map("".join))
def test_any_text(folder: Path, text: str) -> None:
    """A configuration loads, or ends in a ConfigError: nothing else."""
    (folder / "gramex.yaml").write_bytes(text.encode())
    loaded: Loaded | ConfigError
    try:
        loaded = load(folder)
    except ConfigError as error:
        loaded = error
    if isinstance(loaded, ConfigError):
        assert loaded.problem.file
    else:
        assert variables["YAMLURL"] == "."
        assert all(isinstance(section, str | int | float | bool) for section in loaded.conf)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=60))
def test_any_bytes(folder: Path, data: bytes) -> None:
    (folder / "gramex.yaml").write_bytes(data)
    with contextlib.suppress(ConfigError):
        load(folder)
