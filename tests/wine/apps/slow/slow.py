"""An answer that takes until a file is there, and one that says how the service was started."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path


async def wait() -> str:
    """Return when there is a file `go`; until then there is a file `begun`."""
    await asyncio.to_thread(_wait)
    return "finished"


def _wait() -> None:
    Path("begun").touch()
    while not Path("go").exists():
        time.sleep(0.05)


def where(folder: str) -> dict[str, object]:
    """Say which Python runs here, what it prints, and what programs see that it starts."""
    import gramex

    print("printed: größe ☃")
    child = subprocess.run([sys.executable, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    return {
        "folder": str(Path.cwd()),
        "configured": str(Path(folder)),
        "prefix": sys.prefix,
        "gramex": gramex.__file__,
        "child": child.stdout.strip(),
        "variable": os.environ.get("PYTHONPATH"),
    }
