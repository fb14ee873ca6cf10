"""An app is lost with all its data, and comes back from its backup as it was."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from system import visit
from system.controller import Controller
from system.target import Browser, Target

ENTRY = "before the backup"


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")


@pytest.fixture(scope="module")
def member(targets: list[Target]) -> Browser:
    """A user who logged in before the backup."""
    browser = Browser(targets[0], "/etc/gramex/tls/localhost/cert.pem")
    assert visit.log_in(browser, "from the vault") == 302
    visit.sign(browser, ENTRY)
    return browser


@pytest.fixture(scope="module")
def saved(controller: Controller, member: Browser, backups: Path) -> dict[str, Path]:
    """The backups of all apps, by name."""
    play = controller.play("ansible/playbooks/backup.yml", "-e", f"backups={backups}")
    assert play.code == 0, play.end
    return {place.name.rsplit("-", 1)[0]: place for place in (backups / member.target.name).iterdir()}


@pytest.fixture(scope="module")
def inventory(controller: Controller) -> list[dict[str, Any]]:
    """The list of apps."""
    listed = yaml.safe_load((controller.inventory / "group_vars" / "all.yml").read_text(encoding="utf-8"))
    return list(listed["gramex_apps"])


def test_each_app_is_saved_for_the_owner_alone(saved: dict[str, Path], inventory: list[dict[str, Any]]) -> None:
    assert set(saved) == {app["name"] for app in inventory}
    assert {stat.S_IMODE(place.stat().st_mode) for place in saved.values()} == {0o600}
    assert stat.S_IMODE(saved["site"].parent.stat().st_mode) == 0o700


def test_nothing_of_it_stays_on_the_host(saved: dict[str, Path], target: Target) -> None:
    assert target.output("find / -xdev -name '*.tar.gz' -newer /etc/gramex/tls -not -path '/proc/*'") == ""
    assert target.output("ls -A /run/gramex-lock | grep lease; test -e /var/cache/gramex/work; echo $?") == "1"


def test_a_lost_app_comes_back(
    saved: dict[str, Path],
    controller: Controller,
    target: Target,
    member: Browser,
    inventory: list[dict[str, Any]],
    backups: Path,
) -> None:
    lost = [{**app, "state": "absent", "remove_data": True} for app in inventory if app["name"] == "api"]
    site = next(app for app in inventory if app["name"] == "site")
    play = controller.play("site.yml", "-e", json.dumps({"gramex_apps": [site, *lost]}))
    assert play.code == 0, play.end
    assert target.run("ls /var/lib/gramex/api /srv/gramex/api /etc/gramex/api").stdout == ""
    controller.deploy()
    assert ENTRY not in [entry["text"] for entry in member.get("/api/entries").json()]
    play = controller.play("ansible/playbooks/restore.yml", "-e", "app=api", "-e", f"backups={backups}")
    assert play.code == 0, play.end
    assert ENTRY in [entry["text"] for entry in member.get("/api/entries").json()]
    assert set(target.output("find /var/lib/gramex/api -printf '%U:%G\\n'").split()) == {
        target.output("echo $(id -u gramex-api):$(id -g gramex-api)")
    }
    visit.sign(member, "after the restore")
    assert set(controller.deploy().changed.values()) == {0}


def test_sessions_and_secrets_come_back(
    saved: dict[str, Path], controller: Controller, target: Target, member: Browser
) -> None:
    target.output("rm -r /var/lib/gramex/site/* && echo 'SITE_PASSWORD: broken' >/etc/gramex/site/secrets.yaml")
    play = controller.play("ansible/playbooks/restore.yml", "-e", "app=site", "-e", f"backup={saved['site']}")
    assert play.code == 0, play.end
    assert visit.is_member(member)
    assert target.output("stat -c '%a %U:%G' /etc/gramex/site/secrets.yaml") == "640 root:gramex-site"
    assert visit.log_in(Browser(target, member.authority), "from the vault") == 302


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["app=sit"], "there is no backup of sit in"),
        (["app=api", "backup=SITE"], "is a backup of the app site, not of api"),
    ],
)
def test_a_wrong_backup_is_named(
    saved: dict[str, Path], controller: Controller, backups: Path, options: list[str], says: str
) -> None:
    told = [word for option in options for word in ("-e", option.replace("SITE", str(saved["site"])))]
    play = controller.play("ansible/playbooks/restore.yml", "-e", f"backups={backups}", *told)
    assert play.code != 0
    assert says in play.output, play.end
    assert "Traceback" not in play.output
