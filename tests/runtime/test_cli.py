"""The command line, as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gramex import __version__
from gramex.arguments import UsageError, nest, split
from gramex.commands import BY_NAME, COMMANDS

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``gramex ARGUMENTS`` in an empty folder to its end."""

    def run(*arguments: str, folder: Path = tmp_path, **options: Any) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error"}
        return subprocess.run(
            [sys.executable, "-m", "gramex", *arguments],
            cwd=folder,
            env=environ | options.pop("env", {}),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
            **options,
        )

    return run


def parsed(*arguments: str) -> dict[str, Any]:
    return nest(split(arguments)[1])


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--a.b=c"], {"a": {"b": "c"}}),
        (["--a.b", "c"], {"a": {"b": "c"}}),
        (["-a.b=c"], {"a": {"b": "c"}}),
        (["-a.b", "c"], {"a": {"b": "c"}}),
        (["--flag"], {"flag": True}),
        (["--flag", "--other"], {"flag": True, "other": True}),
        (["--flag", "--x=1"], {"flag": True, "x": 1}),
        (["--a=1", "--a=2", "--a", "x"], {"a": [1, 2, "x"]}),
        (["--a.b=1", "--a.c=2", "--d=3"], {"a": {"b": 1, "c": 2}, "d": 3}),
        (["--a=false"], {"a": False}),
        (["--a=[1, two]"], {"a": [1, "two"]}),
        (["--a", "{b: [1]}"], {"a": {"b": [1]}}),
        (["--a=null"], {"a": None}),
        (["--a="], {"a": None}),
        (["--a=x=y"], {"a": "x=y"}),
        (["--a", "-1"], {"a": -1}),
        (["--a=-1.5"], {"a": -1.5}),
        (["--a=1e3"], {"a": "1e3"}),
        (["--a='1'"], {"a": "1"}),
        (["--a=@x"], {"a": "@x"}),
        (["--a=#x"], {"a": "#x"}),
        (["--a=*.x"], {"a": "*.x"}),
        (["--a=[1"], {"a": "[1"}),
        (["--a=two words"], {"a": "two words"}),
        (["--a=2024-01-02x"], {"a": "2024-01-02x"}),
        (["--listen.port=80"], {"listen": {"port": 80}}),
        (["--listen.port", "80"], {"listen": {"port": 80}}),
        (["--settings.cookie_secret=0123"], {"settings": {"cookie_secret": "0123"}}),
        (["--listen.unix=/run/a b.sock"], {"listen": {"unix": "/run/a b.sock"}}),
        (["--settings.debug"], {"settings": {"debug": True}}),
        (["--listen.trusted=[10.0.0.0/8]"], {"listen": {"trusted": ["10.0.0.0/8"]}}),
        (["--log.level=debug"], {"log": {"level": "debug"}}),
        (["--a", "--", "--b"], {"a": True}),
    ],
    ids=" ".join,
)
def test_options(arguments: list[str], options: dict[str, Any]) -> None:
    assert parsed(*arguments) == options


def test_words_are_told_from_values() -> None:
    words, options = split(["one", "--a", "two", "three", "--b=x", "four", "--", "--five", "-"], switches=["b"])
    assert words == ["one", "three", "four", "--five", "-"]
    assert options == [("a", "two"), ("b", "x")]


def test_a_switch_takes_no_word() -> None:
    assert split(["--config", "folder"], ["config"]) == (["folder"], [("config", None)])
    assert split(["--config", "false", "folder"], ["config"]) == (["folder"], [("config", "false")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen.port=eighty"], "--listen.port: must be a port, 0 to 65535, not 'eighty'"),
        (["--listen.port=70000"], "--listen.port: must be a port"),
        (["--listen.port"], "--listen.port: needs a value, such as --listen.port=9988"),
        (["--listen.unix"], "--listen.unix: needs a value, such as --listen.unix=VALUE"),
        (["--settings.xsrf_cookies=maybe"], "must be true or false"),
        (["--listen.drain=soon"], "must be a number"),
        (["--listen=1", "--listen.port=2"], "--listen.port: does not go together"),
        (["--listen.port=2", "--listen=1"], "--listen: does not go together"),
        (["--a.=1"], "--a.: does not go together"),
        (["--=1"], "--=1: is no option"),
        (["--a/b"], "--a/b: is no option"),
        (["--1"], "--1: is no option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_options_that_cannot_be_meant(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("option", ["--version", "-V", "-version"])
def test_version(run: Run, option: str) -> None:
    done = run(option)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Gramex {__version__} in ")
    assert f"Python {sys.version.split()[0]}" in done.stdout
    assert str(Path(__file__).parents[2] / "runtime" / "gramex") in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(run: Run, option: str) -> None:
    done = run(option, "--listen.port=1")
    assert done.returncode == 0
    assert done.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command.name} " in done.stdout
    assert "--listen.port " in done.stdout
    assert "(9988)" in done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_of_a_command(run: Run, command: Any) -> None:
    done = run(command.name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: gramex {command.name}")
    for option in command.options:
        assert f"--{option.name} " in done.stdout


def test_every_command_can_be_imported() -> None:
    from importlib import import_module

    for command in COMMANDS:
        module, _, function = command.run.partition(":")
        assert callable(getattr(import_module(module), function))
    assert len(BY_NAME) == sum(1 + len(command.aliases) for command in COMMANDS)


def test_an_unknown_command(run: Run) -> None:
    done = run("chekc")
    assert done.returncode == 2
    assert done.stderr == "gramex: there is no command 'chekc'. Did you mean check?\n"
    assert done.stdout == ""


def test_a_command_unlike_any(run: Run) -> None:
    done = run("xyzzy", "--help")
    assert done.returncode == 2
    assert done.stderr == "gramex: there is no command 'xyzzy'. gramex --help lists what there is\n"


def test_a_word_behind_options(run: Run) -> None:
    done = run("--listen.port=1", "check")
    assert done.returncode == 2
    assert done.stderr.startswith("gramex: there is no command 'check'")


def test_an_unknown_option_of_a_command(run: Run) -> None:
    done = run("check", "--confg")
    assert done.returncode == 2
    assert done.stderr == "gramex: --confg: there is no such option. Did you mean --config?\n"


def test_a_word_too_many(run: Run) -> None:
    done = run("check", "a", "b")
    assert done.returncode == 2
    assert done.stderr == "gramex: check: 'b' is one word too many\n"


def test_a_wrong_value_stops_the_start(run: Run) -> None:
    done = run("--listen.port=eighty")
    assert done.returncode == 2
    assert done.stderr == "gramex: --listen.port: must be a port, 0 to 65535, not 'eighty'\n"


def test_a_mistake_in_the_configuration_is_one_line_each(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gramex.yaml").write_text("t: a$\nu: b$\napp: {listen: {port: x}}\n")
    done = run()
    assert done.returncode == 2
    file = tmp_path / "gramex.yaml"
    assert done.stderr.splitlines() == [
        f"gramex: {file}:1: t: a $ has no variable's name behind it: write $$ for a dollar",
        f"gramex: {file}:2: u: a $ has no variable's name behind it: write $$ for a dollar",
        f"gramex: {file}:3: app.listen.port: must be a port, 0 to 65535, not 'x'",
    ]


def test_the_current_folder_is_gone(run: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(folder=gone, preexec_fn=gone.rmdir)
    assert done.returncode == 2
    assert done.stderr == "gramex: the current folder does not exist any more: go to the app's folder\n"


def test_output_that_nobody_reads(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "gramex", "--help"], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert done.stderr == b""


def test_the_console_script_is_the_same(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("gramex")
    done = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Gramex {__version__} in ")


def test_the_order_at_the_start(serve: Callable[..., Any]) -> None:
    app = serve(
        "t: 1\nimport: missing.yaml\nurl: {x: {pattern: /x, handler: FunctionHandler, kwargs: {function: '1'}}}\n",
        {},
        "--log.level=debug",
    )
    app.wait_log(" listening on http://127.0.0.1:")
    lines = app.log.splitlines()

    def line(text: str) -> int:
        return next((number for number, line in enumerate(lines) if text in line), -1)

    version = line(f"Gramex {__version__} | {app.folder} | Python {sys.version.split()[0]}")
    service = line("Loading service: url")
    missing = line(f"{app.folder}/gramex.yaml:2: import: Missing config: {app.folder}/missing.yaml")
    unknown = line(f"{app.folder}/gramex.yaml:1: t: No service named t")
    listening = line(f"Listening on port {app.port}")
    assert -1 < version < service < missing < unknown < listening
    assert line(f"Gramex {__version__} listening on http://127.0.0.1:{app.port}/") > -1
    assert not any(line.endswith("Loading service: t") for line in lines)
    assert app.get("/x").text == "1"


def test_options_are_the_last_layer(serve: Callable[..., Any]) -> None:
    app = serve(
        {
            "app": {"listen": {"port": 1}, "settings": {"mine": "file"}, "session": {"cookie": "a"}},
            "url": {"x": {"pattern": "/x", "handler": "FunctionHandler", "kwargs": {"function": "app_conf.show()"}}},
        },
        {"app_conf.py": "from gramex import conf\ndef show(): return [conf.app.settings.mine, conf['app']['session']]"},
        "--settings.mine=line",
        "--session.cookie",
        "b",
        "--no.such.option=1",
    )
    mine, session = app.get("/x").json()
    assert mine == "line"
    assert session["cookie"] == "b"
    assert session["expiry"] == 31


def test_a_reload_is_seen_by_the_app_s_code(serve: Callable[..., Any]) -> None:
    url = "url: {x: {pattern: /x, handler: FunctionHandler, kwargs: {function: app_now.show()}}}\n"
    code = "from gramex import conf, config\ndef show(): return [conf.email.mine, config.variables['V']]"
    app = serve(f"{url}email: {{mine: 1}}\nvariables: {{V: a}}", {"app_now.py": code})
    assert app.get("/x").json() == [1, "a"]
    (app.folder / "gramex.yaml").write_text(f"{url}email: {{mine: 2}}\nvariables: {{V: b}}")
    app.kill(signal.SIGHUP)
    app.wait_log("Reloaded")
    assert app.get("/x").json() == [2, "b"]
    (app.folder / "gramex.yaml").write_text(f"{url}app: {{mine: 3$}}\nvariables: {{V: c}}")
    app.kill(signal.SIGHUP)
    app.wait_log("app.mine: a $ has no variable's name behind it")
    assert app.get("/x").json() == [2, "b"]


def test_without_terminal_and_input(serve: Callable[..., Any]) -> None:
    app = serve("", start_new_session=True)
    assert app.get("/").status == 200
    assert app.stop() == 0


def test_gramex_as_a_module_of_an_app(serve: Callable[..., Any]) -> None:
    app = serve(
        {"url": {"x": {"pattern": "/x", "handler": "FunctionHandler", "kwargs": {"function": "app_end.end()"}}}},
        {"app_end.py": "import gramex\ndef end():\n gramex.shutdown()\n return gramex.config.variables['YAMLURL']"},
    )
    assert app.get("/x").text == "."
    assert app.wait() == 0


def test_importing_gramex_is_cheap() -> None:
    code = "import sys, gramex; print([n for n in sys.modules if n.startswith(('gramex', 'yaml', 'tornado'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['gramex']"


def test_lazy_names() -> None:
    import gramex

    assert set(gramex.__all__) <= set(dir(gramex))
    for name in gramex.__all__:
        assert getattr(gramex, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gramex.nothing
