"""Find the container engine that the tests use, or start one; stop it again if it was started here."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("docker.io", "mmdebstrap")
START_SECONDS = 60
STOP_SECONDS = 30


class Missing(Exception):
    """Something that the tests need is not there; the text is the one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine that answers. `pid` is its daemon's process where it was started here, else None."""

    version: str
    pid: int | None = None

    def stop(self) -> None:
        """End the daemon that was started here, and no other. Does nothing for one that was found running."""
        if self.pid is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        for _ in range(STOP_SECONDS * 10):
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def find() -> Engine | None:
    """Return the engine that answers `docker info`, or None."""
    if not shutil.which("docker"):
        return None
    try:
        answer = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, timeout=30
        )
    except subprocess.TimeoutExpired:
        return None
    return Engine(answer.stdout.strip()) if answer.returncode == 0 else None


def ensure() -> Engine:
    """Return a working engine: the one that runs, else one that is installed and started here.

    Raises Missing, with one line for the user, where there is none and none can be started.
    """
    engine = find()
    if engine:
        return engine
    if os.geteuid() != 0 or not is_debian():
        raise Missing(
            "no container engine answers `docker info`: start Docker (and let this user reach it), "
            "or run `make test` as root on Debian 12 or 13, which installs and starts one"
        )
    if not shutil.which("dockerd"):
        install(PACKAGES)
    return find() or start()  # where systemd is process 1, the package has started it


def is_debian() -> bool:
    """True on Debian itself, where the package names used here are known to be right."""
    release = Path("/etc/os-release")
    return release.exists() and "\nID=debian\n" in f"\n{release.read_text(encoding='utf-8')}"


def install(packages: tuple[str, ...]) -> None:
    """Install Debian packages without recommendations. Raises Missing with apt's last line when it cannot."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        # Parts of the tests run side by side, and apt waits for others with its packages, not with its lists.
        with Path("/var/lock/gramex-test-apt").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # apt ends by itself, so this wait is bounded
            done = subprocess.run(
                ["apt-get", "-o", "DPkg::Lock::Timeout=120", *command],
                capture_output=True,
                text=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=600,
            )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise Missing(f"apt-get {command[0]} failed, so {' and '.join(packages)} cannot be installed: {reason}")


def start() -> Engine:
    """Start dockerd as a child of this process and wait until it answers, at most START_SECONDS.

    The daemon is started directly: `service docker start` raises limits, which some machines refuse.
    """
    log = Path("/var/log/gramex-test-dockerd.log")
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    for _ in range(START_SECONDS * 2):
        if daemon.poll() is not None:
            break
        engine = find()
        if engine:
            return Engine(engine.version, daemon.pid)
        time.sleep(0.5)
    if daemon.poll() is None:
        daemon.kill()
        daemon.wait()
    last = (log.read_text(errors="replace").strip() or "no output").splitlines()[-1]
    raise Missing(f"dockerd does not start here; the last line of {log}: {last}")
