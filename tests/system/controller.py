"""Run playbooks on the test hosts as an operator would, and tell what came out."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The line of counts that the gramex callback prints for each host at the end.
RECAP = re.compile(r"^(\S+): ok=(\d+) changed=(\d+) unreachable=(\d+) failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Play:
    """How a run ended. `changed` and `failed`: counts by host, from the recap; `seconds`: how long it took."""

    code: int
    output: str
    changed: dict[str, int]
    failed: dict[str, int]
    seconds: float

    @property
    def end(self) -> str:
        """The last lines, for assertions."""
        return "\n".join(self.output.splitlines()[-60:])


@dataclass(frozen=True, slots=True)
class Controller:
    """The machine that playbooks run on. `root` is the repository, `inventory` the scenario's."""

    root: Path
    inventory: Path

    def play(
        self, playbook: str = "site.yml", *options: str, timeout: float = 600, stop: Callable[[str], bool] | None = None
    ) -> Play:
        """Run a playbook to its end, at most `timeout` seconds.

        `stop` sees all output so far, ten times a second; when it returns true the run is killed with -9.
        """
        began = time.monotonic()
        process = subprocess.Popen(
            ["ansible-playbook", "-i", str(self.inventory), playbook, *options],
            cwd=self.root,
            env={
                **os.environ,
                "NO_COLOR": "1",
                "ANSIBLE_FORCE_COLOR": "0",  # molecule asks for colours, which would be part of the names
                "ANSIBLE_CONFIG": str(self.root / "ansible.cfg"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        bound = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        bound.start()
        output = ""
        try:
            assert process.stdout
            while not (stop and stop(output)):
                if not select.select([process.stdout], [], [], 0.1)[0]:
                    continue
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    process.wait()
                    break
                output += chunk.decode(errors="replace")
        finally:
            bound.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            process.stdout.close()
        recap = RECAP.findall(output)
        return Play(
            code,
            output,
            {name: int(changed) for name, _, changed, _, _ in recap},
            {name: int(failed) + int(unreachable) for name, _, _, unreachable, failed in recap},
            time.monotonic() - began,
        )

    def deploy(self, *options: str) -> Play:
        """Run site.yml and insist that it succeeds."""
        play = self.play("site.yml", *options)
        assert play.code == 0, f"site.yml failed:\n{play.end}"
        return play
