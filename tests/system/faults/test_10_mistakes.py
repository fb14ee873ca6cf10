"""Mistakes and hostile hosts before a first deploy: each run says what is wrong, and leaves the host as it was."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from system import traces
from system.controller import Controller, Play
from system.target import Target

HOST = "bookworm"  # one is enough: the checks run before anything that differs between hosts


@pytest.fixture(scope="module")
def one(targets: list[Target]) -> Target:
    return next(target for target in targets if target.name == HOST)


@pytest.fixture
def untouched(one: Target) -> Iterator[None]:
    """After the test the host is as it was before."""
    before = one.snapshot()
    yield
    assert "\n".join(traces.left_behind(before, one.snapshot(), before)) == ""


@pytest.fixture
def refuse(controller: Controller, untouched: None) -> Callable[..., Play]:
    """Deploy, insist that it fails in its first step and without a traceback; the play comes back."""

    def run(*options: str, **variables: Any) -> Play:
        extra = ["-e", json.dumps(variables)] if variables else []
        play = controller.play("site.yml", "--limit", HOST, *extra, *options)
        assert play.code != 0, play.end
        assert "Traceback" not in play.output, play.output
        return play

    return run


@contextmanager
def instead(file: Path, text: str) -> Iterator[None]:
    """A file with another text while the block runs."""
    right = file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(right, encoding="utf-8")


def test_a_wrong_key_is_named_with_the_right_one(refuse: Callable[..., Play], apps: Path) -> None:
    play = refuse(gramex_apps=[{"name": "site", "sorce": str(apps / "site"), "domain": "localhost"}])
    assert "gramex_apps[0]" in play.output
    assert "sorce" in play.output
    assert "source" in play.output


def test_a_folder_without_gramex_yaml_is_named(refuse: Callable[..., Play], apps: Path) -> None:
    folder = apps / "leer"
    folder.mkdir(exist_ok=True)
    play = refuse(gramex_apps=[{"name": "site", "source": str(folder), "domain": "localhost"}])
    assert "gramex.yaml" in play.output
    assert "leer" in play.output


def test_a_gramex_yaml_that_does_not_parse_is_named_with_line_and_key(refuse: Callable[..., Play], apps: Path) -> None:
    broken = "url:\n  home:\n    pattern: /\n    handler: [FileHandler\n    kwargs: {path: index.html}\n"
    with instead(apps / "site" / "gramex.yaml", broken):
        play = refuse()
    assert re.search(r"site/gramex\.yaml:[45]\b", play.output), play.end
    assert "handler" in play.output


def test_a_port_that_is_taken_is_named_with_its_program(refuse: Callable[..., Play], one: Target) -> None:
    server = subprocess.Popen(
        ["docker", "exec", one.container, "timeout", "60", "python3", "-m", "http.server", "80"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        one.wait("ss -lnt | grep -q :80", 20)
        play = refuse()
    finally:
        one.run("pkill -f 'http.server 80'")
        server.wait(30)
    assert "80" in play.output
    assert "python3" in play.output


def test_another_distribution_is_refused_unless_it_is_allowed(controller: Controller, one: Target) -> None:
    named = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n'
    assert one.run("rm /etc/os-release && cat >/etc/os-release", input=named).returncode == 0
    before = one.snapshot()
    try:
        play = controller.play("site.yml", "--limit", HOST)
        allowed = controller.play("site.yml", "--limit", HOST, "--check", "-e", "gramex_allow_unverified_os=true")
        assert "\n".join(traces.left_behind(before, one.snapshot(), before)) == ""
    finally:
        one.output("rm /etc/os-release && ln -s ../usr/lib/os-release /etc/os-release")
    assert play.code != 0
    for words in ("Ubuntu 24.04", "Debian", "gramex_allow_unverified_os: true"):
        assert words in play.output, play.end
    assert allowed.code == 0, allowed.end
    assert allowed.changed[HOST] > 0, allowed.end


def test_a_python_that_is_too_old_is_refused(refuse: Callable[..., Play], one: Target, apps: Path) -> None:
    one.output("printf '#!/bin/sh\\necho \"[[3, 9, 2], true]\"\\n' >/root/python3.9 && chmod 755 /root/python3.9")
    app = {"name": "site", "source": str(apps / "site"), "domain": "localhost", "python": "/root/python3.9"}
    play = refuse(gramex_apps=[app])
    assert "3.9" in play.output
    assert "3.10" in play.output


def test_somebody_who_is_not_root_is_told_so(refuse: Callable[..., Play]) -> None:
    play = refuse(ansible_user="nobody", ansible_remote_tmp="/tmp/of-nobody", ansible_become=False)
    assert "root" in play.output


def test_without_the_package_index_the_bundle_is_named(refuse: Callable[..., Play], one: Target) -> None:
    subprocess.run(["docker", "network", "disconnect", "bridge", one.container], check=True, timeout=60)
    try:
        play = refuse()
    finally:
        subprocess.run(["docker", "network", "connect", "bridge", one.container], check=True, timeout=60)
    assert "bundle" in play.output
