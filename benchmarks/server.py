"""Starts the servers that are measured, pinned to one core, and ends them."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).parent
BOUND = 30.0  # seconds that a start may take


def free_port() -> int:
    """Return a TCP port that nobody used a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """One server process, and the children that it starts. A context manager."""

    def __init__(
        self, name: str, command: list[str], folder: Path, port: int, environment: dict[str, str], core: int | None
    ):
        """`core` is the only one it may use, None for all."""
        self.name, self.command, self.folder, self.port = name, command, folder, port
        self.environment, self.core = environment, core
        self.began = 0.0
        self.inherited: tuple[int, ...] = ()  # descriptors that it gets

    def __enter__(self) -> Server:
        self.output = (self.folder / f"{self.name}-{self.port}.out").open("wb")
        core = self.core
        self.began = time.perf_counter()
        self.process = subprocess.Popen(  # noqa: S603  our own command
            self.command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            pass_fds=self.inherited,
            preexec_fn=(lambda: os.sched_setaffinity(0, {core})) if core is not None else None,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()

    def wait_for(self, path: str) -> float:
        """Return the seconds from the start to the first answer 200 at a path.

        Raises:
            RuntimeError: the process ended, or it took too long.
        """
        request = f"GET {path} HTTP/1.0\r\n\r\n".encode()
        while time.perf_counter() - self.began < BOUND:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
                    sock.sendall(request)
                    if sock.recv(64).split(b" ")[1:2] == [b"200"]:
                        return time.perf_counter() - self.began
            except OSError:
                pass
            time.sleep(0.002)
        raise RuntimeError(f"{self.name} does not answer:\n{(self.folder / f'{self.name}.out').read_text()[-2000:]}")

    def wait_log(self, text: str) -> None:
        """Return once it printed a text.

        Raises:
            RuntimeError: the process ended, or it took too long.
        """
        output = self.folder / f"{self.name}-{self.port}.out"
        while self.process.poll() is None and time.perf_counter() - self.began < BOUND:
            if text in output.read_text():
                return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} is not ready:\n{output.read_text()[-2000:]}")

    def log_in(self) -> str:
        """Return the Cookie header of somebody who is logged in."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
        body = urlencode({"user": "alice", "password": "wonderland"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login/", body, headers)
        answer = connection.getresponse()
        answer.read()
        cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        connection.close()
        if not cookies:
            raise RuntimeError(f"{self.name}: log in failed with {answer.status}")
        return "; ".join(cookies)

    def cpu(self) -> float:
        """Return the seconds that the process has computed, in all its threads."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> float:
        """Return the resident memory of the process and its children, MiB."""
        pids = [self.process.pid]
        for pid in pids:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            pids += [int(child) for child in children.read_text().split()]
        return sum(rss(pid) for pid in pids)


def rss(pid: int) -> float:
    """Return the resident memory of one process, MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def bare(folder: Path, core: int | None = 0) -> Server:
    """Return the bare Tornado server, not yet started."""
    port = free_port()
    command = [sys.executable, str(HERE / "peer.py"), str(port), str(folder / "files")]
    return Server("tornado", command, folder, port, dict(os.environ), core)


def gramex(folder: Path, core: int | None = 0, *options: str, python: str = sys.executable) -> Server:
    """Return a gramex server on the app in a folder, not yet started; request log on."""
    port = free_port()
    command = [python, "-m", "gramex", f"--listen.port={port}", "--listen.address=127.0.0.1", *options]
    environment = dict(os.environ, GRAMEXDATA=str(folder / "data"))
    return Server("gramex", command, folder, port, environment, core)
