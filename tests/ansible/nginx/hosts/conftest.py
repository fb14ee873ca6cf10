"""Real hosts in containers, driven by the role with a plan made here.

They take minutes and a container engine, so they run when asked for: `GRAMEX_TEST_HOSTS=all pytest
tests/ansible/nginx/hosts`, or with the kinds of host that test_life.py shall use: `GRAMEX_TEST_HOSTS=trixie,bare`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

WANTED = os.environ.get("GRAMEX_TEST_HOSTS", "")
collect_ignore_glob = [] if WANTED else ["test_*.py"]

ROOT = Path(__file__).resolve().parents[4]
REMOTE = Path(__file__).parent / "remote"
CERTIFICATE = "/etc/gramex/tls/localhost/cert.pem"
KINDS = {
    "bookworm": ("bookworm-systemd", "systemd"),
    "trixie": ("trixie-systemd", "systemd"),
    "sysv": ("bookworm-sysv", "sysv"),
    "bare": ("trixie-bare", "none"),
}
SYSTEMD = [
    *("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--stop-signal", "SIGRTMIN+3"),
]
BOOT = ["--cap-add", "NET_ADMIN", "--tmpfs", "/run", "--tmpfs", "/run/lock"]
BOOTED = {
    "systemd": "systemctl is-system-running | grep -qx running",
    "sysv": "runlevel | grep -qx 'N 2'",
    "none": "true",
}
PLAYBOOK = [
    {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"gramex_plan": "{{ lookup('ansible.builtin.file', plan_file) | from_json }}"},
        "roles": [{"role": "nginx"}],
        "post_tasks": [{"name": "Show", "ansible.builtin.debug": {"var": "nginx_result"}}],
    }
]


def docker(*words: str, text: str = "", check: bool = True, seconds: float = 120) -> str:
    """Run a docker command; returns its output."""
    done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0 or not check, f"docker {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Run:
    """One run of the role: did it fail, did it change anything, what did it say."""

    failed: bool
    changed: bool
    message: str
    done: list[str]
    rows: list[dict[str, Any]]
    diffs: list[dict[str, str]]
    warnings: str
    output: str


@dataclass
class Machine:
    """A container with a plan that the role brings to it."""

    name: str
    init: str
    folder: Path

    def shell(self, script: str, check: bool = True, seconds: float = 120) -> str:
        """Run a shell script on the host; returns its output."""
        return docker("exec", "-i", self.name, "sh", "-c", script, check=check, seconds=seconds)

    def write(self, path: str, text: str) -> None:
        """Write a file on the host."""
        docker("exec", "-i", self.name, "sh", "-c", f"mkdir -p $(dirname {path}); cat > {path}", text=text)

    def deploy(self, plan: Mapping[str, Any], *options: str) -> Run:
        """Run the role."""
        plan_file, playbook = self.folder / "plan.json", self.folder / "play.yml"
        plan_file.write_text(json.dumps(plan), encoding="utf-8")
        playbook.write_text(yaml.safe_dump(PLAYBOOK), encoding="utf-8")
        inventory = self.folder / "hosts.yml"
        variables = {"ansible_connection": "community.docker.docker", "ansible_python_interpreter": "/usr/bin/python3"}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {self.name: variables}}}), encoding="utf-8")
        command = ["ansible-playbook", "-i", inventory, playbook, "-e", f"plan_file={plan_file}", *options]
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        return self._read(done.stdout, done.stderr)

    def _read(self, output: str, errors: str) -> Run:
        said = json.loads(output[output.index("{") :])
        stats = said["stats"][self.name]
        results = [task["hosts"][self.name] for play in said["plays"] for task in play["tasks"]]
        last = next((item for item in reversed(results) if "done" in item), {})
        failures = [str(item.get("msg", "")) for item in results if item.get("failed")]
        warnings = [str(text) for item in results for text in item.get("warnings", [])]
        return Run(
            failed=stats["failures"] > 0,
            changed=stats["changed"] > 0,
            message="\n".join(failures),
            done=last.get("done", []),
            rows=next((item["nginx_result"] for item in reversed(results) if "nginx_result" in item), []),
            diffs=last.get("diff", []),
            warnings="\n".join(warnings) + errors,
            output=output,
        )

    def ask(self, url: str, **job: Any) -> dict[str, Any]:
        """One request from the host itself; job as in remote/client.py."""
        return self.job("request", url=url, **job)

    def job(self, kind: str, bound: float = 120, **job: Any) -> dict[str, Any]:
        """Run a job of remote/client.py on the host."""
        text = json.dumps({"job": kind, **job})
        return json.loads(docker("exec", "-i", self.name, "python3", "/root/client.py", text=text, seconds=bound))

    def snapshot(self) -> str:
        """Everything that the role may touch: names, modes, link targets and bytes."""
        places = "/etc/nginx /etc/gramex /etc/rc2.d /etc/systemd/system /var/lib/gramex-acme"
        return self.shell(
            f"find {places} ! -type d ! -name 'gramex-test*' -printf '%p %m %l ' -exec sh -c "
            """'test -L "$1" && echo || md5sum < "$1"' sh {} ';' 2>/dev/null | sort; """
            "ls -d /etc/gramex /run/gramex-nginx* /var/lib/gramex-acme 2>/dev/null",
            check=False,
        )

    def processes(self) -> list[str]:
        """Numbers of all processes of nginx, master first."""
        return self.shell("grep -lx nginx /proc/[0-9]*/comm | cut -d/ -f3 | sort -n", check=False).split()

    def wait_booted(self) -> None:
        """Wait until init is done."""
        for _ in range(120):
            if docker("exec", self.name, "sh", "-c", f"{BOOTED[self.init]} && echo up", check=False).strip() == "up":
                return
            time.sleep(0.5)
        raise AssertionError(f"{self.name} does not boot")

    def start_upstream(self) -> None:
        """Start the small app on the sockets that the plans use."""
        addresses = "/run/gramex-test/site.sock /run/gramex-test/api.sock 8001"
        docker("exec", "-d", self.name, "sh", "-c", f"exec python3 /root/upstream.py {addresses}")


def start(kind: str, folder: Path, label: str = "host") -> Machine:
    """A container of this kind with nothing but its base image."""
    image, init = KINDS[kind]
    name = f"gramex-test-nginx-{label}-{kind}{os.environ.get('GRAMEX_TEST_RUN', f'-{os.getpid()}')}"
    docker("rm", "-f", "-v", name, check=False)
    options = [*(SYSTEMD if init == "systemd" else []), *(BOOT if init != "none" else ["--init"])]
    owner = f"gramex.test.run={os.environ.get('GRAMEX_TEST_RUN', '')}"
    ipv6 = "net.ipv6.conf.lo.disable_ipv6=0"
    command = ["sleep", "infinity"] if init == "none" else []
    tag = f"gramex-test/debian:{image}"
    docker("run", "-d", "--tty", "--name", name, "--label", owner, "--sysctl", ipv6, *options, tag, *command)
    machine = Machine(name, init, folder)
    machine.wait_booted()
    for file in ("client.py", "upstream.py"):
        docker("cp", "-q", str(REMOTE / file), f"{name}:/root/{file}")
    machine.start_upstream()
    return machine


@pytest.fixture(scope="module", params=[kind for kind in KINDS if WANTED == "all" or kind in WANTED.split(",")])
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A host of each kind, fresh for each file of tests."""
    made = start(request.param, tmp_path_factory.mktemp(request.param), "life")
    yield made
    docker("rm", "-f", "-v", made.name)


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One host for all that does not depend on the kind of host; each test brings it to its own plan."""
    made = start("bookworm", tmp_path_factory.mktemp("host"))
    yield made
    docker("rm", "-f", "-v", made.name)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Machine]:
    """A host that nobody touched."""
    made = start("bookworm", tmp_path, "fresh")
    yield made
    docker("rm", "-f", "-v", made.name)
