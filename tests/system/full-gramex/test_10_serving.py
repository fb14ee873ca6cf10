"""An app on the full Gramex behind nginx: its pages, data and log in; what it may not do, and where it is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from system import state
from system.controller import Controller
from system.target import Answer, Browser, Target

APP = "https://localhost/sales"
AUTHORITY = "/etc/gramex/tls/localhost/cert.pem"
# Writes a line for each program that wants to talk to other machines.
PROXY = """
import socket
with socket.create_server(("127.0.0.1", 8899)) as door, open("/root/asked", "w") as asked:
    print("listens", file=asked, flush=True)
    while True:
        link, _ = door.accept()
        link.settimeout(5)
        print(link.recv(200), file=asked, flush=True)
        link.close()
"""


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


@pytest.fixture
def browser(host: Target) -> Browser:
    return Browser(host, AUTHORITY, APP)


def test_templates_read_data(browser: Browser) -> None:
    answer = browser.get("/")
    assert (answer.status, answer.headers["server"]) == (200, "nginx")
    assert "<p>100 in 3 cities</p>" in answer.text


def test_rows_of_a_file_go_through_a_function_of_the_app(browser: Browser) -> None:
    rows = browser.get("/cities?_sort=-amount&amount>~=30").json()
    assert rows == [
        {"city": "Oslo", "amount": 50, "share": 50 / 80},
        {"city": "Lisbon", "amount": 30, "share": 30 / 80},
    ]
    table = browser.get("/cities?_format=csv").text.lstrip("\ufeff")
    assert table.split() == ["city,amount,share", "Lisbon,30,0.3", "Oslo,50,0.5", "Riga,20,0.2"]


def test_users_log_in_with_a_secret_and_write_rows(browser: Browser) -> None:
    asked = browser.get("/members")
    assert (asked.status, asked.headers["location"].startswith("/sales/login/?next=")) == (302, True)
    assert log_in(browser, "wrong").status == 401
    answer = log_in(browser, "from the vault")
    assert (answer.status, answer.headers["location"]) == (302, "/sales/members")
    assert "Welcome back, alpha" in browser.get("/members").text
    assert browser.post("/visits", {"who": "Zoë"}).status == 200
    assert "Zoë" in [row["who"] for row in browser.get("/visits").json()]
    assert Browser(browser.target, AUTHORITY, APP).get("/visits").status in (302, 401)


def test_the_key_that_everybody_knows_makes_nobody_a_user(browser: Browser, host: Target) -> None:
    python = f"/srv/gramex/site/venvs/{state.colour(host, 'site')}-1/bin/python"
    user = '{\\"id\\": \\"alpha\\"}'
    sign = f'import tornado.web as w; print(w.create_signed_value("secret-key", "user", "{user}").decode())'
    forged = host.output(f"{python} -c '{sign}'")
    assert browser.get("/members", **{"X-Gramex-User": forged}).status == 400
    assert host.output("stat -c '%a %U' /var/lib/gramex/site/cookie.key") == "600 gramex-site"


def test_setup_and_requirements_are_honoured(host: Target) -> None:
    assert host.output("cat /srv/gramex/site/releases/*/made.txt") == "made by setup.sh"
    python = f"/srv/gramex/site/venvs/{state.colour(host, 'site')}-1/bin/python"
    versions = "from importlib.metadata import version as v; print(v('gramex'), v('tornado'))"
    assert host.output(f'{python} -c "{versions}"') == "1.94.5 6.4.2"


def test_the_unit_is_shut(host: Target) -> None:
    unit = f"gramex-site@{state.colour(host, 'site')}-1.service"
    said = host.output(f"systemd-analyze security --no-pager {unit}")
    assert float(re.findall(r"exposure level.*: ([0-9.]+)", said)[0]) <= 1.2
    assert host.output(f"systemctl show -p NRestarts --value {unit}") == "0"


def test_tasks_run_in_its_environment(host: Target) -> None:
    host.output("systemctl start gramex-site:total.service")
    assert host.output("cat /var/lib/gramex/site/total.txt") == "100"


def test_nothing_changes_when_nothing_changed(controller: Controller) -> None:
    again = controller.deploy()
    assert set(again.changed.values()) == {0}, again.end


def test_a_restart_has_a_gap_that_is_said_and_tells_nobody(controller: Controller, host: Target) -> None:
    host.output(f"cat >/root/proxy.py <<'END'\n{PROXY}\nEND")
    host.output("systemd-run --quiet --unit=gramex-test-proxy python3 /root/proxy.py")
    host.wait("grep -q listens /root/asked", 20)
    colour = {"blue": "green", "green": "blue"}[state.colour(host, "site")]
    play = controller.play("ansible/playbooks/restart.yml", "-e", "app=site")
    assert play.code == 0, play.end
    gap = re.search(rf"started anew as {colour}; gap of this change: ([0-9.]+) s", play.output)
    assert gap, play.end
    assert float(gap[1]) > 0.2
    assert state.colour(host, "site") == colour
    log = host.output(f"journalctl --no-pager -o cat -u gramex-site@{colour}-1.service")
    assert "Initialising schedule:gramex_migrate" in log  # its other schedules began
    assert "gramex_update" not in log
    assert host.output("cat /root/asked") == "listens"
    # The proof of the proof: what an app asks of other machines arrives there.
    ask = "import requests; requests.get('https://example.com')"
    environment = "--property=EnvironmentFile=/etc/gramex/site/env --property=User=gramex-site"
    host.run(f'systemd-run --quiet --wait {environment} /srv/gramex/site/venvs/{colour}-1/bin/python -c "{ask}"')
    assert "CONNECT example.com:443" in host.output("cat /root/asked")
    host.output("systemctl stop gramex-test-proxy")


def test_debian_13_is_refused_with_the_reason(controller: Controller, targets: list[Target], tmp_path: Path) -> None:
    groups = {name: {"hosts": {"trixie": None}} for name in ("gramex", "proxy")}
    (tmp_path / "more.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    play = controller.play("site.yml", "-i", str(tmp_path / "more.yml"), "--limit", "trixie")
    assert play.code != 0
    said = " ".join(play.output.split())
    assert re.search(r"/usr/bin/python3 is Python 3\.13\.\d+; there are wheels of what Gramex 1\.94\.5 needs", said), (
        said
    )
    assert targets[1].run("ls -d /srv/gramex /etc/gramex").stdout == ""


def log_in(browser: Browser, password: str) -> Answer:
    """Fill in the form of Gramex's own log-in page."""
    form = browser.get("/login/")
    token = re.search(r'name="_xsrf"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="_xsrf"', form.text)
    assert token, form.text[:1500]
    return browser.post("/login/", {"user": "alpha", "password": password, "_xsrf": token[1] or token[2]})
