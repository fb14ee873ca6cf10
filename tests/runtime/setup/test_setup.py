"""`gramex setup`: which tools run, where, and what the exit code says."""

import sys

ALL = ("make", "bash", "bower", "npm", "yarn", "pwsh")


def test_runs_what_has_its_file(run, tools, calls, source):
    tools(*ALL)
    files = ("Makefile", "setup.ps1", "setup.sh", "requirements.txt", "bower.json", "package-lock.json", "yarn.lock")
    folder = source("app", *files, "package.json", setup_py="import sys; print('by', sys.executable, sys.argv)")
    done = run("setup", str(folder), PYTHONWARNINGS="")  # pip is not free of them
    assert done.returncode == 0, done.stderr
    assert calls() == [
        "make  in app",
        "pwsh -NoProfile -NonInteractive -File setup.ps1 in app",
        "bash setup.sh in app",
        "bower --allow-root install in app",
        "npm ci in app",
    ]
    assert f"by {sys.executable} ['setup.py']" in done.stdout
    assert f"{sys.executable} -m pip install" in done.stdout


def test_nothing_to_do_is_good(run, source):
    assert run("setup", str(source("app", "other.txt"))).returncode == 0


def test_node_packages_come_by_what_is_there(run, tools, calls, source):
    tools("yarn")
    source("both", "yarn.lock", "package.json")
    source("plain", "package.json")
    assert run("setup", "both", "plain").returncode == 0
    tools("npm")
    assert run("setup", "both", "plain").returncode == 0
    install = "yarn install --prefer-offline in"
    assert calls() == [f"{install} both", f"{install} plain", f"{install} both", "npm install in plain"]


def test_other_shells_do(run, tools, calls, source):
    source("app", "setup.sh")
    for tool in ("ash", "sh", "bash"):
        tools(tool)
        assert run("setup", "app").returncode == 0
    assert calls() == ["ash setup.sh in app", "sh setup.sh in app", "bash setup.sh in app"]


def test_a_missing_tool_is_skipped_with_a_warning(run, source):
    source("app", "Makefile", "setup.sh")
    done = run("setup", "app")
    assert done.returncode == 0
    assert "app: Makefile: skipped: there is no make here" in done.stderr
    assert "setup.sh: skipped: there is no bash or sh or ash here" in done.stderr


def test_a_failed_step_fails_but_stops_nothing(run, tools, calls, source):
    tools("make", "bash")
    source("first", "Makefile", "setup.sh", "fail-make")
    source("second", "Makefile")
    done = run("setup", "first", "nowhere", "second")
    assert done.returncode == 1
    assert calls() == ["make  in first", "bash setup.sh in first", "make  in second"]
    assert "first: Makefile: failed with exit code 1" in done.stderr
    assert "nowhere: there is no such folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_python_steps_fail_too(run, source):
    source("app", setup_py="raise SystemExit(3)")
    done = run("setup", "app")
    assert done.returncode == 1
    assert "setup.py: failed with exit code 3" in done.stderr
    source("packages", requirements_txt="--no-index\nno-such-package-anywhere\n")
    assert run("setup", "packages", PYTHONWARNINGS="").returncode == 1


def test_scripts_find_the_interpreter_that_runs_gramex(run, tools, source, tmp_path):
    (tmp_path / "bin/python").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "bin/python").chmod(0o755)
    (tmp_path / "bin/bash").symlink_to("/bin/sh")
    source("app", setup_sh="python -c 'import sys; print(\"prefix\", sys.prefix)'")
    done = run("setup", "app")
    assert done.returncode == 0, done.stderr
    assert f"prefix {sys.prefix}" in done.stdout


def test_no_folder_is_a_mistake(run):
    done = run("setup")
    assert done.returncode == 2
    assert done.stderr == "gramex: setup: say which folder to set up, such as: gramex setup .\n"
