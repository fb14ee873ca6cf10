"""Runs commands as an app's user, never as root, and judges interpreters."""

from __future__ import annotations

import configparser
import contextlib
import grp
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What a host's administrator sets to reach the network: kept for whoever installs packages.
NETWORK = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Done:
    """A command that ended. `output` is what it wrote, both streams, in order."""

    code: int
    output: str

    @property
    def last(self) -> str:
        """The last line that says anything."""
        return next((line for line in reversed(self.output.splitlines()) if line.strip()), "no output")


def run(
    command: list[str],
    user: str,
    folder: Path,
    environment: Mapping[str, str],
    timeout: int,
    home: str = "/nonexistent",
) -> Done:
    """Run a command as `user` in `folder`, at most `timeout` seconds; what it leaves running is killed.

    Its environment is the one given, not root's. Raises OSError where the command or folder is out of the user's reach.
    """
    entry = pwd.getpwnam(user)
    groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
    own = os.geteuid() == entry.pw_uid
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": home, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=None if own else entry.pw_uid,
        group=None if own else entry.pw_gid,
        extra_groups=None if own else groups,
        umask=0o022,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        return Done(124, f"ended after {timeout} s without a result")
    _kill(process)
    return Done(process.returncode, output.decode(errors="replace"))


def network() -> dict[str, str]:
    """Return the variables of this process that say how packages are reached: proxies, certificates, pip's own."""
    names = {*NETWORK, *(name.upper() for name in NETWORK), *CERTIFICATES}
    return {name: value for name, value in os.environ.items() if name in names or name.startswith("PIP_")}


def pip_settings() -> str:
    """Return root's own pip.conf files as one text: others cannot read them, yet they may name the only index."""
    merged = configparser.RawConfigParser()
    home = Path.home()
    merged.read([home / ".pip/pip.conf", home / ".config/pip/pip.conf"], encoding="utf-8")
    lines = []
    for section in merged.sections():
        lines.append(f"[{section}]")
        lines += [f"{key} = " + value.replace("\n", "\n  ") for key, value in merged.items(section)]
    return "\n".join(lines) + "\n" if lines else ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()
