"""A real Redis server, Debian's, in a container.

It takes half a minute and a container engine: `GRAMEX_TEST_HOSTS=1 pytest tests/runtime/redis` runs it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]

BASE = "gramex-test/debian:bookworm-bare"
RECIPE = f"""
FROM {BASE}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends redis-server \\
 && rm -rf /var/lib/apt/lists/*
"""
PASSWORD = "redis' own"


def docker(*words: str, text: str | None = None, seconds: float = 300) -> str:
    """Run a docker command; returns its output."""
    done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"docker {words[0]}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@dataclass
class Redis:
    """A running server that asks for a password, and its port on this machine."""

    name: str
    port: int

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}:0:password={PASSWORD}"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=PASSWORD)

    def pause(self) -> None:
        """Stop answering; connections are still taken."""
        docker("pause", self.name)

    def resume(self) -> None:
        """Answer again."""
        docker("unpause", self.name)


@pytest.fixture(scope="session")
def running() -> Iterator[Redis]:
    """The server."""
    run = os.environ.get("GRAMEX_TEST_RUN", f"-{os.getpid()}")
    name = f"gramex-test-redis{run}"
    docker("build", "-q", "-t", "gramex-test/redis", "-", text=RECIPE)
    docker(
        *("run", "-d", "--name", name, "--label", f"gramex.test.run={run}", "-p", "127.0.0.1::6379"),
        *("gramex-test/redis", "redis-server", "--bind", "0.0.0.0", "--requirepass", PASSWORD, "--save", ""),
    )
    try:
        server = Redis(name, int(docker("port", name, "6379").splitlines()[0].rpartition(":")[2]))
        for _ in range(200):
            try:
                with server.client as client:
                    client.ping()
                break
            except redis.RedisError:
                time.sleep(0.1)
        yield server
    finally:
        docker("rm", "-f", "-v", name)


@pytest.fixture
def server(running: Redis) -> Redis:
    """The server, empty."""
    with running.client as client:
        client.flushall()
    return running
