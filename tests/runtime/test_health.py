"""`gramex health`, which containers ask."""

import subprocess
import sys

import pytest

PAGE = {"url": {"page": {"pattern": "/", "handler": "FunctionHandler", "kwargs": {"function": "str('hello')"}}}}


@pytest.fixture
def ask(tmp_path):
    """Run `gramex health` in a folder; (exit code, output)."""

    def run(folder, *options):
        command = [sys.executable, "-m", "gramex", "health", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("unix", [False, True])
def test_takes_the_address_from_the_process(serve, ask, unix):
    process = serve(PAGE, unix=unix)
    code, said = ask(process.folder, f"--pid={process.pid}")
    assert code == 0, said
    assert "200" in said


def test_takes_the_port_from_the_configuration(serve, ask):
    process = serve(PAGE)
    (process.folder / "gramex.yaml").write_text(f"app: {{listen: {{port: {process.port}}}}}")
    assert ask(process.folder)[0] == 0


def test_a_configured_path_must_answer_below_400(serve, ask):
    process = serve(PAGE)
    for path, code in (("/", 0), ("/missing", 1)):
        (process.folder / "gramex.yaml").write_text(f"app: {{listen: {{port: {process.port}, health: {path}}}}}")
        assert ask(process.folder)[0] == code


def test_says_so_when_nobody_answers(serve, ask):
    process = serve(PAGE)
    (process.folder / "gramex.yaml").write_text(f"app: {{listen: {{port: {process.port}}}}}")
    process.stop()
    code, said = ask(process.folder)
    assert code == 1
    assert "no answer" in said
    assert "Traceback" not in said


def test_a_process_that_is_gone_is_no_traceback(tmp_path, ask):
    code, said = ask(tmp_path, "--pid=4194303")
    assert code == 1
    assert "Traceback" not in said
