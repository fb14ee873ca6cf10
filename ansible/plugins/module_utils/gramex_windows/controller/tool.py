"""Packs the program that works on Windows hosts: one file, named by its digest, that their Python runs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

HOST = Path(__file__).resolve().parents[1] / "host"
MOMENT = (2020, 2, 2, 0, 0, 0)
MAIN = "import sys\n\nfrom host.main import main\n\nsys.exit(main())\n"


def build(cache: Path) -> Path:
    """Return the file, made unless it is there. Equal sources give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", MOMENT), MAIN)
        for place in sorted(HOST.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(f"host/{place.name}", MOMENT), place.read_bytes())
    place = cache / f"gramex-{hashlib.sha256(packed.getvalue()).hexdigest()[:16]}.pyz"
    if not place.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(".new")
        aside.write_bytes(packed.getvalue())
        aside.replace(place)
    return place
