"""A change, one that fails, a crash, a reboot, a rollback and the end of an app on the full Gramex."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from system import state, traces
from system.controller import Controller, Play
from system.target import REMOTE, Browser, Target, root_folder

AUTHORITY = "/etc/gramex/tls/localhost/cert.pem"
GAP = re.compile(r"^site .* running +yes +([0-9.]+) s$", re.MULTILINE)


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


@pytest.fixture
def page(host: Target) -> str:
    """What users find now."""
    return Browser(host, AUTHORITY, "https://localhost/sales").get("/").text


def edit(apps: Path, name: str, old: str, new: str) -> None:
    place = apps / "site" / name
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def changed(controller: Controller, apps: Path) -> Play:
    edit(apps, "index.html", "of this year", "of next year")
    return controller.deploy()


def test_a_change_says_its_gap(changed: Play, page: str) -> None:
    assert "Sales of next year" in page
    gap = GAP.search(changed.output)
    assert gap, changed.end
    assert float(gap[1]) > 0.2
    print(f"a change took {changed.seconds:.1f} s in all, with a gap of {gap[1]} s")


def test_a_change_that_fails_goes_back(changed: Play, controller: Controller, host: Target, apps: Path) -> None:
    before = state.colour(host, "site"), state.releases(host, "site")
    edit(apps, "index.html", "{{ len(sales) }}", "{{ len(no_such_name) }}")
    play = controller.play()
    edit(apps, "index.html", "{{ len(no_such_name) }}", "{{ len(sales) }}")
    assert play.code != 0
    assert "is not healthy: / answers 500" in play.output, play.end
    assert "no_such_name" in play.output, play.end  # the end of its log
    assert re.search(r"Nobody was answered for [0-9.]+ s; the one before serves again", play.output), play.end
    assert state.colour(host, "site") == before[0]
    assert "Sales of next year" in Browser(host, AUTHORITY, "https://localhost/sales").get("/").text


def test_one_that_is_killed_comes_back(host: Target) -> None:
    unit = f"gramex-site@{state.colour(host, 'site')}-1.service"
    host.output(f"systemctl kill --signal=KILL {unit}")
    host.wait(f"test $(systemctl show -p NRestarts --value {unit}) = 1", 30)
    host.wait("python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8001/\")' 2>/dev/null", 60)


def test_verbs_look_at_it_and_go_back(changed: Play, controller: Controller, host: Target) -> None:
    status = controller.play("ansible/playbooks/status.yml")
    assert re.search(r"^site +\S+ +\w+ +running ", status.output, re.MULTILINE), status.end
    logs = controller.play("ansible/playbooks/logs.yml", "-e", "app=site")
    assert "Listening on port 8001" in logs.output, logs.end
    back = controller.play("ansible/playbooks/rollback.yml", "-e", "app=site")
    assert back.code == 0, back.end
    assert re.search(r"serves as \w+; gap of this change: [0-9.]+ s", back.output), back.end
    assert "Sales of this year" in Browser(host, AUTHORITY, "https://localhost/sales").get("/").text


def test_it_is_back_after_a_reboot_with_its_data(host: Target) -> None:
    host.restart()
    host.wait("python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8001/\")' 2>/dev/null", 90)
    assert "Sales of this year" in Browser(host, AUTHORITY, "https://localhost/sales").get("/").text
    place = "file:/var/lib/gramex/site/data/site/visits.db?mode=ro"
    select = f"sqlite3.connect('{place}', uri=True).execute('select who from visits')"
    assert "('Zoë',)" in host.output(f'python3 -c "import sqlite3; print(*{select})"')


def test_it_changes_to_this_runtime_and_back(controller: Controller, host: Target, tmp_path: Path) -> None:
    source = str(root_folder() / "examples" / "site")
    app = {
        "name": "site",
        "source": source,
        "domain": "localhost",
        "path": "/sales/",
        "secrets": {"SITE_PASSWORD": "x"},
    }
    (tmp_path / "runtime.yml").write_text(yaml.safe_dump({"gramex_apps": [app]}), encoding="utf-8")
    controller.deploy("-e", f"@{tmp_path / 'runtime.yml'}")
    browser = Browser(host, AUTHORITY, "https://localhost/sales")
    assert "Harbour Tea" in browser.get("/").text
    assert "--listen.health=/" in host.output("systemctl show -p ExecStart --value 'gramex-site@*.service'")
    assert host.run("ls /etc/gramex/site/full.py").returncode != 0
    controller.deploy()  # what a rollback left, for nothing else can serve
    assert "Sales of next year" in browser.get("/").text
    assert host.run("ls /run/gramex/site.sock /etc/systemd/system/gramex-site.socket").stdout == ""


def test_removal_leaves_its_data_alone(controller: Controller, host: Target) -> None:
    play = controller.play("ansible/playbooks/remove.yml")
    assert play.code == 0, play.end
    before = json.loads(host.output(f"cat {REMOTE}/before.json"))
    after = host.snapshot()
    packages = traces.new_packages(before, after)
    reference = traces.reference(host.image(), packages, root_folder() / "tests" / "system" / "remote")
    kept = r"/var/lib/gramex(/|$)|/etc/(passwd|group|shadow|gshadow)$|/root/(asked|proxy.py)$"
    assert "\n".join(traces.left_behind(before, after, reference, kept)) == ""
    assert host.run("systemctl list-units --all --plain --no-legend 'gramex-site*'").stdout == ""
    assert host.run("test -e /var/lib/gramex/site/data/site/visits.db").returncode == 0
