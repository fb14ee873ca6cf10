"""Judge what a removal left behind: compare states of a host as remote/snapshot.py writes them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

# What an operating system writes whenever it runs or installs something, in files that it owns itself.
VOLATILE = re.compile(
    "|".join(
        (
            r"/etc/(machine-id|mtab|resolv\.conf|hosts|hostname|ld\.so\.cache|\.pwd\.lock)$",
            r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$",
            r"/var/(cache|backups|tmp)\b",
            r"/var/log/(journal|apt|(dpkg|alternatives|bootstrap)\.log|wtmp|btmp|lastlog|faillog|nginx/\w+\.log|dmesg|fsck)\b",
            r"/var/lib/(apt|dpkg|systemd|ucf|urandom|initscripts|sysvinit|logrotate|python|nginx/\w+)\b",
            r"/run/(systemd|udev|user|log|lock|mount|initctl|utmp|dbus|crond|motd|network|shm|sysctl|credentials)\b",
        )
    )
)


def left_behind(before: dict[str, Any], after: dict[str, Any], reference: dict[str, Any], kept: str = "") -> list[str]:
    """What differs from before and is not there on a host that merely has the same packages, one line each.

    `reference` is the state of such a host; `kept` is a pattern of paths that were meant to stay.
    """
    lines = []
    for path in sorted(before["files"].keys() | after["files"].keys()):
        was, is_now = before["files"].get(path), after["files"].get(path)
        if was == is_now or is_now == reference["files"].get(path):
            continue
        if VOLATILE.match(path) or (kept and re.match(kept, path)):
            continue
        lines.append(f"{path}: was {was}, is {is_now}")
    for kind in ("services", "listeners", "processes", "firewall"):
        changed = {name for name in set(before[kind]) ^ set(after[kind]) if _matters(kind, name)}
        lines += [f"{kind}: {'new' if name in after[kind] else 'gone'}: {name}" for name in sorted(changed)]
    return lines


def _matters(kind: str, name: str) -> bool:
    """The system's own jobs come and go while a test runs; what has our name, and any port, is somebody's doing."""
    if kind == "firewall" or (kind == "listeners" and name.startswith("tcp")):
        return True
    if name.startswith("nginx.service") and not {"enabled", "active", "failed"} & set(name.split()[1:2]):
        return False  # installed and at rest
    return "gramex-test" not in name and ("gramex" in name or "nginx" in name)


def reference(image: str, packages: list[str], tools: Path) -> dict[str, Any]:
    """The state of a host of `image` on which only `packages` were installed, their services stopped and disabled."""
    names = " ".join(sorted(packages))
    script = f"""
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update && apt-get -qq install -y --no-install-recommends {names} >&2 || exit 1
        if [ -d /etc/systemd/system ] && command -v systemctl >/dev/null; then systemctl -q disable nginx >&2; fi
        update-rc.d nginx disable >&2
        python3 /tools/snapshot.py
    """
    done = subprocess.run(
        ["docker", "run", "--rm", "-v", f"{tools}:/tools:ro", image, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"no reference of {image}: {done.stderr[-1000:]}"
    return json.loads(done.stdout)


def new_packages(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of packages that were installed in between."""
    return sorted(line.split()[0] for line in set(after["packages"]) - set(before["packages"]))
