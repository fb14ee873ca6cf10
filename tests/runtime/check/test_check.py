"""`gramex check` judges an app without running it or leaving anything behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Check = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check an app: the exit code and the lines printed, with ``APP`` for its folder."""

    def check(
        files: Mapping[str, str | bytes] | str | None, *arguments: str, env: Mapping[str, str] = {}
    ) -> tuple[int, list[str]]:
        folder = tmp_path / "app"
        folder.mkdir(exist_ok=True)
        for name, content in ({"gramex.yaml": files} if isinstance(files, str) else files or {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error"}
        done = subprocess.run(
            [sys.executable, "-m", "gramex", "check", *(arguments or ["--config"])],
            cwd=folder,
            env=environ | dict(env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        assert "Traceback" not in done.stdout
        return done.returncode, done.stdout.replace(str(folder), "APP").splitlines()

    return check


def test_a_fit_app(check: Check, tmp_path: Path) -> None:
    code, lines = check(
        {
            "gramex.yaml": "url: {x: {pattern: /x, handler: FunctionHandler, kwargs: {function: app_f.f()}}}",
            "app_f.py": "def f(): return 1",
        }
    )
    assert lines == ["APP: fit to deploy"]
    assert code == 0
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"app", "app/gramex.yaml", "app/app_f.py"}


def test_an_empty_configuration_is_fit(check: Check) -> None:
    assert check("") == (0, ["APP: fit to deploy"])


def test_no_app(check: Check) -> None:
    code, lines = check(None)
    assert code == 2
    assert lines[0] == "APP: there is no gramex.yaml in this folder: an app needs one, even if it is empty"


def test_another_folder(check: Check, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gramex.yaml").write_text("url: {a: 1}")
    code, lines = check("", "../other")
    assert code == 2
    assert lines[0].startswith("gramex.yaml:1: url:a: must be a mapping")
    code, lines = check("", "../nothing")
    assert (code, lines[0]) == (
        2,
        f"{tmp_path}/app/../nothing: there is no such folder".replace(f"{tmp_path}/app", "APP"),
    )


def test_each_problem_is_a_line_with_its_place(check: Check) -> None:
    code, lines = check(
        {
            "gramex.yaml": """\
import: [sub/x.yaml, missing.yaml]
urls: {}
other: {}
url:
  a: {handler: FileHandler}
  b: {pattern: /b}
  c: {pattern: /c, handler: NoSuchHandler}
  d: {pattern: '/(', handler: FileHandler}
  e: {pattern: /e, handler: FunctionHandler, kwargs: {function: no_such_module.f()}}
app: {listen: {prot: 80}}
t if NO_SUCH: 1
""",
            "sub/x.yaml": "url:\n\t- x",
        }
    )
    assert code == 2
    starts = [
        "sub/x.yaml:2: url: a tab indents this line: indent with spaces",
        "warning: gramex.yaml:1: import: Missing config: APP/missing.yaml",
        "gramex.yaml:2: urls: No service named urls: did you mean url?",
        "warning: gramex.yaml:3: other: No service named other",
        "warning: gramex.yaml:11: t if NO_SUCH: Failed condition evaluation: NameError",
        "warning: gramex.yaml:10: app.listen.prot: is not known: did you mean port?",
        "gramex.yaml:5: url:a: no pattern: specified",
        "gramex.yaml:6: url:b: no service: or handler: specified",
        "gramex.yaml:7: url:c: ignoring missing handler NoSuchHandler",
        "gramex.yaml:8: url:d: pattern: '/(' is invalid",
        "gramex.yaml:9: url:e (FunctionHandler) invalid configuration",
        "APP: not fit to deploy: 7 errors, 4 warnings",
    ]
    for start in starts:
        assert any(line.startswith(start) for line in lines), (start, lines)
    assert len(lines) == len(starts)


def test_mistakes_that_stop_the_start_are_all_named(check: Check) -> None:
    code, lines = check("t: a$\nu: b$\nversion: 2\n")
    assert code == 2
    assert [line.partition(" ")[0] for line in lines] == ["gramex.yaml:1:", "gramex.yaml:2:", "gramex.yaml:3:", "APP:"]


def test_settings_of_the_server(check: Check) -> None:
    code, lines = check(
        "app:\n  listen:\n    max_body_size: -1\n    ssl_options: {certfile: no.pem}\n    trusted: [nobody]\n"
    )
    assert code == 2
    assert lines[0] == "gramex.yaml:3: app.listen.max_body_size: must be a number above 0, not -1"
    assert lines[1].startswith("gramex.yaml:4: app.listen.ssl_options.certfile: APP/no.pem cannot be read")
    assert "gramex.yaml:5" in lines[2]
    assert "app.listen.trusted" in lines[2]


def test_admin_and_processes(check: Check) -> None:
    code, lines = check("app:\n  listen: {processes: 0}\n  admin: {address: localhost}\n")
    assert code == 2
    assert lines[0] == "gramex.yaml:2: app.listen.processes: must be a whole number from 1 to 256, not 0"
    assert lines[1].startswith("gramex.yaml:3: app.admin: needs `port`")
    code, lines = check("app:\n  listen: {processes: 2}\n  admin: {prot: 80, port: 81}\n")
    assert (code, len(lines)) == (0, 2)
    assert "app.admin.prot: is not known: did you mean port?" in lines[0]


def test_the_log_section(check: Check, tmp_path: Path) -> None:
    code, lines = check("log:\n  loggers: {gramex: {handlers: [nothing]}}\n")
    assert code == 2
    assert "nothing" in lines[0]
    code, lines = check(f"log: {{handlers: {{x: {{class: logging.FileHandler, filename: {tmp_path}/x.log}}}}}}")
    assert (code, len(lines)) == (0, 1)
    assert not (tmp_path / "x.log").exists()


def test_the_data_folder_is_left_alone(check: Check, tmp_path: Path) -> None:
    code, _ = check("variables: {D: $GRAMEXDATA}", env={"GRAMEXDATA": str(tmp_path / "data")})
    assert code == 0
    assert not (tmp_path / "data").exists()


def test_secrets_are_not_shown(check: Check) -> None:
    code, lines = check({"gramex.yaml": "t: $PW\nu: 'hunter2$'", ".secrets.yaml": "PW: hunter2\nPW: hunter3"})
    assert code == 2
    assert "hunter" not in "".join(lines)
    assert lines[0].startswith(".secrets.yaml:2: PW: this key stands in line 1 already")
