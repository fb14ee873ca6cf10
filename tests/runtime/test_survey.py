"""`gramex license`, `features` and `complexity`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gramex.cli import main
from gramex.survey import measure

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAMEXDATA", str(tmp_path / "data"))
    return tmp_path


def test_license(capsys: Out) -> None:
    assert main(["license"]) == 0
    assert "MIT License" in capsys.readouterr().out


def test_features(folder: Path, capsys: Out) -> None:
    (folder / "gramex.yaml").write_text(
        "url:\n"
        "  a: {pattern: /a, handler: Function, kwargs: {function: '1'}}\n"
        "  b: {pattern: /b, handler: FunctionHandler, kwargs: {function: '1'}}\n"
        "  c: {pattern: /c, service: PPTXHandler}\n"
        "  d: {pattern: /d, handler: own.Handler}\n"
        "schedule: {x: {function: '1', every: 1h}}\n"
        "cache: {disk: {type: disk}}\n"
    )
    assert main(["features"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["1", "cache"],
        ["1", "schedule"],
        ["2", "url:", "FunctionHandler"],
        ["1", "url:", "PPTXHandler", "(not", "in", "this", "runtime:", "answers", "501)"],
        ["1", "url:", "own.Handler"],
    ]


def test_no_app(folder: Path, capsys: Out) -> None:
    assert main(["features"]) == 2
    assert main(["complexity", "nowhere"]) == 1
    (folder / "gramex.yaml").write_text("version: 3\n")
    assert main(["features"]) == 2
    messages = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in messages] == ["gramex features", "gramex complexity", "gramex features"]


def test_complexity(folder: Path, capsys: Out) -> None:
    (folder / "a.py").write_text("# comment\n\nx = 1\ndef f(a, b):\n    return a if a and b else 2\n")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "b.py").write_text("x = 1")
    (folder / "broken.py").write_text("def (")
    assert main(["complexity"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["lines", "functions", "complexity", "file"],
        ["3", "1", "4", "a.py"],
        ["-", "-", "-", "broken.py:", "no", "Python"],
        ["3", "1", "4", "in", "all"],
    ]


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("x = 1", 1),
        ("if x:\n  y\nelif z:\n  a", 3),
        ("[a for a in b if a]", 2),
        ("try:\n  a\nexcept E:\n  b", 2),
        ("a and b or c", 3),
    ],
)
def test_ways(folder: Path, text: str, ways: int) -> None:
    path = folder / "x.py"
    path.write_text(text)
    found = measure(path)
    assert found is not None
    assert found[2] == ways


def test_help_is_a_word_too(capsys: Out) -> None:
    outputs: list[str] = []
    run: Callable[[list[str]], int] = main
    for arguments in (["help"], ["--help"], ["help", "init"], ["init", "--help"]):
        assert run(arguments) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[2] == outputs[3]
