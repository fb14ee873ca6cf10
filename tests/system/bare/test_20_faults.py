"""What a newcomer may do wrong before Ansible even runs, and a Ctrl-C in the middle."""

from __future__ import annotations

import re
import subprocess
import time

import pytest

from system import visit
from system.target import Browser, Target

HOST = "trixie"  # one is enough for what never reaches the host


@pytest.fixture
def one(targets: list[Target]) -> Target:
    return next(target for target in targets if target.name == HOST)


def test_somebody_who_is_not_root_is_told_so(one: Target) -> None:
    one.output("chmod o+x /root")
    done = one.run("su -s /bin/sh nobody -c 'cd /root/gramex && HOME=/tmp/nobody make deploy' 2>&1", timeout=120)
    assert done.returncode != 0
    assert "root" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_python_that_is_too_old_is_named(one: Target) -> None:
    fake = "import sys; sys.version_info = (3, 9, 2); exec(sys.argv.pop(1))"
    script = f"""#!/bin/sh
[ "$1" = --version ] && {{ echo Python 3.9.2; exit; }}
[ "$1" = -c ] && {{ shift; exec /usr/bin/python3 -c '{fake}' "$@"; }}
exec /usr/bin/python3 "$@"
"""
    subprocess.run(
        ["docker", "exec", "-i", one.container, "sh", "-c", "cat >/root/oldpython && chmod +x /root/oldpython"],
        input=script,
        text=True,
        check=True,
        timeout=30,
    )
    done = one.run("cd /root/gramex && make deploy PYTHON=/root/oldpython 2>&1", timeout=120)
    assert done.returncode != 0
    assert "3.9.2" in done.stdout
    assert "3.11" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_fresh_clone_without_a_network_says_what_to_do(one: Target) -> None:
    one.output("git clone -q /root/gramex-test/gramex.bundle /root/second")
    subprocess.run(["docker", "network", "disconnect", "bridge", one.container], check=True, timeout=60)
    try:
        done = one.run("cd /root/second && make deploy 2>&1", timeout=240)
    finally:
        subprocess.run(["docker", "network", "connect", "bridge", one.container], check=True, timeout=60)
        one.run("rm -rf /root/second")
    assert done.returncode != 0
    assert "index" in done.stdout.splitlines()[-2] + done.stdout.splitlines()[-1], done.stdout[-1000:]
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("sign", ["INT", "KILL"])
def test_an_interrupted_deploy_is_mended_by_the_next(target: Target, browser: Browser, sign: str) -> None:
    """While a new release is brought into service the whole process group ends, as by Ctrl-C or by a crash."""
    word = {"INT": "Nine", "KILL": "Ten"}[sign]
    target.output(f"sed -i 's/[A-Z][a-z]* teas/{word} teas/' /root/gramex/examples/site/index.template.html")
    # A process group of make's own, in which SIGINT is not ignored as it is in the background of a shell.
    starter = (
        "import os, pathlib, signal; os.setsid(); signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "pathlib.Path('/root/gramex-test/group').write_text(str(os.getpid())); os.execvp('make', ['make', 'deploy'])"
    )
    target.run(f'cd /root/gramex && python3 -c "{starter}" >/root/gramex-test/killed.log 2>&1 </dev/null &')
    target.wait("grep -q 'Bring releases' /root/gramex-test/killed.log", 120)
    time.sleep(0.5)
    target.output(f"kill -s {sign} -- -$(cat /root/gramex-test/group)")
    target.wait("! kill -s 0 -- -$(cat /root/gramex-test/group) 2>/dev/null")
    if sign == "INT":
        assert "Run the same command again" in target.output("cat /root/gramex-test/killed.log")
    done = target.run("cd /root/gramex && make deploy 2>&1", timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{word} teas" in browser.get("/").text
    visit.visit_pages(browser)
    again = target.run("cd /root/gramex && make deploy 2>&1", timeout=300)
    assert re.search(r"^localhost: ok=\d+ changed=0 ", again.stdout, re.MULTILINE), again.stdout[-3000:]
