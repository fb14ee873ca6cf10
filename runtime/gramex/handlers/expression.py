"""Compiles what ``function:`` keys hold: a Python expression, the name of something to call, or a pipeline of them."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from gramex.handlers.modules import Watched, import_module, watch

BARE = re.compile(r"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")
# Names that every expression may use beside its variables and Python's own: functions of gramex.transforms.
TRANSFORMS = ("template", "ensure_single_session")


def compile_function(spec: Any, vars: Sequence[str] = ("handler",), key: str = "function") -> Callable[..., Any]:
    """Return what a ``function:`` means, as a callable of the values of `vars`, in that order.

    `spec` is text, a list (a pipeline), or a mapping with the key `key` and perhaps `args` and `kwargs`. The result of
    a call may be awaitable: whoever calls awaits it. Modules of the app that it names are read again when they change.

    Raises:
        ValueError: it is empty, is no expression, or uses a name that nothing has.
        Exception: what a module raises that it imports.
    """
    extra: Mapping[str, Any] = {}
    if isinstance(spec, Mapping):
        if key not in spec:
            raise ValueError(f"{key}: is missing in {dict(spec)!r}")
        spec, extra = spec[key], spec
    if isinstance(spec, (list, tuple)):
        if not spec:
            raise ValueError(f"{key}: is an empty list")
        return Pipeline(spec, vars, key)
    return Expression(spec, vars, key, extra)


class Expression:
    """One expression."""

    def __init__(self, text: Any, vars: Sequence[str], key: str, extra: Mapping[str, Any]):
        """Compile `text`; `extra` may have ``args`` and ``kwargs`` for what it names.

        A number of ``function`` stands for itself; elsewhere it is a mistake.
        """
        if key == "function" and isinstance(text, (int, float)):
            text = repr(text)
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{key}: must be an expression such as module.name(handler), not {text!r}")
        self.text, self.vars, self.key = " ".join(text.split()), tuple(vars), key
        self.watched: list[Watched] = []
        self.evaluate = self._compile(text.strip())
        # A name alone is called; anything else is only called where arguments are given for it.
        self.bare = BARE.fullmatch(self.text) is not None
        self.arguments: Callable[..., tuple[list[Any], dict[str, Any]]] | None = None
        if "args" in extra or "kwargs" in extra:
            self.arguments = self._arguments(extra.get("args"), extra.get("kwargs"))
        self.plan: tuple[Any, Callable[..., Any]] = (None, lambda: None)

    def __call__(self, *values: Any) -> Any:
        """Evaluate with the values of the variables."""
        for each in self.watched:
            each.refresh()
        result = self.evaluate(*values)
        if self.arguments is not None and callable(result):
            args, kwargs = self.arguments(*values)
            fill = getattr(result, "fill_from_request", None)  # of gramex.transforms.handler
            if fill is not None and "handler" in self.vars:
                return fill(values[self.vars.index("handler")], args, kwargs)
            return result(*args, **kwargs)
        if self.bare and callable(result):
            if self.plan[0] is not result:
                self.plan = (result, caller(result, self.vars))
            return self.plan[1](*values)
        return result

    def _compile(self, text: str) -> Callable[..., Any]:
        """Return a function of the variables for an expression."""
        try:
            # in brackets where it goes over several lines
            tree = ast.parse(f"(\n{text}\n)" if "\n" in text else text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"{self.key}: {text!r} is no Python expression: {error}") from None
        scope = self._scope(tree)
        names = ast.parse(f"lambda {', '.join(self.vars)}: 0", mode="eval")
        body = names.body
        assert isinstance(body, ast.Lambda)  # noqa: S101  for mypy
        body.body = tree.body
        code = compile(ast.fix_missing_locations(names), f"<{self.key}>", "eval")
        return eval(code, scope)  # noqa: S307  the app's own code

    def _scope(self, tree: ast.AST) -> dict[str, Any]:
        """Return the global names of an expression: modules, imported as deep as their dotted names go."""
        scope: dict[str, Any] = {}
        for dotted in free_names(tree):
            root, rest = dotted[0], dotted[1:]
            if root in self.vars:
                continue
            if root in TRANSFORMS:
                import gramex.transforms

                scope[root] = getattr(gramex.transforms, root)
                continue
            if hasattr(builtins, root) and (not rest or hasattr(getattr(builtins, root), rest[0])):
                continue
            module = import_module(root)
            if module is None:
                raise ValueError(f"{self.key}: {self.text!r}: {root!r} is neither a variable nor a module")
            scope[root] = module
            self._import_below(module, root, rest)
        return scope

    def _import_below(self, module: Any, name: str, rest: Sequence[str]) -> None:
        """Import submodules named by an expression, and watch those that belong to the app."""
        self._watch(module)
        for each in rest:
            name = f"{name}.{each}"
            if not hasattr(module, each):
                if isinstance(module, ModuleType) and hasattr(module, "__path__") and import_module(name) is None:
                    raise ValueError(f"{self.key}: {self.text!r}: there is no {name}")
                if not hasattr(module, each):
                    if isinstance(module, ModuleType):
                        raise ValueError(f"{self.key}: {self.text!r}: there is no {name}")
                    return
            module = getattr(module, each)
            if not isinstance(module, ModuleType):
                return
            self._watch(module)

    def _watch(self, module: ModuleType) -> None:
        found = watch(module)
        if found and found not in self.watched:
            self.watched.append(found)

    def _arguments(self, args: Any, kwargs: Any) -> Callable[..., tuple[list[Any], dict[str, Any]]]:
        """Return a function of the variables that gives the arguments written in the configuration."""
        values = list(args) if isinstance(args, (list, tuple)) else [] if args is None else [args]
        if kwargs is not None and not isinstance(kwargs, Mapping):
            raise ValueError(f"kwargs: must be a mapping, not {kwargs!r}")
        positional = [self._argument(value) for value in values]
        named = {str(name): self._argument(value) for name, value in (kwargs or {}).items()}

        def arguments(*given: Any) -> tuple[list[Any], dict[str, Any]]:
            return [get(*given) for get in positional], {name: get(*given) for name, get in named.items()}

        return arguments

    def _argument(self, value: Any) -> Callable[..., Any]:
        """Return a function for one argument: text is literal, ``=x`` the variable x, ``==x`` the text ``=x``."""
        if isinstance(value, str) and value.startswith("="):
            if value.startswith("=="):
                value = value[1:]
            else:
                return self._compile(value[1:].strip())
        return lambda *given: value


class Pipeline:
    """Several functions, one after another; the last result counts."""

    def __init__(self, steps: Sequence[Any], vars: Sequence[str], key: str):
        """Compile the steps. A ``name:`` makes a step's result a variable of those after it."""
        self.steps: list[tuple[str, Callable[..., Any]]] = []
        self.count = len(vars)
        names = list(vars)
        for number, step in enumerate(steps, 1):
            try:
                function = compile_function(step, names, key)
            except ValueError as error:
                raise ValueError(f"step {number}: {error}") from error
            name = step.get("name") if isinstance(step, Mapping) else None
            if name is not None and (not isinstance(name, str) or not name.isidentifier()):
                raise ValueError(f"step {number}: name: must be a Python name, not {name!r}")
            self.steps.append((name or "", function))
            if name and name not in names:
                names.append(name)
        self.names = names

    def __call__(self, *values: Any) -> Any:
        """Run the steps; the result is awaitable if one of theirs is."""
        known = dict(zip(self.names, values, strict=False))
        return self._run(iter(self.steps), known, None)

    def _run(self, steps: Iterator[tuple[str, Callable[..., Any]]], known: dict[str, Any], result: Any) -> Any:
        for name, function in steps:
            result = function(*known.values())
            if inspect.isawaitable(result):
                return self._run_on(name, result, steps, known)
            self._store(name, result, known)
        return result

    async def _run_on(self, name: str, result: Any, steps: Iterator[Any], known: dict[str, Any]) -> Any:
        result = await result
        self._store(name, result, known)
        result = self._run(steps, known, result)
        return await result if inspect.isawaitable(result) else result

    @staticmethod
    def _store(name: str, result: Any, known: dict[str, Any]) -> None:
        if name:
            known[name] = result


def free_names(tree: ast.AST) -> list[list[str]]:
    """Return the dotted names of an expression whose first part it does not bind itself."""
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    found: list[list[str]] = []
    for node in ast.walk(tree):
        if node in inner or not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        names: list[str] = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            names.insert(0, part.attr)
            part = part.value
        if isinstance(part, ast.Name) and part.id not in bound:
            found.append([part.id, *names])
    return found


def caller(function: Any, vars: Sequence[str]) -> Callable[..., Any]:
    """Return a function that calls `function` with those of the variables that it takes.

    All of them if it can take so many, else those whose names its parameters have, else the first ones.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return function
    count = len(vars)
    if can_take(signature, count):
        return function
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [name for name, each in signature.parameters.items() if each.kind in kinds and name in vars]
    try:
        signature.bind(**dict.fromkeys(wanted))
    except TypeError:
        while count and not can_take(signature, count):
            count -= 1
        return lambda *values: function(*values[:count])
    indexes = [(name, vars.index(name)) for name in wanted]
    return lambda *values: function(**{name: values[index] for name, index in indexes})


def can_take(signature: inspect.Signature, count: int) -> bool:
    """True if something with that signature can be called with `count` positional arguments."""
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
