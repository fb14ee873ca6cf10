"""What ``function:`` keys mean."""

import asyncio
import inspect
import sys

import pytest
from tornado import gen

from gramex.handlers.expression import compile_function


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module, return its unique name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(text, name=None):
        name = name or f"expr_{tmp_path.name.replace('-', '_')}_{len(made)}"
        made.append(name)
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


def call(spec, *values, vars=("handler",)):
    result = compile_function(spec, vars)(*values)

    async def finish():
        return await result

    return asyncio.run(finish()) if inspect.isawaitable(result) else result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 1", 2),
        ("str(handler)", "H"),
        ("json.dumps([1])", "[1]"),
        ("os.path.basename('/a/b')", "b"),
        ("[x * 2 for x in range(3)]", [0, 2, 4]),
        ("sorted([3, 1], key=lambda n: -n)", [3, 1]),
        ("[handler for _ in 'ab']", ["H", "H"]),
        ("(lambda handler: handler)(5)", 5),
        ("xml.dom.minidom.Node.ELEMENT_NODE", 1),
        ("'%s' % handler", "H"),
        ("handler.lower()", "h"),
        ("  1 +\n  1  ", 2),
    ],
)
def test_expressions(text, expected):
    assert call({"function": text}, "H") == expected


def test_bare_name_is_called_with_the_variables(module):
    name = module("def f(handler): return ['got', handler]\nvalue = 5\n")
    assert call({"function": f"{name}.f"}, "H") == ["got", "H"]
    assert call({"function": f"{name}.value"}, "H") == 5
    assert callable(call({"function": f"({name}.f)"}, "H"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(): return 'none'", "none"),
        ("def f(handler): return handler", "H"),
        ("def f(content): return content", "C"),
        ("def f(x): return x", "C"),
        ("def f(x, y): return x + y", "CH"),
        ("def f(*args): return ''.join(args)", "CH"),
        ("def f(handler, content, more=1): return handler + content", "CH"),
        ("def f(*, handler): return handler", "H"),
        ("def f(**kwargs): return len(kwargs)", 0),
        ("class f:\n    def __new__(cls, x): return x", "C"),
    ],
)
def test_bare_name_gets_what_it_takes(module, code, expected):
    # content and handler are given in this order, as to a transform
    assert call({"function": module(code) + ".f"}, "C", "H", vars=("content", "handler")) == expected


def test_args_and_kwargs(module):
    name = module("def f(*args, **kwargs): return args, kwargs")
    spec = {
        "function": f"{name}.f",
        "args": ["text", "=handler", "==x", 1, "=handler * 2"],
        "kwargs": {"k": "=handler"},
    }
    assert call(spec, "H") == (("text", "H", "=x", 1, "HH"), {"k": "H"})
    assert call({"function": f"{name}.f", "args": "one"}, "H") == (("one",), {})
    assert call({"function": f"{name}.f", "kwargs": {}}, "H") == ((), {})


def test_pipeline_passes_results_by_name(module):
    name = module("async def double(x): return x * 2")
    spec = {
        "function": [
            {"name": "a", "function": f"{name}.double(2)"},
            {"name": "b", "function": "a + 1"},
            f"{name}.double(b)",
            {"function": "[a, b, handler]"},
        ]
    }
    assert call(spec, "H") == [4, 5, "H"]


def test_pipeline_without_coroutines_is_not_awaitable():
    assert compile_function([{"name": "x", "function": "1"}, "x + 1"])("H") == 2


def test_last_result_of_a_pipeline_counts_even_if_it_is_nothing():
    assert call(["1", "None"], "H") is None


@pytest.mark.parametrize(("number", "result"), [(5, 5), (1.5, 1.5), (True, True), ([5, "1 + 1"], 2)])
def test_a_number_stands_for_itself(number, result):
    assert call({"function": number}, "H") == result


def test_native_and_decorated_coroutines_are_awaitable(module):
    name = module(
        "from tornado import gen\nasync def a(handler): return handler\n"
        "@gen.coroutine\ndef b(handler):\n    yield gen.sleep(0)\n    raise gen.Return(handler)\n"
    )
    assert call({"function": f"{name}.a"}, "H") == "H"

    async def decorated():
        return await compile_function({"function": f"{name}.b"})("H")

    assert asyncio.run(decorated()) == "H"
    assert gen.coroutine  # the decorator that apps use


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"function": ""}, "must be an expression"),
        ({"function": "  "}, "must be an expression"),
        ({"function": {"a": 5}}, "must be an expression"),
        ({}, "is missing"),
        ({"function": []}, "empty list"),
        ({"function": "a b"}, "no Python expression"),
        ({"function": "x = 1"}, "no Python expression"),
        ({"function": "nosuchmodule.f()"}, "'nosuchmodule' is neither a variable nor a module"),
        ({"function": "nosuchname"}, "neither"),
        ({"function": "os.nosuch.f()"}, "there is no os.nosuch"),
        ({"function": [{"name": "1x", "function": "1"}]}, "step 1: name"),
        ({"function": ["1", "nosuchmodule.f()"]}, "step 2"),
        ({"function": "str", "kwargs": [1]}, "kwargs"),
        ({"function": "str", "args": ["=nosuch"]}, "nosuch"),
    ],
)
def test_mistakes_are_explained(spec, part):
    with pytest.raises(ValueError, match=r"function|kwargs|step") as caught:
        compile_function(spec, ("handler",))
    assert part in str(caught.value)


def test_a_module_that_fails_says_so_itself(module):
    with pytest.raises(ZeroDivisionError):
        compile_function({"function": module("1/0") + ".f"})
    with pytest.raises(ModuleNotFoundError, match="nosuchthing"):
        compile_function({"function": module("import nosuchthing") + ".f"})


def test_name_of_a_builtin_may_be_a_module(module):
    name = module("def run(handler): return 'own'", "filter_x")
    assert call({"function": f"{name}.run"}, "H") == "own"
    assert call({"function": "list(filter(None, [0, 1]))"}, "H") == [1]


def test_changed_module_is_read_again(module, tmp_path):
    name = module("def f(): return 1")
    function = compile_function({"function": f"{name}.f()"})
    assert function("H") == 1
    path = tmp_path / f"{name}.py"
    # the same size and perhaps the same second as before: compiled files would not tell the difference
    path.write_text("def f(): return 2")
    assert function("H") == 2
    path.write_text("def f(: return 3")
    with pytest.raises(SyntaxError):
        function("H")
    path.write_text("def f(): return 4")
    assert function("H") == 4


def test_module_that_is_being_replaced_stays_in_use(module, tmp_path):
    name = module("def f(): return 1")
    function = compile_function({"function": f"{name}.f()"})
    (tmp_path / f"{name}.py").unlink()
    assert function("H") == 1


def test_bare_name_follows_a_changed_signature(module, tmp_path):
    name = module("def f(): return 'none'")
    function = compile_function({"function": f"{name}.f"})
    assert function("H") == "none"
    (tmp_path / f"{name}.py").write_text("def f(handler): return handler + '!'")
    assert function("H") == "H!"


def test_installed_modules_are_not_watched():
    assert compile_function("json.dumps(1)").watched == []
    assert compile_function("tornado.version").watched == []
