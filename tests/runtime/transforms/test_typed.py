"""gramex.transforms.handler: arguments of a request as typed parameters."""

import datetime
import json
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, RequestHandler

from gramex.handlers.expression import compile_function
from gramex.transforms import handler


class Request(RequestHandler):
    """A handler without a connection."""

    def __init__(self, args=None, path_args=(), path_kwargs=None, body=None, content_type="application/json"):
        self.args = args or {}
        self.path_args, self.path_kwargs = list(path_args), path_kwargs or {}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.request = SimpleNamespace(body=data, headers=HTTPHeaders({"Content-Type": content_type}))


def typed(n: int, x: float = 1.5, *, flag: bool = False):
    return n, x, flag


@pytest.mark.parametrize(
    ("request_handler", "expected"),
    [
        (Request({"n": ["1", "2"]}), (2, 1.5, False)),
        (Request({"n": ["1"], "x": ["3"], "flag": ["yes"]}), (1, 3.0, True)),
        (Request(path_args=["7", "8"]), (7, 8.0, False)),
        (Request({"x": ["2"]}, path_args=["7"]), (7, 2.0, False)),
        (Request(path_kwargs={"n": "9"}), (9, 1.5, False)),
        (Request(body={"n": 4, "flag": True}), (4, 1.5, True)),
        (Request({"n": ["1"]}, body={"n": 2}), (2, 1.5, False)),
        (Request({"n": ["3"]}, body=[1]), (3, 1.5, False)),
        (Request({"n": ["3"], "flag": ["0"]}), (3, 1.5, False)),
        (Request(body={"n": True}), (1, 1.5, False)),
    ],
)
def test_values_become_typed(request_handler, expected):
    assert handler(typed)(request_handler) == expected


@pytest.mark.parametrize(
    "request_handler",
    [
        Request(),
        Request({"n": ["x"]}),
        Request({"n": ["1"], "flag": ["perhaps"]}),
        Request({"n": ["1.5"]}),
        Request(body={"n": 1.5}),
        Request(body={"n": [1, "x"]}),
        Request(body=b"{"),
        Request(body=b"[" * 100_000),
        Request(body={"n": []}),
        Request(body={"n": {"a": 1}}),
    ],
)
def test_missing_and_wrong_values_are_400(request_handler):
    with pytest.raises(HTTPError) as caught:
        handler(typed)(request_handler)
    assert caught.value.status_code == 400


def test_lists():
    @handler
    def total(v: list[int], w: list = None, *items: float):  # noqa: RUF013  as apps write it
        return v, w, items

    assert total(Request({"v": ["1", "2"], "w": ["a"], "items": ["1.5"]})) == ([1, 2], ["a"], (1.5,))
    assert total(Request(body={"v": [3, 4]})) == ([3, 4], None, ())
    assert total(Request(body={"v": [], "w": [1, "a", None]})) == ([], [1, "a", None], ())


def test_items_from_groups():
    @handler
    def total(*items: float):
        return sum(items)

    assert total(Request(path_args=["1", "2.5"])) == 3.5


def test_other_types():
    @handler
    def f(day: datetime.date, a: int | None = None, b: int | None = 5, c: "int | None" = None, d: Any = 0, e=1):
        return day, a, b, c, d, e

    request = Request({"day": ["2026-01-02"], "a": ["1"], "c": ["3"], "d": ["x"], "e": ["y"]})
    assert f(request) == (datetime.date(2026, 1, 2), 1, 5, 3, "x", "y")
    with pytest.raises(HTTPError):
        f(Request({"day": ["tomorrow"]}))


def test_handler_itself_and_the_rest():
    @handler
    def f(handler, x: int, **rest):
        return handler, x, rest

    request = Request({"x": ["1"], "y": ["2", "3"]})
    assert f(request) == (request, 1, {"y": "3"})


def test_other_calls_are_plain():
    assert handler(typed)(1, flag=True) == (1, 1.5, True)


def test_coroutines_stay_coroutines():
    import asyncio

    @handler
    async def f(n: int):
        return n + 1

    assert asyncio.run(f(Request({"n": ["1"]}))) == 2


def test_forms_are_no_json():
    assert handler(typed)(Request({"n": ["1"]}, body=b"n=1", content_type="application/x-www-form-urlencoded"))[0] == 1


def test_null_is_none_where_that_may_be():
    def optional(a: Optional[int], b: int = None, c=None, *, d: int = 5):  # noqa: RUF013, UP045  apps write so
        return a, b, c, d

    assert handler(optional)(Request(body={"a": None, "b": None, "c": None})) == (None, None, None, 5)
    with pytest.raises(HTTPError, match="d: None is no int"):
        handler(optional)(Request(body={"a": 1, "d": None}))


def test_values_without_a_type_stay_what_json_has():
    def plain(a, b=None):
        return a, b

    assert handler(plain)(Request({"b": ["1", "2"]}, body={"a": [1, {"c": 2}]})) == ({"c": 2}, "2")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"kwargs": {"n": 5}}, [5, 9.0, False]),
        ({"args": [5], "kwargs": {"flag": "=handler.args"}}, [5, 9.0, {"x": ["9"], "n": ["1"]}]),
        ({"args": ["=handler"]}, [1, 9.0, False]),
    ],
)
def test_the_configuration_gives_some_arguments(tmp_path, monkeypatch, extra, expected):
    lines = "from gramex.transforms import handler", "@handler", "def f(n: int, x: float = 1.5, flag=False):"
    (tmp_path / "typed_module.py").write_text("\n".join(lines) + "\n    return [n, x, flag]\n")
    monkeypatch.syspath_prepend(tmp_path)
    function = compile_function({"function": "typed_module.f", **extra}, ("handler",))
    assert function(Request({"x": ["9"], "n": ["1"]})) == expected
