"""The texts that start an app: rendered, and judged by the tools that will read them."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gramex_plan.schema import load
from gramex_source import services
from jinja2 import UndefinedError

TEMPLATES = Path(__file__).resolve().parents[3] / "ansible" / "roles" / "gramex" / "templates"
SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
SETTINGS = {"socket_group": "www-data", "start_timeout": 60}
UNITS = "/etc/systemd/system"
APPS = {
    "plain": {},
    "port": {"port": 8001, "socket": ""},
    "odd": {"health": "/a%20b/?c=d&e=%25", "drain": 1, "timeout": 10, "user": "web"},
}


def units(app: dict, present: dict[str, str] | None = None, settle: bool = False) -> dict[str, str]:
    held = services.sockets(app["name"], services.address(app), present or {}, settle)
    return services.systemd(TEMPLATES, app, held, **SETTINGS)


def unit(text: str) -> configparser.RawConfigParser:
    """Parse a unit; of a setting that is there twice the last counts."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_colours_inherit_the_socket_and_a_connection_starts_the_activator(app):
    texts = units(app())
    socket = unit(texts[f"{UNITS}/gramex-site.socket"])["Socket"]
    colour = unit(texts[f"{UNITS}/gramex-site@.service"])["Service"]
    assert (socket["ListenStream"], socket["Service"]) == ("/run/gramex/site.sock", "gramex-site.service")
    assert (socket["SocketMode"], socket["SocketGroup"]) == ("0660", "www-data")
    assert colour["Sockets"] == "gramex-site.socket"
    assert colour["Type"] == "notify"


def test_no_start_makes_the_shared_socket_blocking(app):
    texts = units(app())
    for name in ("gramex-site.service", "gramex-site@.service"):
        assert unit(texts[f"{UNITS}/{name}"])["Service"]["NonBlocking"] == "yes"


def test_only_activator_and_socket_start_at_boot(app):
    texts = units(app())
    starts = {path for path, text in texts.items() if "[Install]" in text}
    assert starts == {f"{UNITS}/gramex-site.socket", f"{UNITS}/gramex-site.service"}


def test_no_start_limit_can_fail_the_socket(app):
    texts = units(app())
    for name in ("gramex-site.service", "gramex-site@.service"):
        assert unit(texts[f"{UNITS}/{name}"])["Unit"]["StartLimitIntervalSec"] == "0"


def test_limits_follow_the_app(app):
    service = unit(units(app(drain=40, timeout=600))[f"{UNITS}/gramex-site@.service"])["Service"]
    assert int(service["TimeoutStopSec"]) > 40
    assert int(service["WatchdogSec"]) >= 600
    assert "--listen.drain=40" in service["ExecStart"]


def test_a_percent_sign_is_no_specifier(app):
    service = unit(units(app(**APPS["odd"]))[f"{UNITS}/gramex-site@.service"])["Service"]
    assert "--listen.health=/a%%20b/?c=d&e=%%25 " in service["ExecStart"]


def test_an_app_that_serves_https_itself_is_told_its_certificate(app):
    wanted = app(port=443, expose=True, https={"certificate": "/c.pem", "key": "/k%.pem", "source": {}})
    texts = units(wanted)
    assert unit(texts[f"{UNITS}/gramex-site.socket"])["Socket"]["ListenStream"] == "443"
    words = shlex.split(unit(texts[f"{UNITS}/gramex-site@.service"])["Service"]["ExecStart"])
    assert words[-1] == "--listen.ssl_options={certfile: '/c.pem', keyfile: '/k%%.pem'}"
    plain = unit(units(app())[f"{UNITS}/gramex-site@.service"])["Service"]["ExecStart"]
    assert plain == " ".join(word for word in shlex.split(plain))
    assert "ssl_options" not in plain


def test_no_secret_and_no_env_is_in_a_text(app):
    wanted = app(env={"LEVEL": "very-special"}, secrets={"PASSWORD": "very-secret"})
    texts = [*units(wanted).values(), *services.sysv(TEMPLATES, wanted, **SETTINGS).values()]
    assert not any("very-" in text for text in texts)


@pytest.mark.parametrize(
    ("present", "settle", "expected"),
    [
        ({}, False, ["gramex-site.socket"]),
        ({"gramex-site.socket": "127.0.0.1:8001"}, False, ["gramex-site.socket"]),
        ({"gramex-site.socket": "/old"}, False, ["gramex-site.socket", "gramex-site_2.socket"]),
        ({"gramex-site.socket": "/old"}, True, ["gramex-site_2.socket"]),
        (
            {"gramex-site.socket": "/old", "gramex-site_2.socket": "127.0.0.1:8001"},
            False,
            ["gramex-site.socket", "gramex-site_2.socket"],
        ),
        ({"gramex-site.socket": "/old", "gramex-site_2.socket": "127.0.0.1:8001"}, True, ["gramex-site_2.socket"]),
        ({"gramex-site_2.socket": "/old"}, False, ["gramex-site_2.socket", "gramex-site_3.socket"]),
    ],
)
def test_a_changed_address_is_a_further_socket(app, present, settle, expected):
    held = services.sockets("site", "127.0.0.1:8001", present, settle)
    assert list(held) == expected
    assert held[expected[-1]] == "127.0.0.1:8001"
    wanted = app(port=8001)
    texts = services.systemd(TEMPLATES, wanted, held, **SETTINGS)
    assert unit(texts[f"{UNITS}/gramex-site@.service"])["Service"]["Sockets"].split() == expected
    assert all(f"ListenStream={where}" in texts[f"{UNITS}/{name}"] for name, where in held.items())


def test_a_missing_value_is_an_error(app):
    with pytest.raises(UndefinedError):
        services.render(TEMPLATES, "app.socket.j2", app=app())


@pytest.mark.parametrize("name", APPS)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here; hosts read the units")
def test_systemd_accepts_the_units(app, tmp_path, name):
    wanted = app(**{**APPS[name], "home": str(tmp_path), "user": "root"})
    for path, text in units(wanted).items():
        (tmp_path / Path(path).name).write_text(text)
    python = tmp_path / "venvs" / "blue-1" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    python.chmod(0o755)
    names = ["gramex-site.socket", "gramex-site.service", "gramex-site@blue-1.service"]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "gramex-site" in line]
    assert ours == []


@pytest.mark.parametrize("name", APPS)
def test_shellcheck_accepts_the_init_script(app, tmp_path, name):
    text = services.sysv(TEMPLATES, app(**APPS[name]), **SETTINGS)["/etc/init.d/gramex-site"]
    script = tmp_path / "gramex-site"
    script.write_text(text)
    # SC1091: the environment file is on the host
    done = subprocess.run(
        [SHELLCHECK, "--exclude=SC1091", str(script)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_the_init_script_has_what_insserv_asks_for(app):
    text = services.sysv(TEMPLATES, app(), **SETTINGS)["/etc/init.d/gramex-site"]
    head = text.split("### BEGIN INIT INFO\n")[1].split("### END INIT INFO")[0]
    keys = {line[2:].split(":")[0] for line in head.splitlines()}
    assert {"Provides", "Required-Start", "Required-Stop", "Default-Start", "Default-Stop"} <= keys


@pytest.mark.parametrize("name", APPS)
def test_the_job_for_upstart_starts_what_the_init_script_starts(app, tmp_path, name):
    wanted = app(**APPS[name], instances=2, env={"LEVEL": "very-special"})
    texts = services.sysv(TEMPLATES, wanted, **SETTINGS)
    job = texts[f"{wanted['config']}/upstart.conf"]
    stanzas = re.sub(r"^(pre-start )?script\n.*?^end script\n", "", job, flags=re.MULTILINE | re.DOTALL)
    words = [line.split()[0] for line in stanzas.splitlines() if line and line[0] != "#"]
    assert words == ["description", "start", "stop", "respawn", "respawn", "kill", "console"]
    assert f"\nkill timeout {wanted['drain'] + 15}\n" in stanzas
    scripts = re.findall(r"^(?:pre-start )?script\n(.*?)^end script$", job, re.MULTILINE | re.DOTALL)
    assert f"-o {wanted['user']} -g www-data -m 2750" in scripts[0]
    for script in scripts:
        done = subprocess.run(
            [SHELLCHECK, "--shell=sh", "--exclude=SC1090,SC1091", "-"],
            **{"input": script, "capture_output": True, "text": True, "check": False, "timeout": 60},
        )
        assert done.returncode == 0, done.stdout
    listen = "--listen.address=127.0.0.1 --listen.port=8001" if wanted["port"] else f"--listen.unix={wanted['socket']}"
    for option in (f"--listen.health='{wanted['health']}'", "--listen.processes=2", f"--chuid {wanted['user']}"):
        assert option in scripts[1]
    assert listen in scripts[1]
    assert "very-special" not in job


def test_a_plain_app_talks_to_its_own_machine_alone(app):
    service = unit(units(app())[f"{UNITS}/gramex-site@.service"])["Service"]
    assert (service["IPAddressDeny"], service["IPAddressAllow"]) == ("any", "localhost")
    service = unit(units(app(needs=["10.0.0.7:5432"]))[f"{UNITS}/gramex-site@.service"])["Service"]
    assert service["IPAddressAllow"] == "localhost 10.0.0.7"
    assert "IPAddressDeny" not in units(app(needs=["smtp"]))[f"{UNITS}/gramex-site@.service"]


SWITCHES = {
    "home": "ProtectHome=no",
    "tmp": "PrivateTmp=no",
    "devices": "PrivateDevices=no",
    "processes": "ProtectProc=default",
    "netlink": "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "namespaces": "RestrictNamespaces=no",
    "resources": "SystemCallFilter=~@privileged",
    "syscalls": "",
    "write": "ReadWritePaths=/var/lib/gramex/site /srv/exports",
}


@pytest.mark.parametrize("switch", load().apps["sandbox"].keys)
def test_each_switch_loosens_one_line(app, switch):
    value = ["/srv/exports"] if switch == "write" else True
    plain, loose = (
        set(units(app(sandbox=sandbox))[f"{UNITS}/gramex-site@.service"].splitlines())
        for sandbox in ({}, {**dict.fromkeys(SWITCHES), switch: value})
    )
    assert loose - plain == ({SWITCHES[switch]} if SWITCHES[switch] else set())
    assert len(plain - loose) == (2 if switch == "syscalls" else 1)


def test_limits_are_in_the_unit(app):
    text = units(app(limits={"memory": "512M", "tasks": 64, "cpu": "150%"}))[f"{UNITS}/gramex-site@.service"]
    for line in ("MemoryMax=512M", "TasksMax=64", "CPUQuota=150%"):
        assert f"\n{line}\n" in text
    assert "Max=" not in units(app(limits={"memory": None}))[f"{UNITS}/gramex-site@.service"]


def test_boot_starts_every_process_of_the_active_colour(app):
    texts = units(app(instances=3))
    for number in (1, 2, 3):
        assert f"gramex-site@$${{colour}}-{number}.service" in texts[f"{UNITS}/gramex-site.service"]
    assert "# Instances: 3\n" in texts[f"{UNITS}/gramex-site@.service"]


@pytest.mark.parametrize(
    ("keys", "init", "expected"),
    [
        ({}, "systemd", "/run/gramex/site.sock"),
        ({"port": 8001}, "systemd", "127.0.0.1:8001"),
        ({"port": 8001, "expose": True}, "systemd", "8001"),
        ({"port": 8001, "expose": True}, "sysv", "0.0.0.0:8001"),
    ],
)
def test_an_exposed_port_is_on_all_addresses(app, keys, init, expected):
    assert services.address(app(**keys), init) == expected
