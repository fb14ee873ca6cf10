"""What an operator is told when packages cannot be installed."""

from __future__ import annotations

import configparser

import pytest
from gramex_deploy import asuser, environment, pip

UNREACHABLE = """\
WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError('<pip._vendor.Connection object \
at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/tornado/
ERROR: Could not find a version that satisfies the requirement tornado==6.6.1 (from versions: none)
"""
CLASH = """\
ERROR: Cannot install tornado<6 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested tornado<6
    The user requested (constraint) tornado==6.6.1

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io
"""
MISSING = "ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)\n"


def test_no_network_names_the_host_the_reason_and_the_bundle():
    told = pip.explain(UNREACHABLE)
    assert "package index cannot be reached" in told
    assert "name resolution" in told
    assert "_vendor" not in told
    assert "bundle" in told
    assert "pip.conf" in told


def test_a_clash_shows_both_sides():
    told = pip.explain(CLASH)
    assert told.startswith("requirements.txt clashes")
    assert "tornado<6" in told
    assert "tornado==6.6.1" in told


def test_another_failure_is_told_in_pips_words():
    assert pip.explain(MISSING) == f"pip: {MISSING.strip()}"


def test_credentials_of_an_index_are_not_shown():
    told = pip.explain("ERROR: 404 for https://user:hush@index.example/simple/x/\n")
    assert "hush" not in told
    assert "index.example" in told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"version": [3, 9, 2], "real": "/usr/bin/python3.9"}, "Python 3.9.2; the runtime needs 3.10"),
        ({"version": [3, 12, 0], "real": "/root/.pyenv/bin/python"}, "below a home folder"),
        ({"error": "No such file", "version": [0, 0, 0], "real": "/x"}, "does not run: No such file"),
    ],
)
def test_an_unfit_interpreter_is_refused(found, told):
    with pytest.raises(environment.Problem, match=told):
        environment.judge("/usr/bin/python3", found, "gramex-runtime")


def test_a_fit_interpreter_passes():
    environment.judge("/usr/bin/python3", {"version": [3, 10, 0], "real": "/usr/bin/python3.10"}, "gramex-runtime")


def test_roots_own_pip_settings_are_one_valid_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for place, text in {
        ".pip/pip.conf": "[global]\nindex-url = https://old\ntimeout = 5\n",
        ".config/pip/pip.conf": "[global]\nindex-url = https://new%40x\nfind-links =\n  /a\n  /b\n[install]\nx = no\n",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    parser = configparser.RawConfigParser()
    parser.read_string(asuser.pip_settings())
    assert dict(parser["global"]) == {"index-url": "https://new%40x", "timeout": "5", "find-links": "\n/a\n/b"}
    assert parser["install"]["x"] == "no"


def test_proxies_and_certificates_of_the_host_go_along_and_nothing_else(monkeypatch):
    wanted = {"HTTPS_PROXY": "a", "no_proxy": "b", "PIP_INDEX_URL": "c", "SSL_CERT_FILE": "d"}
    monkeypatch.setattr(asuser.os, "environ", {**wanted, "AWS_SECRET_ACCESS_KEY": "x", "HOME": "/root"})
    assert asuser.network() == wanted


def test_pins_of_a_lock_become_constraints():
    lock = "# from x\ntornado==6.6.1 \\\n    --hash=a\nuvloop==0.23.0 ; sys_platform != 'win32' \\\n    --hash=b\n"
    assert environment.PIN.findall(lock) == ["tornado==6.6.1", "uvloop==0.23.0 ; sys_platform != 'win32'"]


def test_gramex_among_the_requirements_is_told_as_what_it_is():
    told = pip.explain("ERROR: ResolutionImpossible\n    The user requested gramex\n    (constraint) gramex<0\n")
    assert "remove that line" in told


def test_wheels_of_a_former_lock_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CACHE", tmp_path)
    now = environment.house("a" * 64, "cp311")
    for name in (f"wheels/{now}", "wheels/former-cp311", "wheels/.x.new", "pip/cp311", "pip/cp39"):
        (tmp_path / name).mkdir(parents=True)
    environment.forget({"a" * 64}, {"cp311"})
    assert {place.relative_to(tmp_path).as_posix() for place in tmp_path.glob("*/*")} == {f"wheels/{now}", "pip/cp311"}
