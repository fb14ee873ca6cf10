#!/usr/bin/python
"""Gathers in one call all that the plan has to know of a host; changes nothing."""

from __future__ import annotations

DOCUMENTATION = """
module: gramex_host
short_description: Gather what a deploy has to know of a host
description:
  - Reads privileges, operating system, init system, interpreters, disk space and listening ports in one call.
  - Asks the package indexes whether they answer, where something has to be fetched from them. Changes nothing.
  - Where it is asked to, it tries the ways out that apps need, and holds ports open for a moment so that the controller
    can try to reach them.
options:
  apps:
    description: Names of the apps that will run here. An app without an environment needs the Python package index.
    type: list
    elements: str
    default: []
  interpreters:
    description: Absolute paths of the interpreters that environments are made from.
    type: list
    elements: str
    default: []
  proxy:
    description: Whether nginx will run here.
    type: bool
    default: false
  offline:
    description: Whether a bundle brings everything, so that no index is asked.
    type: bool
    default: false
  certificates:
    description: Certificate and key by absolute path, for each domain that has them on the host.
    type: dict
    default: {}
  network:
    description: When to look at what takes seconds, always, never, or where something new is to be installed.
    type: str
    choices: [always, new, never]
    default: never
  sources:
    description: Folders of this host that are the sources of apps, by the name of the app.
    type: dict
    default: {}
  outbound:
    description: What apps talk to on other machines, as HOST:PORT.
    type: list
    elements: str
    default: []
  doors:
    description: Ports to hold open, if they are free and the network is looked at.
    type: list
    elements: int
    default: []
  token:
    description: What a port that is held open answers.
    type: str
    default: ""
author: the gramex-deploy authors
"""

EXAMPLES = """
- name: Look at the host
  gramex_host:
    apps: [site]
    interpreters: [/usr/bin/python3]
    proxy: true
  register: _host
"""

RETURN = """
facts:
  description: The facts; see the functions of the module for each. What is of no use later is below `preflight`.
  type: dict
  returned: always
"""

import configparser
import contextlib
import os
import pwd
import re
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_preflight import addresses, doors, folders, interpreters, outbound, pairs

LISTEN = "0A"  # the state of a listening socket in /proc/net/tcp
ASK_SECONDS = 8
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
ROOMS = ("/srv/gramex", "/var/lib/gramex", "/etc/gramex")
# pip's own default, told by the wheel that makes environments: /usr/share holds Debian's.
ASK_PIP = """
import ensurepip, glob, os, sys
folders = os.path.dirname(ensurepip.__file__) + "/_bundled", "/usr/share/python-wheels"
sys.path[:0] = [wheel for folder in folders for wheel in glob.glob(folder + "/pip-*.whl")]
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
"""


def read(path):
    """Text of a small file, '' where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def run(command):
    """Exit code, output and errors of a program; 127 where there is none."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, "", f"E: {error}"
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def system():
    """Name and version of the operating system, as in os-release."""
    found = dict(re.findall(r"^(\w+)=[\"']?([^\"'\n]*)", read("/etc/os-release") or read("/usr/lib/os-release"), re.M))
    name = found.get("PRETTY_NAME") or "this operating system"
    return {"os": found.get("ID", ""), "os_version": found.get("VERSION_ID", ""), "os_name": name}


def init():
    """
    The service manager (systemd, sysv or none) and whether services start at boot.

    "Not systemd, but there is a `service` command" counts as SysV; where PID 1 is no init nothing starts at boot.
    """
    if Path("/run/systemd/system").is_dir():
        return {"init": "systemd", "boot": True}
    sysv = any(os.access(path, os.X_OK) for path in ("/usr/sbin/service", "/sbin/service"))
    boots = read("/proc/1/comm").strip() == "init" and Path("/etc/inittab").exists()
    return {"init": "sysv" if sysv else "none", "boot": sysv and boots}


def listeners():
    """Map each listening TCP port (a text, as in JSON) to the programs that hold it."""
    ports = {}
    owners = {}  # the kernel says whose a socket is, even where it does not say which process holds it
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in read(table).splitlines()[1:]:
            cells = row.split()
            if cells[3] == LISTEN:
                ports[f"socket:[{cells[9]}]"] = str(int(cells[1].rsplit(":", 1)[1], 16))
                owners[f"socket:[{cells[9]}]"] = int(cells[7])
    found: dict[str, list[dict]] = {port: [] for port in ports.values()}
    named: set[str] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            held = targets(folder / "fd") & ports.keys()
            entry = program(folder) if held else {}
        except OSError:
            continue  # the process ended, or is not ours to look at
        named |= held
        for port in {ports[link] for link in held}:
            found[port].append(entry)
    for link in ports.keys() - named:
        found[ports[link]].append({"program": "", "pid": 0, "user": user_name(owners[link])})
    return found


def targets(folder):
    """What the links in a folder point to; those that vanish meanwhile are left out."""
    found = set()
    for name in os.listdir(folder):  # noqa: PTH208 a Path for each descriptor of each process costs more than all else
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"{folder}/{name}"))  # noqa: PTH115 it is no path
    return found


def program(folder):
    """Name, process id and user of the process with this folder in /proc."""
    return {"program": read(folder / "comm").strip(), "pid": int(folder.name), "user": user_name(folder.stat().st_uid)}


def user_name(uid):
    """Name of a user id, the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def free_mb(paths):
    """Free megabytes at each path, or at what exists of it. The same file system is looked at once."""
    found, seen = {}, set()
    for path in paths:
        there = next(place for place in (Path(path), *Path(path).parents) if place.exists())
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            state = os.statvfs(there)
            found[path] = state.f_bavail * state.f_frsize // 2**20
    return found


def memory_mb():
    """Megabytes that programs can still have: the machine's with its swap, or what a limit of this container leaves."""
    found = dict(re.findall(r"^(MemAvailable|SwapFree):\s+(\d+) kB", read("/proc/meminfo"), re.M))
    free = [sum(map(int, found.values())) // 1024] if found else []
    limit, used = (read(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    if limit.isdigit() and used.isdigit():
        free.append((int(limit) - int(used)) // 2**20)
    return min(free, default=None)


def default_index(python):
    """The index that pip uses where nothing else is set; '' where an interpreter has no pip yet that could tell."""
    return run([python, "-c", ASK_PIP])[1].strip()


def package_index(python):
    """The Python package index that pip would use here, from its environment and files; '' where it uses none."""
    parser = configparser.RawConfigParser(strict=False)
    files = [str(Path(name).expanduser()) for name in PIP_FILES]
    try:
        parser.read([*files, os.environ.get("PIP_CONFIG_FILE") or os.devnull])
    except configparser.Error:
        parser = configparser.RawConfigParser()
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update(parser.items(section))
    if os.environ.get("PIP_NO_INDEX") or found.get("no-index"):
        return ""
    return (os.environ.get("PIP_INDEX_URL") or found.get("index-url") or default_index(python)).strip()


def ask(url):
    """Ask a web server for anything; every answer but a fault of its own or of a proxy shows that it is there."""
    shown = re.sub(r"//[^/@]*@", "//", url)  # without a user's name and password
    answer = {"url": shown, "ok": True, "error": ""}
    if not shown.startswith(("http://", "https://")):
        return answer
    request = urllib.request.Request(shown.rstrip("/") + "/pip/", headers={"User-Agent": "gramex-deploy"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=ASK_SECONDS):  # noqa: S310 checked above
            return answer
    except urllib.error.HTTPError as error:
        good = error.code < 500 and error.code != 407
        return answer if good else {**answer, "ok": False, "error": f"HTTP status {error.code}"}
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            return answer  # it is there; pip brings certificates of its own
        return {**answer, "ok": False, "error": str(getattr(error.reason, "strerror", None) or error.reason)}
    except (OSError, ValueError) as error:
        return {**answer, "ok": False, "error": str(error)}


def system_index():
    """Ask the package sources of the operating system, by its own program with its proxies, until one answers."""
    # Not `indextargets`, which knows nothing before the first update of the lists.
    listed = run(["apt-get", "update", "--print-uris"])[1]
    urls = list(dict.fromkeys(re.findall(r"'([^']+/InRelease)'", listed)))
    options = ["-o", "Acquire::Retries=0", "-o", "APT::Sandbox::User=root"]
    for scheme in ("http", "https"):
        options += ["-o", f"Acquire::{scheme}::Timeout={ASK_SECONDS}"]
    url, error = "apt", "no source is configured"
    with tempfile.TemporaryDirectory(prefix="gramex-") as folder:
        for url in urls[:2]:
            fetch = ["/usr/lib/apt/apt-helper", *options, "download-file", url, f"{folder}/InRelease"]
            code, _output, text = run(fetch)
            if code == 0:
                return {"url": url, "ok": True, "error": ""}
            lines = [line for line in text.splitlines() if line.startswith("E: ")]
            error = lines[0][3:].split("  ")[-1] if lines else "no answer"
    return {"url": url, "ok": False, "error": error}


def new_apps(apps):
    """Those of the apps that have no environment yet."""
    return [name for name in apps if not any(Path("/srv/gramex", name, "venvs").glob("*/bin/python"))]


def indexes(apps, packages, proxy, interpreters):
    """Ask the package indexes that something has to be fetched from."""
    found = {}
    fresh = new_apps(apps)
    index = package_index(interpreters[0]) if fresh and interpreters else ""
    if index:
        found["Python package index"] = ask(index)
    if apps and (not packages["venv"] or (proxy and not packages["nginx"])):
        found["package index of the operating system"] = system_index()
    return found


def preflight(params, packages, now, taken):
    """What tells whether the host is fit, and is of no use afterwards. `now` is its time, `taken` are ports in use."""
    fresh = new_apps(params["apps"])
    always = params["network"] == "always"
    look = always or (params["network"] == "new" and bool(fresh or (params["proxy"] and not packages["nginx"])))
    held, process = doors.hold(params["doors"], params["token"]) if look else ([], 0)
    return {
        "now": now,
        "new_apps": fresh,
        "memory_mb": memory_mb(),
        "certificates": pairs.read(params["certificates"]),
        "sources": {name: folders.unfit(folder) for name, folder in params["sources"].items()},
        "network": look,
        "addresses": addresses.own() if look else [],
        "outbound": outbound.tried(params["outbound"]) if look else {},
        "firewall": doors.filtered() if look else "",
        "held": held,
        "served": [port for port in params["doors"] if str(port) in taken] if look else [],
        "process": process,
    }


def gather(params):
    """All facts of the host."""
    now = time.time()
    pythons = {path: interpreters.read(path) for path in params["interpreters"]}
    packages = {
        **{name: Path("/usr/sbin", name).exists() for name in ("nginx", "cron")},
        "venv": all(python["venv"] for python in pythons.values()),
    }
    taken = doors.left(listeners())
    return {
        "uid": os.geteuid(),
        "user": user_name(os.geteuid()),
        "hostname": socket.gethostname(),
        "machine": os.uname().machine,
        **system(),
        **init(),
        "python": pythons,
        "packages": packages,
        "free_mb": free_mb(ROOMS),
        "listeners": taken,
        "indexes": {}
        if params["offline"]
        else indexes(params["apps"], packages, params["proxy"], params["interpreters"]),
        "preflight": preflight(params, packages, now, taken),
    }


def main():
    """Run as a module."""
    names = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "apps": names,
            "interpreters": names,
            "proxy": {"type": "bool", "default": False},
            "offline": {"type": "bool", "default": False},
            "certificates": {"type": "dict", "default": {}},
            "sources": {"type": "dict", "default": {}},
            "network": {"choices": ["always", "new", "never"], "default": "never"},
            "outbound": names,
            "doors": {"type": "list", "elements": "int", "default": []},
            "token": {"default": "", "no_log": False},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, facts=gather(module.params))


if __name__ == "__main__":
    main()
