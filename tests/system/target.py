"""A test host: a container of a scenario, asked through the container engine alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

REMOTE = "/root/gramex-test"  # where prepare puts tests/system/remote


class Answer(NamedTuple):
    """An HTTP answer; header names in lower case, the last of repeated ones."""

    status: int
    headers: dict[str, str]
    text: str
    cookies: list[str]

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Target:
    """`name` in the inventory, `container` on the engine, `init`: systemd, sysvinit or none."""

    name: str
    container: str
    init: str
    _agent: subprocess.Popen[str] | None = field(default=None, repr=False)

    def run(self, command: str, timeout: float = 60, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host, whatever its exit code; output as text."""
        return subprocess.run(
            ["docker", "exec", "-i", self.container, "sh", "-c", command],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            stdin=None if "input" in kwargs else subprocess.DEVNULL,
            **kwargs,
        )

    def output(self, command: str, timeout: float = 60) -> str:
        """What a shell command prints, stripped; an AssertionError with its errors where it fails."""
        done = self.run(command, timeout)
        assert done.returncode == 0, f"{self.name}: `{command}` exits with {done.returncode}: {done.stderr.strip()}"
        return done.stdout.strip()

    def wait(self, condition: str, seconds: int = 60) -> None:
        """Wait until a shell condition holds on the host; an AssertionError after `seconds`."""
        loop = f"until {condition}; do sleep .2; done"
        command = ["docker", "exec", self.container, "timeout", str(seconds), "sh", "-c", loop]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
        assert done.returncode == 0, f"{self.name}: not within {seconds} s: {condition} {done.stderr.strip()}"

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Have the agent on the host do something, see remote/agent.py. The answer has `error` where it failed."""
        if self._agent is None or self._agent.poll() is not None:
            self._agent = subprocess.Popen(
                ["docker", "exec", "-i", self.container, "python3", f"{REMOTE}/agent.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._agent.stdin
        assert self._agent.stdout
        self._agent.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._agent.stdin.flush()
        line = self._agent.stdout.readline()
        assert line, f"{self.name}: the agent ended while it did {do} {what}"
        return json.loads(line)

    def snapshot(self) -> dict[str, Any]:
        """The state of the host, see remote/snapshot.py."""
        return json.loads(self.output(f"python3 {REMOTE}/snapshot.py", timeout=120))

    def image(self) -> str:
        """The image that the host was made from."""
        command = ["docker", "inspect", "--format", "{{.Config.Image}}", self.container]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def restart(self) -> None:
        """Restart the host, as a reboot does, and wait until it has booted."""
        self.close()
        # SysV's init has ended all services long before, but cannot end itself in a container.
        patience = "20" if self.init == "sysvinit" else "60"
        command = ["docker", "restart", "-t", patience, self.container]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        if self.init == "systemd":
            self.wait("systemctl is-system-running | grep -qxE 'running|degraded'", 90)
        elif self.init == "sysvinit":
            self.wait("runlevel | grep -qx 'N 2'", 90)

    def close(self) -> None:
        if self._agent is not None:
            with self._agent:  # closes the pipes and waits
                self._agent.kill()
            self._agent = None

    def journal(self) -> str:
        """The last lines that services of ours wrote, for whoever reads a failed test."""
        if self.init == "systemd":
            command = "journalctl --no-pager -n 60 -o short-precise -u 'gramex-*' -u nginx"
        else:
            command = "tail -n 40 /var/log/gramex*/* /var/log/gramex* /var/lib/gramex/*/logs/*.log"
        return self.run(f"{command} 2>/dev/null; tail -n 20 /var/log/nginx/error.log 2>/dev/null").stdout.rstrip()

    @contextmanager
    def load(self, *options: str, seconds: float = 240) -> Iterator[dict[str, Any]]:
        """Requests without end while the block runs. The dictionary holds what remote/load.py counted afterwards."""
        client = subprocess.Popen(
            ["docker", "exec", "-i", self.container, "python3", f"{REMOTE}/load.py", f"--seconds={seconds}", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        report: dict[str, Any] = {}
        try:
            yield report
            output, _ = client.communicate(timeout=60)
            report.update(json.loads(output))
        finally:
            with client:
                client.kill()


class Browser:
    """A user at a test host: keeps cookies, trusts one certificate file, follows no redirect by itself."""

    def __init__(self, target: Target, authority: str = "", root: str = "https://localhost"):
        self.target, self.authority, self.root = target, authority, root
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = ""
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = path if "://" in path else self.root + path
        got = self.target.ask(
            "fetch", method=method, url=url, headers=list(headers.items()), body=body, authority=self.authority
        )
        assert "error" not in got, f"{self.target.name}: {method} {url}: {got['error']}"
        cookies = [value for name, value in got["headers"] if name.lower() == "set-cookie"]
        for line in cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.coded_value
        return Answer(got["status"], {name.lower(): value for name, value in got["headers"]}, got["text"], cookies)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        return self.request("POST", path, form, **headers)


def container_name(scenario: str, host: str) -> str:
    """As molecule/*/inventory/hosts.yml names it."""
    return f"gramex-test{os.environ.get('GRAMEX_TEST_RUN', '')}-{scenario}-{host}"


def root_folder() -> Path:
    return Path(__file__).resolve().parents[2]
