"""A short run of the fuzzer finds nothing, and the fuzzer finds what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks" / "fuzz"


def fuzz(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300)


def test_malformed_requests_find_nothing() -> None:
    result = fuzz(str(FOLDER / "run.py"), "--requests=20000", "--seed=7", "--seconds=200")
    assert result.returncode == 0, result.stdout + result.stderr
    sent = re.match(r"seed 7: (\d+) requests in \d+ s, memory \+[\d.]+ MiB; ", result.stdout)
    assert sent, result.stdout
    assert int(sent[1]) > 5000  # all of them, unless the machine is very busy
    for status in ("101", "200", "301", "400", "403", "404", "501", "599"):
        assert f" {status}: " in result.stdout  # requests reach what they are meant for


def test_one_request_can_be_repeated() -> None:
    result = fuzz(str(FOLDER / "run.py"), "--seed=7", "--only=40")
    assert (result.returncode, result.stdout.split(" requests")[0]) == (0, "seed 7: 1"), result.stdout + result.stderr


SAME = """
import sys
sys.path.insert(0, sys.argv[1])
from itertools import islice
from generate import Generator
first, again, other = (list(islice(Generator(seed), 3000)) for seed in (1, 1, 2))
assert first == again != other
"""


def test_a_seed_makes_the_same_requests() -> None:
    result = fuzz("-c", SAME, str(FOLDER))
    assert result.returncode == 0, result.stderr


# The app is made worse: a handler fails, shows a file, hangs, and a file is served that must not be.
WORSE = """
import asyncio, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import app, exchange, run
from generate import Request
exchange.BOUND = 2.0
app.CODE += '''
def broken(handler):
    return 1 / 0
def leak(handler):
    return open("../secret.txt").read()[40:]
def place(handler):
    return __file__
async def stuck(handler):
    await asyncio.sleep(1000)
'''
entries = app.urls
app.urls = lambda port: entries(port) | {
    name: app.function("/" + name, name) for name in ("broken", "leak", "place", "stuck")
}
requests = [
    Request(number, b"GET /" + path + b" HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n", True)
    for number, path in enumerate((b"alive", b"broken", b"leak", b"place", b"stuck", b"fails", b"chart"), 1)
]
with tempfile.TemporaryDirectory(prefix="gx-fuzz-") as name:
    fuzz, code = asyncio.run(run.run(Path(name), iter(requests)))
for each in fuzz.findings:
    print(each)
"""


def test_what_is_wrong_is_found() -> None:
    result = fuzz("-c", WORSE, str(FOLDER))
    assert result.returncode == 0, result.stderr
    found = result.stdout
    assert "500 Internal Server Error: request 2: b'GET /broken" in found
    assert "ZeroDivisionError" in found
    assert "a file that must be refused: request 3" in found
    assert "the place of the app on the server: request 4" in found
    assert "no answer in 2.0 s: request 5" in found
    for number in (1, 6, 7):
        assert f"request {number}:" not in found
