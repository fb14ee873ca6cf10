#!/usr/bin/env python3
"""Write down the state of a host that a removal must restore, as JSON. Standard library only: it runs on test hosts.

`snapshot.py [FILE]`: files below the folders that a deployment may touch, installed packages, services, listeners and
processes. Times are left out, and contents are digests.
"""

import hashlib
import json
import os
import stat
import subprocess
import sys
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid

FOLDERS = ("/etc", "/srv", "/opt", "/var", "/run", "/usr/local")


def files() -> dict:
    """Path -> kind, mode, owner and group, then the digest of a file or the target of a link."""
    found = {}
    for folder in FOLDERS:
        for parent, folders, names in os.walk(folder):
            for name in (*folders, *names):
                path = f"{parent}/{name}"
                try:
                    found[path] = describe(path)
                except OSError:  # gone between the listing and the look
                    continue
    return found


def describe(path: str) -> str:
    about = os.lstat(path)
    owner = f"{stat.filemode(about.st_mode)} {user(about.st_uid)}:{group(about.st_gid)}"
    if stat.S_ISLNK(about.st_mode):
        return f"{owner} -> {Path(path).readlink()}"
    if stat.S_ISREG(about.st_mode):
        return f"{owner} {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}"
    return owner


def user(number: int) -> str:
    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group(number: int) -> str:
    try:
        return getgrgid(number).gr_name
    except KeyError:
        return str(number)


def lines(*command: str) -> list:
    """The lines of a command's output; none where the command does not exist here."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return []
    return [" ".join(line.split()) for line in done.stdout.splitlines() if line.strip()]


def services() -> list:
    """Units that are known or enabled, where systemd is process 1."""
    if not Path("/run/systemd/system").is_dir():
        return []
    units = lines("systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain")
    active = lines("systemctl", "list-units", "--all", "--no-legend", "--no-pager", "--plain")
    # A unit that only another unit names is listed as not found: it is no trace of its own.
    return sorted(units + [" ".join(line.split()[:3]) for line in active if " not-found " not in line])


def listeners() -> list:
    """Ports of TCP sockets that listen, and paths of UNIX sockets."""
    ports = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            rows = [row.split() for row in table.read_text().splitlines()[1:]]
            ports |= {f"tcp {int(row[1].rsplit(':', 1)[1], 16)}" for row in rows if row[3] == "0A"}
    unix = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return sorted(ports | {f"unix {row[7]}" for row in unix if len(row) > 7 and row[3] == "00010000"})


def processes() -> list:
    """Command lines of what runs, without kernel threads and without this program."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if command:
                found.append(command)
    return sorted(found)


def main() -> None:
    state = {
        "files": files(),
        "packages": sorted(lines("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")),
        "services": services(),
        "listeners": listeners(),
        "processes": processes(),
        "firewall": lines("nft", "--stateless", "list", "ruleset"),
    }
    text = json.dumps(state, sort_keys=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
