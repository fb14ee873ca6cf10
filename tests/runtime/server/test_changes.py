"""A changed file of the configuration has the effect of SIGHUP."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from gramex.config import ConfigError, Loaded, Problem
from gramex.server.changes import Changes

PAGE = "url:\n  page: {{pattern: /page, handler: FunctionHandler, kwargs: {{function: 'str(\"{}\")'}}}}\n"
ONE, TWO = PAGE.format("one"), PAGE.format("two")


def text(process: Any) -> str:
    return process.get("/page").text


def test_a_change_is_taken_over(serve: Any) -> None:
    process = serve(ONE)
    assert text(process) == "one"
    (process.folder / "gramex.yaml").write_text(TWO)
    process.wait_for(lambda: text(process) == "two")
    assert "gramex.yaml changed" in process.log
    time.sleep(1.5)
    assert process.log.count("Reloaded") == 1


def test_a_file_that_is_replaced_by_rename(serve: Any) -> None:
    """As rsync, mv and many editors do. Same size, same time: only the file is another one."""
    process = serve(ONE)
    old, new = process.folder / "gramex.yaml", process.folder / "new"
    new.write_text(TWO)
    info = old.stat()
    os.utime(new, ns=(info.st_atime_ns, info.st_mtime_ns))
    new.replace(old)
    process.wait_for(lambda: text(process) == "two")


def test_imported_files_and_secrets(serve: Any) -> None:
    files = {"part/gramex.yaml": ONE, ".secrets.yaml": "A: 1\n"}
    process = serve("import: {part: part/gramex.yaml}\n", files)
    (process.folder / "part/gramex.yaml").write_text(TWO)
    process.wait_for(lambda: text(process) == "two")
    (process.folder / ".secrets.yaml").write_text("A: 2\n")
    process.wait_for(lambda: process.log.count("Reloaded") == 2)


def test_a_mistake_keeps_the_old_configuration_until_it_is_mended(serve: Any) -> None:
    process = serve(ONE)
    (process.folder / "gramex.yaml").write_text("url: [\n")
    process.wait_log("Reload failed")
    assert text(process) == "one"
    (process.folder / "gramex.yaml").write_text(TWO)
    process.wait_for(lambda: text(process) == "two")
    assert process.log.count("Reload failed") == 1


def test_a_mistake_in_a_file_that_is_new_is_noticed_when_mended(serve: Any) -> None:
    process = serve(ONE, {"part/gramex.yaml": "url: [\n"})
    (process.folder / "gramex.yaml").write_text("import: {part: part/gramex.yaml}\n")
    process.wait_log("Reload failed")
    (process.folder / "part/gramex.yaml").write_text(TWO)
    process.wait_for(lambda: text(process) == "two")


def test_a_file_that_comes_into_being(serve: Any) -> None:
    process = serve(None)
    (process.folder / "gramex.yaml").write_text(ONE)
    process.wait_for(lambda: text(process) == "one")


def test_a_missing_gramex_yaml_is_about_to_come_back(serve: Any) -> None:
    process = serve(ONE)
    (process.folder / "gramex.yaml").unlink()
    time.sleep(2)
    assert text(process) == "one"
    (process.folder / "gramex.yaml").write_text(TWO)
    process.wait_for(lambda: text(process) == "two")
    assert process.log.count("Reloaded") == 1


@pytest.mark.parametrize("way", ["configuration", "option"])
def test_switched_off(serve: Any, way: str) -> None:
    conf = ONE + ("app: {watch: false}\n" if way == "configuration" else "")
    process = serve(conf, None, *(["--watch=false"] if way == "option" else []))
    (process.folder / "gramex.yaml").write_text(TWO)
    time.sleep(2)
    assert text(process) == "one"
    process.kill(signal.SIGHUP)
    process.wait_for(lambda: text(process) == "two")


def test_a_wrong_value_names_its_place(serve: Any) -> None:
    process = serve(ONE + "app: {watch: sometimes}\n", ready=False)
    assert process.wait() == 2
    assert "gramex.yaml:3: app.watch: must be true or false, not 'sometimes'" in process.log


def test_the_app_section_is_that_of_the_start(serve: Any) -> None:
    login = "  private: {pattern: /private, handler: FunctionHandler, kwargs: {function: '1', auth: true}}\n"
    process = serve(ONE + login)
    assert process.get("/private").headers["Location"].startswith("/login/?")
    change = "app: {settings: {login_url: /other/}, session: {cookie: x}, own: 1}\n"
    (process.folder / "gramex.yaml").write_text(ONE + login + change)
    process.wait_log("Reloaded")
    assert "Changes of app.own, app.session.cookie, app.settings.login_url are ignored while running" in process.log
    assert process.get("/private").headers["Location"].startswith("/login/?")
    other = serve(None, folder=process.folder, data=process.data)
    assert other.get("/private").headers["Location"].startswith("/other/?")


def test_sessions_live_on(serve: Any) -> None:
    conf = (
        "url:\n  count: {pattern: /count, handler: FunctionHandler, kwargs: {function: count.up}}\n"
        "  page: {pattern: /page, handler: FunctionHandler, kwargs: {function: 'str(1)'}}\n"
    )
    code = (
        "def up(handler):\n"
        "    handler.session['n'] = handler.session.get('n', 0) + 1\n"
        "    return str(handler.session['n'])\n"
    )
    process = serve(conf, {"count.py": code})
    browser = process.browser()
    assert browser.get("/count").text == "1"
    (process.folder / "gramex.yaml").write_text(conf.replace("str(1)", "str(2)"))
    process.wait_for(lambda: text(process) == "2")
    assert browser.get("/count").text == "2"


def loaded(folder: Path) -> Loaded:
    return Loaded({}, folder, [folder / "gramex.yaml", folder / "other.yaml"])


def test_a_file_that_still_grows_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "gramex.yaml"
    file.write_text("a")
    changes = Changes(loaded(tmp_path), lambda: loaded(tmp_path))
    for content in ("", "ab", "abc"):
        file.write_text(content)
        assert changes.look() == []
    assert changes.look() == [file]
    assert changes.look() == []


def test_what_changes_while_it_is_read_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "gramex.yaml"
    file.write_text("a")

    def read() -> Loaded:
        file.write_text("abc")
        return loaded(tmp_path)

    changes = Changes(loaded(tmp_path), read)
    changes.read()
    changes.look()
    assert changes.look() == [file]


def test_files_with_mistakes_are_watched(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("[")

    def read() -> Loaded:
        raise ConfigError(Problem(40, "is no YAML", bad))

    changes = Changes(loaded(tmp_path), read)
    with pytest.raises(ConfigError):
        changes.read()
    bad.write_text("{}")
    changes.look()
    assert changes.look() == [bad]
