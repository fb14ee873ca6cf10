"""From nothing to sites in service and back, on every kind of host."""

from __future__ import annotations

import json

import pytest

from . import plans
from .conftest import CERTIFICATE, Machine, docker


def test_check_on_an_untouched_host_changes_nothing(machine: Machine) -> None:
    machine.shell("apt-get update -qq", seconds=300)
    before = machine.snapshot()
    run = machine.deploy(plans.local(), "--check", "--diff")
    assert not run.failed, run.message
    assert run.changed
    assert any("location /api/" in item["after"] for item in run.diffs)
    assert machine.snapshot() == before
    assert "nginx" not in machine.shell("ls /usr/sbin")


def test_no_sites_on_a_host_without_us_is_nothing_to_do(machine: Machine) -> None:
    before = machine.snapshot()
    run = machine.deploy(plans.nothing())
    assert not run.failed, run.message
    assert not run.changed
    assert machine.snapshot() == before


def test_sites_come_into_service(machine: Machine) -> None:
    run = machine.deploy(plans.local())
    assert not run.failed, run.message
    (row,) = run.rows
    assert row["domain"] == "localhost"
    assert row["urls"] == [f"https://localhost{path}" for path in ("/gone/", "/api/", "/raw/", "/")]
    for name in ("localhost", "127.0.0.1", "[::1]"):
        said = machine.ask(f"https://{name}/a", trust=CERTIFICATE)
        assert said.get("status") == 200, said
        assert said["fingerprint"] == row["fingerprint"]
        assert said["tls"] == "TLSv1.3"
    assert machine.shell("test -L /etc/nginx/sites-enabled/default || echo gone").strip() == "gone"
    assert machine.shell("stat -c '%a %U' /etc/gramex/tls/localhost/key.pem").strip() == "600 root"
    assert "nginx" in machine.shell(
        "ls /etc/rc2.d /etc/systemd/system/multi-user.target.wants 2>/dev/null", check=False
    )


def test_again_changes_nothing(machine: Machine) -> None:
    before, processes = machine.snapshot(), machine.processes()
    run = machine.deploy(plans.local())
    assert not run.failed, run.message
    assert not run.changed, run.done
    assert machine.snapshot() == before
    assert machine.processes() == processes


def test_check_of_a_change_tests_it_and_changes_nothing(machine: Machine) -> None:
    before = machine.snapshot()
    run = machine.deploy(plans.local(timeout=31), "--check", "--diff")
    assert run.done == ["nginx reloaded"]
    assert [item["after_header"] for item in run.diffs] == [
        "/etc/nginx/conf.d/gramex-http.conf",
        "/etc/nginx/conf.d/gramex-site-localhost.conf",
    ]
    assert machine.snapshot() == before


def test_a_change_is_reloaded(machine: Machine) -> None:
    run = machine.deploy(plans.local(timeout=32))
    assert run.done == ["nginx reloaded"]
    assert "proxy_read_timeout 32s" in machine.shell("cat /etc/nginx/conf.d/gramex-site-localhost.conf")


def test_a_broken_file_of_somebody_else_is_refused(machine: Machine) -> None:
    """Also where namespaces are refused: there the copy is tested in place."""
    refused = "not permitted" in machine.shell("unshare --mount true 2>&1", check=False)
    assert refused is (machine.init != "systemd")
    before = machine.snapshot()
    machine.write("/etc/nginx/conf.d/gramex-test.conf.d", "")  # no match for *.conf: not read
    machine.write("/etc/nginx/conf.d/zz-theirs.conf", "server { listen 80; bogus on; }\n")
    run = machine.deploy(plans.local(timeout=33))
    machine.shell("rm /etc/nginx/conf.d/zz-theirs.conf /etc/nginx/conf.d/gramex-test.conf.d")
    assert run.failed
    assert '[emerg] unknown directive "bogus" in /etc/nginx/conf.d/zz-theirs.conf:1' in run.message
    assert machine.snapshot() == before
    assert machine.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200


def test_a_broken_certificate_store_of_ours_is_mended(machine: Machine) -> None:
    machine.shell("rm /etc/gramex/tls/localhost/key.pem")
    run = machine.deploy(plans.local(timeout=32))
    assert run.done == ["self-signed certificate of localhost made: there was none", "nginx reloaded"], run.message
    assert machine.ask("https://localhost/", trust=CERTIFICATE)["fingerprint"] == run.rows[0]["fingerprint"]


def test_a_killed_nginx_starts_again(machine: Machine) -> None:
    """Nothing of ours outlives it that would keep it from starting."""
    machine.shell(f"kill -9 {' '.join(machine.processes())}; sleep .5")
    assert not machine.processes()
    machine.shell("systemctl start nginx" if machine.init == "systemd" else "service nginx start")
    assert machine.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200


def test_a_stopped_nginx_is_started(machine: Machine) -> None:
    machine.shell("systemctl stop nginx" if machine.init == "systemd" else "service nginx stop")
    run = machine.deploy(plans.local(timeout=32))
    assert run.done == ["nginx started"], run.message
    assert machine.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200


def test_removal_leaves_nothing_but_packages(machine: Machine) -> None:
    run = machine.deploy(plans.nothing())
    assert not run.failed, run.message
    assert run.done == ["default site restored", "nginx stopped", "nginx disabled at boot"]
    assert not machine.processes()
    left = machine.shell("ls -d /etc/gramex /var/lib/gramex-acme /run/gramex-nginx* 2>/dev/null", check=False)
    assert left == ""
    assert "gramex" not in machine.shell("grep -rl gramex /etc/nginx || true")
    assert machine.shell("readlink /etc/nginx/sites-enabled/default").strip() == "/etc/nginx/sites-available/default"
    enabled = "systemctl is-enabled nginx" if machine.init == "systemd" else "ls /etc/rc2.d | grep S..nginx"
    assert machine.shell(enabled, check=False).strip() in ("disabled", "")
    assert machine.deploy(plans.nothing()).changed is False


def test_back_again_on_an_nginx_that_stayed_as_a_package(machine: Machine) -> None:
    run = machine.deploy(plans.local())
    assert not run.failed, run.message
    assert "nginx started" in run.done
    record = json.loads(machine.shell("cat /etc/gramex/nginx.json"))
    assert (record["installed"], record["enabled"], record["running"]) == (True, False, False)


def test_it_is_back_after_a_restart(machine: Machine) -> None:
    if machine.init == "none":
        pytest.skip("nothing there starts anything")
    docker("restart", machine.name)
    machine.wait_booted()
    machine.start_upstream()
    assert machine.deploy(plans.local()).changed is False
    assert machine.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200
