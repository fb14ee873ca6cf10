"""`gramex check` asks whether a key of ``kwargs:`` that is much like a known one is meant to be that."""

from pathlib import Path

import pytest

from gramex.check.configuration import check_configuration


def warnings(folder: Path, text: str) -> list[str]:
    (folder / "gramex.yaml").write_text(text, encoding="utf-8")
    return [str(finding) for finding in check_configuration(folder)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "url:\n  a: {pattern: /a, handler: FileHandler, kwargs: {path: .,\n    hedaers: {X-A: b}}}\n",
            "warning: gramex.yaml:3: url.a.kwargs.hedaers: is not known: did you mean headers?",
        ),
        (
            "handlers:\n  BaseHandler:\n    ratelimits: {keys: [hourly, user], limit: 1}\n",
            "warning: gramex.yaml:3: handlers.BaseHandler.ratelimits: is not known: did you mean ratelimit?",
        ),
        (
            "handlers:\n  file: {default_filenames: a.html}\n",
            "warning: gramex.yaml:2: handlers.file.default_filenames: is not known: did you mean default_filename?",
        ),
    ],
    ids=["entry", "every handler", "defaults of one"],
)
def test_a_key_that_is_like_a_known_one(tmp_path: Path, text: str, said: str) -> None:
    assert warnings(tmp_path, text) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "url: {a: {pattern: /a, handler: FunctionHandler, kwargs: {function: 1 + 1, colour: red}}}",
        "url: {a: {pattern: /a, handler: gramex.handlers.BaseHandler, kwargs: {auth: true}}}",
        "url: {a: {pattern: /a, handler: json.JSONDecoder, kwargs: {pathh: x}}}",
    ],
    ids=["the app's own key", "a known one", "another class"],
)
def test_a_key_that_is_not(tmp_path: Path, text: str) -> None:
    assert not [line for line in warnings(tmp_path, text) if "did you mean" in line]
