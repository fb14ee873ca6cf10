"""What stands in the way is named before anything changes, and a failed reload is taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from . import plans
from .conftest import CERTIFICATE, Machine

SHOP = "/etc/nginx/sites-enabled/shop"


@pytest.fixture
def served(host: Machine) -> Iterator[Machine]:
    """A host that serves localhost, and is cleaned of other people's files afterwards."""
    run = host.deploy(plans.local())
    assert not run.failed, run.message
    yield host
    host.shell(f"rm -f {SHOP} /etc/nginx/conf.d/aaa.conf /etc/nginx/conf.d/theirs.conf")


def test_a_port_that_another_program_holds(fresh: Machine) -> None:
    """Seen before nginx is installed."""
    fresh.shell("python3 -m http.server 80 >/dev/null 2>&1 & echo $! > /root/pid; sleep 1")
    before = fresh.snapshot()
    run = fresh.deploy(plans.local())
    pid = fresh.shell("cat /root/pid; kill $(cat /root/pid)").strip()
    assert run.failed
    assert f"Port 80 is held by python3 (process {pid})" in run.message
    assert "Nothing was changed." in run.message
    assert fresh.snapshot() == before
    assert "nginx" not in fresh.shell("ls /usr/sbin")


def test_a_name_that_another_site_has(served: Machine) -> None:
    served.write(SHOP, "server {\n  listen 443 ssl;\n  server_name shop.example LOCALHOST;\n}\n")
    before = served.snapshot()
    run = served.deploy(plans.local(timeout=31))
    assert f"{SHOP}:1: this server has the name localhost as well" in run.message
    assert served.snapshot() == before


def test_the_same_name_on_another_port_is_no_conflict(served: Machine) -> None:
    served.write(SHOP, "server { listen 8081; server_name localhost; return 200 shop; }\n")
    run = served.deploy(plans.local(timeout=32))
    assert not run.failed, run.message
    assert served.ask("http://localhost:8081/")["text"] == "shop"


def test_a_default_server_of_somebody_else_stays(served: Machine) -> None:
    served.write(SHOP, "server { listen 80 default_server; server_name shop.example; return 200 shop; }\n")
    run = served.deploy(plans.local())
    assert not run.failed, run.message
    assert served.ask("http://nobody.example/", at="127.0.0.1")["text"] == "shop"
    assert served.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200
    assert served.deploy(plans.local()).changed is False


def test_a_default_server_by_order_is_spoken_of(served: Machine) -> None:
    served.write(SHOP, "server { listen 80; server_name shop.example; return 200 shop; }\n")
    run = served.deploy(plans.local(timeout=33))
    assert not run.failed, run.message
    assert f"were answered by {SHOP}:1" in run.warnings
    assert served.ask("http://shop.example/", at="127.0.0.1")["text"] == "shop"
    served.shell(f"mv {SHOP} /etc/nginx/conf.d/aaa.conf")  # read before ours: it stays the default
    run = served.deploy(plans.local(timeout=33))
    assert not run.failed, run.message
    assert served.ask("http://nobody.example/", at="127.0.0.1")["text"] == "shop"


def test_an_edited_default_site_is_somebodys_site(served: Machine) -> None:
    link, site = "/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default"
    served.shell(f"cp {site} /root/default; ln -s {site} {link}")
    served.write(site, "server { listen 80 default_server; server_name _; return 200 edited; }\n")
    run = served.deploy(plans.local())
    assert not run.failed, run.message
    assert served.ask("http://nobody.example/", at="127.0.0.1")["text"] == "edited"
    served.shell(f"cp /root/default {site}")
    run = served.deploy(plans.local())
    assert "default site disabled" in run.done
    assert served.shell(f"test -L {link} || echo gone").strip() == "gone"


def test_conf_d_that_is_not_read(served: Machine) -> None:
    served.shell("cp /etc/nginx/nginx.conf /root/; sed -i '/conf.d/d' /etc/nginx/nginx.conf")
    run = served.deploy(plans.local())
    served.shell("cp /root/nginx.conf /etc/nginx/nginx.conf")
    assert "does not read conf.d: add `include /etc/nginx/conf.d/*.conf;`" in run.message


def test_ipv6_that_takes_ipv4_too(served: Machine) -> None:
    served.write(SHOP, "server { listen [::]:80 ipv6only=off; server_name shop.example; }\n")
    assert f"{SHOP}:1: `ipv6only=off` takes the IPv4 port" in served.deploy(plans.local()).message


def test_a_reload_that_nginx_refuses_is_taken_back(served: Machine) -> None:
    """nginx -t does not mind a port that is taken; the reload does."""
    assert served.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200
    served.shell("python3 -m http.server 8099 >/dev/null 2>&1 & echo $! > /root/pid; sleep 1")
    before = served.snapshot()
    served.write("/etc/nginx/conf.d/theirs.conf", "server { listen 8099; }\n")
    run = served.deploy(plans.local(timeout=34, nginx_wait=3))
    served.shell("kill $(cat /root/pid); rm /etc/nginx/conf.d/theirs.conf")
    assert run.failed
    assert "nginx did not take over the new configuration. The former files are back, and nginx runs." in run.message
    assert "[emerg] bind() to 0.0.0.0:8099 failed (98: Address already in use)" in run.message
    assert served.snapshot() == before
    assert served.ask("https://localhost/", trust=CERTIFICATE)["status"] == 200
    assert served.deploy(plans.local()).failed is False


def test_a_start_that_fails_is_taken_back(served: Machine) -> None:
    before = served.snapshot()
    served.shell("systemctl stop nginx; python3 -m http.server 8099 >/dev/null 2>&1 & echo $! > /root/pid; sleep 1")
    served.write("/etc/nginx/conf.d/theirs.conf", "server { listen 8099; }\n")
    run = served.deploy(plans.local(timeout=35, nginx_wait=3))
    served.shell("kill $(cat /root/pid); rm /etc/nginx/conf.d/theirs.conf")
    assert "nginx did not start with the new configuration" in run.message
    assert "nginx does not run, as before" in run.message
    assert "[emerg] bind() to 0.0.0.0:8099 failed" in run.message
    assert served.snapshot() == before
    assert served.deploy(plans.local()).done == ["nginx started"]


def test_a_run_that_was_killed_before_its_reload(served: Machine) -> None:
    """The files are as wanted, but nginx runs the former ones: only its digest tells."""
    served.deploy(plans.local(timeout=36))
    served.shell("cp /etc/nginx/conf.d/gramex-* /root/")
    served.deploy(plans.local())
    served.shell("cp /root/gramex-* /etc/nginx/conf.d/; touch /etc/nginx/conf.d/.gramex-http.conf.new")
    served.shell("mkdir -p /run/gramex-nginx.work/nginx")
    run = served.deploy(plans.local(timeout=36))
    assert run.done == ["nginx reloaded"]
    assert served.deploy(plans.local(timeout=36)).changed is False
    assert served.shell("ls -A /etc/nginx/conf.d").split() == ["gramex-http.conf", "gramex-site-localhost.conf"]
    assert "gramex-nginx" not in served.shell("ls /run")


def test_ten_reloads_under_load_lose_nothing(served: Machine) -> None:
    said: dict[str, object] = {}
    load = {"url": "https://localhost/x", "trust": CERTIFICATE, "stop": "/root/stop", "seconds": 300}
    thread = threading.Thread(target=lambda: said.update(served.job("load", bound=330, **load)))
    served.shell("rm -f /root/stop")
    thread.start()
    runs = [served.deploy(plans.local(timeout=40 + number)) for number in range(10)]
    served.shell("touch /root/stop")
    thread.join(60)
    assert [run.done for run in runs] == [["nginx reloaded"]] * 10
    assert said["bad"] == []
    assert int(str(said["good"])) > 100


def test_removal_keeps_an_nginx_that_others_use(served: Machine) -> None:
    served.write(SHOP, "server { listen 80; server_name shop.example; return 200 shop; }\n")
    served.deploy(plans.local(timeout=37))
    run = served.deploy(plans.nothing())
    assert not run.failed, run.message
    assert f"nginx goes on: it serves other sites, such as the one in {SHOP}:1" in run.warnings
    assert served.ask("http://shop.example/", at="127.0.0.1")["text"] == "shop"
    assert served.shell("systemctl is-enabled nginx").strip() == "enabled"
    assert served.shell("ls -d /etc/gramex /etc/nginx/conf.d/gramex* 2>/dev/null || true") == ""


def test_removal_brings_back_what_was_there(served: Machine) -> None:
    """An nginx that ran with a site of its own before us runs with it after us, every file as it was."""
    served.deploy(plans.nothing())
    served.write(SHOP, "server { listen 80; server_name shop.example; return 200 shop; }\n")
    served.shell("systemctl reload nginx || systemctl start nginx; systemctl enable nginx")
    before = served.snapshot()
    assert not served.deploy(plans.local()).failed
    assert served.snapshot() != before
    run = served.deploy(plans.nothing())
    assert run.done == ["default site restored", "nginx reloaded without our sites"], run.message
    assert served.snapshot() == before
    assert served.ask("http://shop.example/", at="127.0.0.1")["text"] == "shop"
    assert "error" in served.ask("https://localhost/")
