"""What a command line asks of a Windows service, read on any system."""

from __future__ import annotations

from pathlib import Path

import pytest

from gramex.arguments import UsageError
from gramex.winservice.request import read_request


def test_the_options_of_the_page(tmp_path: Path) -> None:
    words = ["install", "--cwd", str(tmp_path), "--user", "DOMAIN\\USER", "--password", "1234", "--startup", "auto"]
    request = read_request(words)
    assert (request.action, request.cwd, request.user) == ("install", tmp_path, "DOMAIN\\USER")
    assert (request.password, request.startup, request.server) == ("1234", "auto", None)


def test_arguments_that_an_action_has_no_use_for_do_no_harm(tmp_path: Path) -> None:
    assert read_request(["stop"], startup="auto", cwd=str(tmp_path)).action == "stop"


def test_what_is_not_said_comes_from_the_arguments(tmp_path: Path) -> None:
    request = read_request(
        ["install", "--user=ann"], user="bob", password="x", startup="auto", cwd=str(tmp_path), wait=3
    )
    assert (request.user, request.password, request.startup) == ("ann", "x", "auto")
    assert (request.cwd, request.wait) == (tmp_path, 3)


@pytest.mark.parametrize(
    ("words", "server"),
    [
        (["install"], None),
        (["install", "--listen.port=8001", "--log.level", "debug"], ("--listen.port=8001", "--log.level=debug")),
        (["--watch=false", "install", "--", "--app.own=1"], ("--watch=false", "--app.own=1")),
        (["install", "--settings.debug"], ("--settings.debug",)),
        (["update", "--"], ()),  # none any more
    ],
)
def test_options_of_the_server_are_kept_as_typed(words: list[str], server: tuple[str, ...] | None) -> None:
    assert read_request(words).server == server


def test_a_password_stays_text() -> None:
    for password in ("007", "false", "null", "[x", "a=b"):
        assert read_request(["install", "--user=ann", f"--password={password}"]).password == password


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what to do"),
        (["instal"], "Did you mean install?"),
        (["start", "stop"], "one word too many"),
        (["install", "--startpu=auto"], "Did you mean --startup?"),
        (["install", "--startup=never"], "manual, auto, delayed, disabled"),
        (["install", "--user"], "--user=DOMAIN\\USER"),
        (["install", "--cwd=/no/such/folder"], "there is no folder"),
        (["install", "--listen.port=x"], "a port"),
        (["install", "--", "8001"], "is no option of the server"),
        (["install", "--name=a/b"], "no slashes"),
        (["start", "--wait=soon"], "a number of seconds"),
        (["start", "--wait=-1"], "a number of seconds"),
        (["stop", "--cwd=/"], "belong to install and update"),
        (["start", "--listen.port=80"], "belong to install and update"),
    ],
)
def test_mistakes_are_told(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("\\", "\\\\").replace("?", "\\?")):
        read_request(words)
