"""After a newcomer's `make deploy` on a machine without an init: what it said, and what works."""

from __future__ import annotations

import re

import pytest

from system import state, visit
from system.target import REMOTE, Browser, Target

APPS = {"site": "https://localhost/", "api": "https://localhost/api/", "shared": "https://localhost/shared/"}


def make(target: Target, goal: str, timeout: float = 300) -> tuple[int, str]:
    """Exit code and output of `make GOAL` in the newcomer's clone."""
    done = target.run(f"cd /root/gramex && make {goal} 2>&1", timeout=timeout)
    return done.returncode, done.stdout


def test_the_first_deploy_ends_with_a_table(target: Target) -> None:
    log = target.output(f"cat {REMOTE}/deploy.log")
    seconds = int(target.output(f"cat {REMOTE}/ended")) - int(target.output(f"cat {REMOTE}/began"))
    print(f"{target.name}: first make deploy took {seconds} s")
    table = log[log.index("\nlocalhost: ok=") :]
    for app, url in APPS.items():
        row = rf"^{app} +{re.escape(url)} +\d{{8}}T\d{{6}}Z-[0-9a-f]{{8}} +running +does not start at boot\b"
        assert re.search(row, table, re.MULTILINE), table
    served = target.ask("certificate", authority="/etc/gramex/tls/localhost/cert.pem")
    assert "error" not in served, served["error"]
    fingerprint = target.output("openssl x509 -in /etc/gramex/tls/localhost/cert.pem -noout -fingerprint -sha256")
    assert fingerprint.split("=")[1] in table


def test_the_clone_is_clean(target: Target) -> None:
    assert target.output("cd /root/gramex && git status --porcelain") == ""


def test_every_example_works(browser: Browser) -> None:
    visit.visit_pages(browser)
    visit.talk(browser)
    visit.sign(browser, "hello")
    assert visit.log_in(browser, "wrong") in (200, 401)
    assert not visit.is_member(browser)
    assert visit.log_in(browser, "alpha") == 302
    assert visit.is_member(browser)


def test_again_changes_nothing(target: Target) -> None:
    before = {app: state.processes(target, app) for app in APPS}
    assert all(before.values()), before
    code, output = make(target, "deploy")
    assert code == 0, output
    assert re.search(r"^localhost: ok=\d+ changed=0 .* in (\d+) s$", output, re.MULTILINE), output
    print(f"{target.name}: {output[output.index('localhost: ok=') :].splitlines()[0]}")
    assert {app: state.processes(target, app) for app in APPS} == before


def test_one_changed_file_is_a_new_release_of_one_app(target: Target, browser: Browser) -> None:
    others = {app: state.processes(target, app) for app in ("api", "shared")}
    member = Browser(target, browser.authority)
    assert visit.log_in(member, "alpha") == 302
    target.output("sed -i 's/Six teas/Seven teas/' /root/gramex/examples/site/index.template.html")
    code, output = make(target, "deploy")
    assert code == 0, output
    assert "Gap of this change" in output
    assert "Seven teas" in browser.get("/").text, "the old release still answers"
    assert len(state.releases(target, "site")) == 2
    assert {app: state.processes(target, app) for app in ("api", "shared")} == others
    assert visit.is_member(member), "the session was lost"


@pytest.mark.parametrize("app", APPS)
def test_service_commands_work(target: Target, app: str) -> None:
    """Nobody starts services on such a machine at boot: its owner types these."""
    assert target.run(f"service gramex-{app} status").returncode == 0
    target.output(f"service gramex-{app} stop")
    assert target.run(f"service gramex-{app} status").returncode == 3
    assert state.processes(target, app) == []
    target.output(f"service gramex-{app} start")
    assert target.run(f"service gramex-{app} status").returncode == 0
    before = state.processes(target, app)
    target.output(f"service gramex-{app} restart")
    assert state.processes(target, app) not in ([], before)


def test_everything_still_works_after_it(browser: Browser) -> None:
    visit.visit_pages(browser)
