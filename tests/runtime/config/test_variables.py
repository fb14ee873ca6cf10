"""The table of variables, beyond what a case can say."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gramex
from gramex.config import ConfigError, Loaded, load, variables
from gramex.config.table import data_folder, folder_url, mount_url

Read = Callable[..., Loaded]


def test_gramex_s_own(read: Read) -> None:
    read("", {".secrets.yaml": "GRAMEXHOST: x\nGRAMEXPATH: x\nGRAMEXAPPS: x"})
    package = Path(gramex.__file__).parent
    assert variables["GRAMEXPATH"] == str(package)
    assert variables["GRAMEXAPPS"] == str(package / "apps")
    assert variables["GRAMEXHOST"] == socket.gethostname()


def test_the_data_folder_comes_from_the_environment(read: Read, tmp_path: Path) -> None:
    read("", {".secrets.yaml": "X: 1"})
    assert variables["GRAMEXDATA"] == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("platform", "home", "expected"),
    [
        ("linux", "/home/u", "/home/u/.config/gramexdata"),
        ("darwin", "/home/u", "/home/u/Library/Application Support/Gramex Data"),
    ],
)
def test_where_data_are_kept_by_default(
    platform: str, home: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", home)
    assert str(data_folder(tmp_path)) == expected


def test_where_data_are_kept_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert data_folder(tmp_path) == Path("/local/Gramex Data")


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert data_folder(tmp_path) == tmp_path / ".gramexdata"


def test_urls_of_folders(tmp_path: Path) -> None:
    assert folder_url(tmp_path, tmp_path) == "."
    assert folder_url(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert folder_url(tmp_path / "x", tmp_path / "a" / "b") == "../../x"
    assert [mount_url(text) for text in ("/a/b/", "a", "/", "", "./a/", "..")] == ["a/b", "a", ".", ".", "./a", ".."]


def test_the_table_stays_the_same_object_and_forgets(read: Read) -> None:
    table = variables
    read("variables: {ONE: 1}")
    assert table["ONE"] == 1
    read("variables: {TWO: 2}")
    assert variables is table
    assert "ONE" not in table
    assert table["TWO"] == 2


def test_the_environment_is_read_anew(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "1")
    read("")
    monkeypatch.setenv("X", "2")
    assert read("t: $X").conf["t"] == "2"


def test_a_mistake_leaves_the_variables_as_they_were(read: Read) -> None:
    read("variables: {ONE: 1}")
    before = dict(variables)
    with pytest.raises(ConfigError):
        read("variables: {ONE: 2, THREE: 3}\nt: a$")
    assert variables == before


def test_code_sees_the_variables_while_they_are_made(read: Read) -> None:
    loaded = read(
        "variables:\n  A: 5\n  B: {function: app_seen.twice()}\nt: $B",
        {"app_seen.py": "from gramex.config import variables\ndef twice(): return 2 * variables['A']"},
    )
    assert loaded.conf["t"] == 10


def test_modules_of_an_app_come_before_packages_and_behind_the_standard_library(read: Read, folder: Path) -> None:
    read(
        "import: sub/x.yaml\n"
        "variables:\n"
        "  A: {function: yamllint.WHO}\n"
        "  B: {function: 'colorsys.rgb_to_hsv(1, 1, 1)'}\n"
        "  C: {function: app_c.C}",
        {
            "yamllint.py": "WHO = 'app'",
            "colorsys.py": "raise ValueError",
            "sub/x.yaml": "variables: {D: {function: app_c.C}}",
            "sub/app_c.py": "C = 2",
            "app_c.py": "C = 1",
        },
    )
    assert [variables[name] for name in "ABCD"] == ["app", (0.0, 0.0, 1), 1, 1]
    at = sys.path.index(str(folder))
    assert sys.path.index(str(Path(os.__file__).parent)) < at
    assert sys.path[at : at + 2] == [str(folder), str(folder / "sub")]
    assert not any("packages" in path for path in sys.path[:at])


def test_folders_of_an_earlier_load_are_forgotten(read: Read, folder: Path) -> None:
    read("import: sub/x.yaml", {"sub/x.yaml": ""})
    read("")
    assert str(folder) in sys.path
    assert str(folder / "sub") not in sys.path


def test_what_a_function_gives_is_spliced_in(read: Read) -> None:
    loaded = read("variables: {M: {function: 'dict(a=dict(b=1))'}}\nt: {import.merge: $M, c: 2}")
    assert loaded.conf["t"] == {"c": 2, "a": {"b": 1}}
    assert loaded.where("t", "a", "b") == "gramex.yaml:1"


def test_what_a_variable_holds_is_not_shared(read: Read) -> None:
    loaded = read("variables: {M: {a: [1]}}\nt: $M\nu: $M")
    loaded.conf["t"]["a"].append(2)
    assert loaded.conf["u"] == {"a": [1]}
    assert variables["M"] == {"a": [1]}


def test_random_keys_differ(folder: Path, read: Read) -> None:
    first = read("t: {'k$*': 1, 'k$*$*': 2, x: '$$*'}").conf["t"]
    second = load(folder).conf["t"]
    short, long, x = first
    assert short[0] == "k"
    assert short[1:].isalnum()
    assert (len(short), len(long), x) == (6, 11, "x")
    assert set(first) & set(second) == {"x"}
    assert first["x"] == "$*"
