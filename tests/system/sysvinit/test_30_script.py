"""The init script as Debian's tools and the LSB want it, what is documented for a crash, and the job for Upstart."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from system import state
from system.target import Browser, Target, root_folder

APPS = ("site", "api", "shared")
GUIDE = root_folder() / "runtime" / "gramex" / "guide" / "deploying.md"
STATUS = "service gramex-{} status"


def code(target: Target, command: str) -> int:
    return target.run(command).returncode


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


@pytest.fixture(scope="module")
def crash(host: Target) -> Iterator[list[str]]:
    """One app is killed and another one stopped; for both there is the line of the guide. The first one's process."""
    before = state.processes(host, "shared")
    host.output(f"kill -9 {' '.join(before)}")
    host.wait(f"{STATUS.format('shared')} >/dev/null; test $? = 1", 10)
    host.output("service gramex-site stop")
    [line] = re.findall(r"`(\* \* \* \* \* root [^`]*reports[^`]*)`", GUIDE.read_text(encoding="utf-8"))
    lines = "".join(f"{line.replace('reports', app)}\n" for app in ("shared", "site"))
    assert host.run("cat >/etc/cron.d/mend", input=lines).returncode == 0
    yield before
    host.output("rm /etc/cron.d/mend; service gramex-site start")


def test_a_crashed_app_is_told_from_a_stopped_one(crash: list[str], host: Target) -> None:
    assert code(host, STATUS.format("site")) == 3
    assert code(host, STATUS.format("api")) == 0


@pytest.mark.parametrize("app", APPS)
def test_the_header_has_what_boot_needs(target: Target, app: str) -> None:
    done = target.run(f"insserv --dryrun --verbose gramex-{app}")
    assert done.returncode == 0
    said = done.stdout + done.stderr
    assert not re.search("warning|missing|overrid|LSB", said, re.IGNORECASE), said
    assert target.output(f"ls /etc/rc2.d | grep -c 'S[0-9]*gramex-{app}$'") == "1"
    assert target.output(f"ls /etc/rc6.d | grep -c 'K[0-9]*gramex-{app}$'") == "1"
    depends = target.output("cat /etc/init.d/.depend.start")
    assert f"gramex-{app}" in depends


def test_exit_codes_are_those_of_the_lsb(crash: list[str], target: Target) -> None:
    assert code(target, "service gramex-api start") == 0, "it runs already"
    before = state.processes(target, "api")
    assert code(target, "service gramex-api stop") == 0
    assert code(target, STATUS.format("api")) == 3
    assert code(target, "service gramex-api stop") == 0, "it is stopped already"
    assert code(target, "service gramex-api try-restart") == 0
    assert code(target, STATUS.format("api")) == 3
    assert code(target, "service gramex-api start") == 0
    assert code(target, "service gramex-api restart") == 0
    assert code(target, "service gramex-api try-restart") == 0
    assert code(target, STATUS.format("api")) == 0
    assert not set(before) & set(state.processes(target, "api"))
    assert code(target, "service gramex-api reopen") == 2
    assert code(target, "su -s /bin/sh nobody -c '/etc/init.d/gramex-api restart'") == 4
    assert code(target, "su -s /bin/sh nobody -c '/etc/init.d/gramex-api status'") == 0


def test_one_that_cannot_start_says_why_and_is_tried_again(crash: list[str], target: Target) -> None:
    target.output("service gramex-api stop; mv /etc/gramex/api/env /etc/gramex/api/env.aside")
    done = target.run("service gramex-api start")
    status = code(target, STATUS.format("api"))
    target.output("mv /etc/gramex/api/env.aside /etc/gramex/api/env; service gramex-api mend")
    assert (done.returncode, status) == (1, 1), "as after a boot without what the app needs: it is to run"
    assert code(target, STATUS.format("api")) == 0
    assert "/etc/gramex/api/env" in done.stderr


def sections(text: str) -> dict[str, str]:
    """The scripts of an Upstart job."""
    found = re.findall(r"^(pre-start )?script\n(.*?)^end script$", text, re.MULTILINE | re.DOTALL)
    return {name.strip(): body for name, body in found}


def test_the_job_for_upstart_starts_the_app(crash: list[str], target: Target, browser: Browser) -> None:
    """No Upstart is to be had: its two scripts are run here as it runs them, by root with `sh -e`."""
    text = target.output("cat /etc/gramex/api/upstart.conf") + "\n"
    stanzas = re.sub(r"^(pre-start )?script\n.*?^end script$", "", text, flags=re.MULTILINE | re.DOTALL)
    for line in ("start on runlevel [2345]", "stop on runlevel [!2345]", "respawn"):
        assert f"\n{line}\n" in stanzas
    scripts = sections(text)
    assert set(scripts) == {"pre-start", ""}
    target.output("service gramex-api stop; rm -rf /run/gramex/api")  # as after a boot
    assert target.run("sh -e", input=scripts["pre-start"]).returncode == 0
    assert target.run("cat >/root/job.sh", input=scripts[""]).returncode == 0
    target.output("setsid sh -e /root/job.sh >/root/job.log 2>&1 & echo $! >/root/job.pid")
    try:
        target.wait("test -S /run/gramex/api/api.sock", 30)
        assert browser.get("/api/add?x=2&x=3").json()["sum"] == 5
        [process] = state.processes(target, "api")
        assert target.output("cat /root/job.pid") == process, "Upstart would lose sight of it"
    finally:
        log = target.output("cat /root/job.log; kill $(cat /root/job.pid)")
    target.wait("! kill -0 $(cat /root/job.pid) 2>/dev/null", 30)
    target.output("rm /root/job.*; service gramex-api start")
    assert browser.get("/api/add?x=2").status == 200, log


def test_what_crashed_is_started_again_and_what_was_stopped_is_not(
    crash: list[str], target: Target, browser: Browser
) -> None:
    target.wait(f"flock -n /run/gramex-lock/process {STATUS.format('shared')} >/dev/null", 150)  # it is ready then
    assert state.processes(target, "shared") not in ([], crash)
    assert browser.get("/shared/one/").status == 200
    assert "has crashed and is started again" in target.output("cat /var/log/gramex/shared.log")
    assert code(target, STATUS.format("site")) == 3
    assert code(target, "service gramex-site mend") == 0
    assert code(target, STATUS.format("site")) == 3
