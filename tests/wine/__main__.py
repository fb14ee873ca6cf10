"""`python tests/wine`: start a Windows machine under Wine for a look by hand, until Enter is pressed."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "ansible" / "plugins" / "module_utils")]

from wine import prefix  # noqa: E402

with prefix.start("by-hand") as machine:
    print(f"docker exec -it {machine.container} wine '{prefix.PYTHON}' -m gramex --version")
    print(f"address {machine.address}; C: is {prefix.posix('C:')} in the container. Enter ends it.")
    sys.stdin.readline()
