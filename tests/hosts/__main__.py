"""`python tests/hosts`: make the base images of the test hosts on the engine that runs, and name them."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hosts import engine, images


def main() -> int:
    began = time.monotonic()
    try:
        found = engine.find()
        if found is None:
            raise engine.Missing("no container engine answers; `make test` starts one as root on Debian")
        made = images.ensure()
    except engine.Missing as missing:
        print(f"tests/hosts: {missing}", file=sys.stderr)
        return 1
    for image in images.IMAGES:
        print(f"{image.tag} {'made' if image.tag in made else 'is there'}")
    print(f"{time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
