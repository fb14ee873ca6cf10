"""Environments for Windows, made here: what goes in, what is refused, and that equal things give equal bytes."""

from __future__ import annotations

import hashlib
import json
import runpy
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from gramex_bundle.archive import BundleError
from gramex_windows.controller import bundle, environment, interpreter, lock, tool

ROOT = Path(__file__).resolve().parents[3]

LOCK = """\
tea==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:{tea} \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
uvloop==0.21.0 ; sys_platform != 'win32' \\
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
old==1.0 ; python_full_version < '3.11' \\
    --hash=sha256:2222222222222222222222222222222222222222222222222222222222222222
"""


def sha(place: Path) -> str:
    return hashlib.sha256(place.read_bytes()).hexdigest()


def pack(place: Path, *names: str) -> Path:
    """A ZIP archive of files that hold their own names."""
    with zipfile.ZipFile(place, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return place


def wheel(folder: Path, name: str) -> Path:
    """A wheel with one module and a program."""
    place = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(f"{name}.py", f"NAME = {name!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return place


@pytest.fixture
def recipe(tmp_path: Path) -> environment.Recipe:
    """An interpreter of a few files, a lock with one package for Windows, our wheel, and no network."""
    house = tmp_path / "wheels"
    house.mkdir()
    tea, ours = wheel(house, "tea"), wheel(tmp_path, "gramex_runtime")
    python = pack(tmp_path / "python.zip", "python.exe", "python311.dll", "python311.zip", "python311._pth")
    file = tmp_path / "lock.txt"
    file.write_text(LOCK.format(tea=sha(tea)))
    found = interpreter.get("python.zip", sha(python), tmp_path, tmp_path)
    return environment.Recipe("0123456789abcdef", found, file, ours, sha(ours), wheels=house)


def test_it_holds_interpreter_and_packages(recipe: environment.Recipe, tmp_path: Path) -> None:
    with zipfile.ZipFile(environment.build(recipe, tmp_path / "cache")) as archive:
        names = archive.namelist()
        paths = archive.read("python311._pth").decode()
    assert {"python.exe", "Lib/site-packages/tea.py", "Lib/site-packages/gramex_runtime.py"} <= set(names)
    assert names[-1] == "environment.txt", "the mark that all is there comes last"
    assert not [name for name in names if "uvloop" in name or "old" in name or "/bin/" in name]
    assert paths.split("\n") == ["python311.zip", ".", "Lib\\site-packages", "import site", ""]


def test_equal_things_give_equal_bytes(recipe: environment.Recipe, tmp_path: Path) -> None:
    one, two = (environment.build(recipe, tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    before = one.stat().st_ino
    assert environment.build(recipe, tmp_path / "one").stat().st_ino == before, "made once for each key"


def test_a_changed_wheel_is_refused(recipe: environment.Recipe, tmp_path: Path) -> None:
    place = wheel(tmp_path / "wheels", "tea")
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(environment.BuildError, match="HASHES"):
        environment.build(recipe, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.zip"))


def test_the_lock_is_read_as_windows_does(recipe: environment.Recipe) -> None:
    text = recipe.lock.read_text()
    assert lock.pins(lock.windows(text, (3, 12))) == ["tea==1.0"]
    assert lock.pins(lock.windows(text, (3, 10))) == ["tea==1.0", "old==1.0"]
    assert lock.windows(text, (3, 12)).count("--hash") == 2
    real = ROOT / "locks" / "runtime.txt"
    names = {pin.partition("==")[0] for pin in lock.pins(lock.windows(real.read_text(), (3, 12)))}
    assert {"tornado", "pywin32"} <= names
    assert "uvloop" not in names


def test_another_interpreter_is_refused(tmp_path: Path) -> None:
    place = pack(tmp_path / "python.zip", "python.exe", "python39.dll")
    for digest, said in ((64 * "0", "winservice_python_sha256"), (sha(place), "3.10 or newer")):
        with pytest.raises(interpreter.PythonError, match=said):
            interpreter.get("python.zip", digest, tmp_path, tmp_path)
    other = pack(tmp_path / "other.zip", "bin/python3")
    with pytest.raises(interpreter.PythonError, match=r"python\.exe"):
        interpreter.get("other.zip", sha(other), tmp_path, tmp_path)
    with pytest.raises(interpreter.PythonError, match="no file"):
        interpreter.get("nowhere.zip", sha(other), tmp_path, tmp_path)
    with pytest.raises(interpreter.PythonError, match="https"):
        interpreter.get("http://example.com/python.zip", sha(other), tmp_path, tmp_path)


def test_the_program_for_hosts_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    place = tool.build(tmp_path)
    with zipfile.ZipFile(place) as archive:
        assert {"__main__.py", "host/main.py", "host/switch.py"} <= set(archive.namelist())
    assert place.stem == f"gramex-{sha(place)[:16]}"
    assert tool.build(tmp_path) == place


def bundle_of(place: Path, suite: str, recipe: environment.Recipe) -> Path:
    """A bundle as `make bundle` packs it."""
    pack_bundle = runpy.run_path(str(ROOT / "tools" / "bundle.py"))["pack"]
    manifest = place.with_suffix(".json")
    manifest.write_text(json.dumps({"format": 1, "suite": suite, "interpreter": "python.zip"}))
    wheels = {f"wheels/{each.name}": each for each in (recipe.wheels or Path()).iterdir()}
    pack_bundle(place, {**wheels, "python/python.zip": recipe.interpreter.place, "manifest.json": manifest})
    return place


def test_a_bundle_takes_the_place_of_the_network(recipe: environment.Recipe, tmp_path: Path) -> None:
    place = bundle_of(tmp_path / "bundle.tar", "windows", recipe)
    kit = bundle.given({"winservice_bundle": "bundle.tar"}, tmp_path, tmp_path / "cache")
    found = interpreter.get(kit.python, recipe.interpreter.digest, tmp_path, tmp_path)
    made = environment.build(replace(recipe, interpreter=found, wheels=kit.wheels), tmp_path / "cache")
    assert made.is_file()
    content = bytearray(place.read_bytes())
    content[content.index(b"tea.py")] ^= 1
    place.write_bytes(content)
    with pytest.raises(BundleError, match=r"wheels/tea-1\.0"):
        bundle.given({"winservice_bundle": "bundle.tar"}, tmp_path, tmp_path / "cache")


def test_a_bundle_for_others_is_refused(recipe: environment.Recipe, tmp_path: Path) -> None:
    bundle_of(tmp_path / "bundle.tar", "bookworm", recipe)
    with pytest.raises(BundleError, match="SUITE=windows"):
        bundle.given({"winservice_bundle": "bundle.tar"}, tmp_path, tmp_path / "cache")


def test_what_an_app_requires_is_worked_out_for_windows(recipe: environment.Recipe, tmp_path: Path) -> None:
    house = recipe.wheels
    assert house
    wheel(house, "milk")
    wheel(house, "linuxonly")
    (tmp_path / "requirements.txt").write_text("milk ; sys_platform == 'win32'\nlinuxonly ; sys_platform == 'linux'\n")
    wanted = replace(recipe, requirements=("requirements.txt",), folder=tmp_path)
    with zipfile.ZipFile(environment.build(wanted, tmp_path / "cache")) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert "milk.py" in names
    assert "linuxonly.py" not in names
    (tmp_path / "requirements.txt").write_text("tea==2.0\n")
    with pytest.raises(environment.BuildError, match="tea"):
        environment.build(replace(wanted, key="f" * 16), tmp_path / "cache")
