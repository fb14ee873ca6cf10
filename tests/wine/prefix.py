r"""A Windows machine, as far as Wine is one: a container with a booted prefix, Windows' own Python and our wheel in it.

Use it with pytest, in a conftest.py:

    @pytest.fixture(scope="module")
    def machine():
        with prefix.start("service") as machine:
            yield machine

    def test_it(machine):
        machine.copy(ROOT / "examples" / "site", r"C:\apps\site")
        done = machine.gramex("service", "install", cwd=r"C:\apps\site")
        assert done.code == 0, done
        machine.restart()           # as a machine restarts: services that start by themselves do
        machine.get(9988, "/")      # HTTP from outside the machine

or by hand: `.venv/bin/python tests/wine` starts a machine, and says how to run commands in it.

Traps: a program whose output goes to a file dies at its first print (pipes are fine, and used here). `schtasks`,
`powershell` and `tasklist` answer 0 and do nothing; `sc qc` is missing. There are no event log records, accounts, ACLs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from hosts import images
from wine import windows

PREFIX = "/wine"
HOME = r"C:\Program Files\Python311"
PYTHON = rf"{HOME}\python.exe"
PACKAGES = rf"{HOME}\Lib\site-packages"
SERVER = "/usr/lib/wine/wineserver64"
# Without a locale in UTF-8 Wine cannot see files whose names are not ASCII.
ENVIRONMENT = {"LANG": "C.UTF-8", "WINEPREFIX": PREFIX, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=d;mshtml=d"}
# The call that starts the server of a prefix hands its output on to what lives on: a pipe would never end.
BOOT = f"{SERVER} -p; wine wineboot"
MAKE = f"mkdir -p {PREFIX} && {BOOT} -i && wine winecfg -v win10"
HALT = f"{SERVER} -k; {SERVER} -w"
BOOT_SECONDS = 120
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # containers are never behind a proxy


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Machine:
    """A container in which Wine runs."""

    def __init__(self, container: str) -> None:
        self.container = container

    def run(
        self, *command: str, cwd: str = "C:\\", seconds: float = 60, text: str = "", env: dict[str, str] | None = None
    ) -> Done:
        """Run a Windows program to its end; `text` is its standard input, `cwd` a folder of Windows."""
        variables = [word for name, value in (env or {}).items() for word in ("-e", f"{name}={value}")]
        words = ["docker", "exec", "-i", *variables, "-w", posix(cwd), self.container, "wine", *command]
        done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=seconds)
        return Done(done.returncode, _text(done.stdout), _text(done.stderr))

    def python(self, *arguments: str, **how) -> Done:
        """Run Windows' Python; keywords as for `run`."""
        return self.run(PYTHON, *arguments, **how)

    def gramex(self, *arguments: str, **how) -> Done:
        """Run the command `gramex`; keywords as for `run`."""
        return self.python("-m", "gramex", *arguments, **how)

    def shell(self, script: str, seconds: float = 60) -> str:
        """Run a script of the container's own shell, beside Wine; returns what it wrote."""
        done = docker("exec", self.container, "sh", "-c", script, seconds=seconds)
        return done.stdout

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or a folder of this repository to a path of Windows, whose folder is made."""
        place = posix(target)
        self.shell(f"mkdir -p '{Path(place).parent}'")
        docker("cp", "-q", str(source), f"{self.container}:{place}")

    def write(self, target: str, content: str) -> None:
        """Write a text file, in UTF-8, at a path of Windows, whose folder is made."""
        place = posix(target)
        script = f"mkdir -p '{Path(place).parent}' && cat > '{place}'"
        docker("exec", "-i", self.container, "sh", "-c", script, text=content)

    def read(self, target: str) -> str:
        """Return a text file at a path of Windows; '' if there is none."""
        return self.shell(f"cat '{posix(target)}' 2>/dev/null || true")

    def restart(self, env: dict[str, str] | None = None) -> None:
        """End all that runs under Wine, as a machine that loses power does, and boot again.

        `env` are variables of the machine, which its services see, until the next restart.
        """
        variables = " ".join(f"{name}='{value}'" for name, value in (env or {}).items())
        self.shell(f"({HALT}; export {variables} WINEPREFIX; {BOOT}) >/dev/null 2>&1 </dev/null", BOOT_SECONDS)

    @property
    def address(self) -> str:
        """Return the machine's IP address, which this machine reaches."""
        return docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", self.container).stdout.strip()

    def get(self, port: int, path: str = "/", seconds: float = 30) -> tuple[int, str]:
        """Return status and body of an answer. Raises OSError where nobody listens."""
        url = f"http://{self.address}:{port}{path}"
        try:
            with HTTP.open(url, timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@contextlib.contextmanager
def start(name: str) -> Iterator[Machine]:
    """Start a machine whose container is named after `name`, and take it away at the end."""
    images.ensure((images.WINE,))
    python, packages, runtime = windows.python(), windows.packages(), windows.runtime()
    run = os.environ.get("GRAMEX_TEST_RUN", f"-{os.getpid()}")
    container = f"gramex-wine-{name}{run}"
    docker("rm", "-f", "-v", container, check=False)
    options = [word for pair in ENVIRONMENT.items() for word in ("-e", "=".join(pair))]
    options += ["--label", f"gramex.test.run={run}", "--name", container]
    docker("run", "-dit", *options, images.WINE.tag, "bash")
    try:
        machine = Machine(container)
        machine.shell(f"({MAKE}; {HALT}; {BOOT}) >/dev/null 2>&1 </dev/null", BOOT_SECONDS)
        machine.copy(python, HOME)
        docker("cp", "-q", f"{packages}/.", f"{container}:{posix(PACKAGES)}")
        docker("cp", "-q", str(runtime), f"{container}:/tmp/")
        machine.shell(f"python3 -m zipfile -e /tmp/{runtime.name} '{posix(PACKAGES)}'")
        yield machine
    finally:
        docker("rm", "-f", "-v", container, check=False)


def posix(path: str) -> str:
    r"""Return where the container has a path of Windows such as ``C:\apps``."""
    windows = PureWindowsPath(path)
    assert windows.drive == "C:", path
    return "/".join((PREFIX, "drive_c", *windows.parts[1:]))


def eventually(question: Callable[[], object], seconds: float = 60) -> object:
    """Ask again until the answer is true, and return it; OSError counts as no. Raises AssertionError in the end."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            answer = question()
            if answer:
                return answer
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.2)


def docker(*words: str, text: str = "", check: bool = True, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a docker command, which must succeed unless `check` is false."""
    done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0 or not check, f"docker {' '.join(words)}: {done.stdout}{done.stderr}"
    return done


def _text(output: bytes) -> str:
    # Windows' Python writes its code page to a pipe, 1252 here, unless PYTHONUTF8 or the program says otherwise.
    try:
        text = output.decode()
    except UnicodeDecodeError:
        text = output.decode("cp1252", "replace")
    return text.replace("\r\n", "\n")
