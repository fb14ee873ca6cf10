"""The Linux image: built from a base made of Debian packages, run as an operator would, asked, and stopped."""

import http.client
import json
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = "gramex-base:bookworm"
TAG = "gramex-test/image"
SEALED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
MEGABYTES = 30  # that the image may add to its base


def docker(*arguments, timeout=60):
    """Run the engine's client; fail with what it said."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr or done.stdout}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image():
    """Build the image once, on the base image, which is made where it is not there."""
    if subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, timeout=60).returncode:
        subprocess.run(["make", "base-image"], cwd=ROOT, check=True, timeout=300)
    subprocess.run(
        ["make", "image", f"BASE={BASE}", f"TAG={TAG}"],
        cwd=ROOT,
        check=True,
        timeout=600,
    )
    return TAG


class Container:
    """One running container of the image."""

    def __init__(self, name, port):
        self.name, self.port = name, port

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self, bound=60):
        """Return once it answers at all."""
        end = time.monotonic() + bound
        while True:
            try:
                return self.get("/")
            except OSError:
                assert time.monotonic() < end, docker("logs", self.name)
                time.sleep(0.2)


@pytest.fixture
def run(image):
    """Start containers; they are removed at the end, with their volumes."""
    names = []

    def start(*options, port=9988, image=image, arguments=()):
        name = docker("run", "-d", "-p", f"127.0.0.1::{port}", *SEALED, *options, image, *arguments)
        names.append(name)
        published = docker("port", name, f"{port}/tcp").splitlines()[0].rpartition(":")[2]
        container = Container(name, int(published))
        container.wait()
        return container

    yield start
    for name in names:
        docker("rm", "-f", "-v", name)


def test_serves_an_app_from_a_folder(run):
    container = run("-v", f"{ROOT}/examples/site:/app:ro")
    status, text = container.get("/")
    assert status == 200
    assert "Harbour Tea" in text


def test_runs_as_a_numeric_user_that_is_not_root(run, image):
    user = json.loads(docker("image", "inspect", image))[0]["Config"]["User"]
    assert user.split(":")[0].isdigit()
    container = run()
    assert docker("exec", container.name, "python", "-c", "import os; print(os.getuid())") == user.split(":")[0]


def test_shows_the_guide_without_an_app(run):
    status, text = run().get("/")
    assert status == 200
    assert "gramex.yaml" in text


@pytest.mark.parametrize("port", [9988, 8123])
def test_health_follows_the_port(run, port):
    container = run("--health-interval=1s", port=port, arguments=[f"--listen.port={port}"])
    end = time.monotonic() + 60
    while (state := docker("inspect", "-f", "{{.State.Health.Status}}", container.name)) == "starting":
        assert time.monotonic() < end
        time.sleep(0.3)
    assert state == "healthy"


def test_sigterm_drains_and_ends_well(run, tmp_path):
    (tmp_path / "slow_page.py").write_text(
        "import asyncio\nasync def slow(handler):\n    await asyncio.sleep(2)\n    return 'finished'\n"
    )
    (tmp_path / "gramex.yaml").write_text(
        "url: {slow: {pattern: /slow, handler: FunctionHandler, kwargs: {function: slow_page.slow(handler)}}}\n"
    )
    tmp_path.chmod(0o755)
    container = run("-v", f"{tmp_path}:/app:ro")
    connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=30)
    connection.request("GET", "/slow")
    time.sleep(0.5)
    docker("kill", "--signal", "TERM", container.name)
    assert connection.getresponse().read() == b"finished"
    connection.close()
    assert docker("wait", container.name) == "0"


def test_a_child_image_carries_its_app(run, image, tmp_path):
    child = f"{TAG}-child"
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nCOPY gramex.yaml /app/\n")
    (tmp_path / "gramex.yaml").write_text(
        "url: {page: {pattern: /, handler: FunctionHandler, kwargs: {function: str('child')}}}\n"
    )
    docker("build", "-t", child, str(tmp_path), timeout=120)
    try:
        assert run(image=child).get("/") == (200, "child")
    finally:
        names = docker("ps", "-aq", "--filter", f"ancestor={child}").split()
        docker("rm", "-f", "-v", *names)
        docker("image", "rm", child)


def test_adds_little_to_its_base(image):
    sizes = [int(docker("image", "inspect", "-f", "{{.Size}}", tag)) for tag in (image, BASE)]
    assert (sizes[0] - sizes[1]) / 1e6 <= MEGABYTES


def test_carries_no_build_tools_and_no_secrets(image):
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    assert "hatchling" not in history
    found = docker("run", "--rm", "--entrypoint", "ls", image, "/opt/gramex/bin")
    assert "pip" not in found.split()
