"""Takes the interpreter and the wheels from a bundle for Windows, where the controller has no network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gramex_bundle.archive import BundleError, check, extract

SUITE = "windows"


@dataclass(frozen=True)
class Kit:
    """Where the interpreter is (URL or path), and the folder of wheels; None: the package index."""

    python: str
    wheels: Path | None = None


def given(told: Mapping[str, Any], base: Path, cache: Path) -> Kit:
    """Return where to take things from; a bundle is unpacked into `cache`, once. Raises BundleError."""
    if not told["winservice_bundle"]:
        return Kit(told["winservice_python"])
    place = Path(told["winservice_bundle"]).expanduser()
    place = next((each for each in (base / place, Path.cwd() / place) if each.is_file()), place)
    bundle = check(place)
    if bundle.manifest.get("suite") != SUITE:
        raise BundleError(
            f"winservice_bundle: {place} is for {bundle.manifest.get('suite')}. Make one: make bundle SUITE=windows"
        )
    folder = cache / f"bundle-{bundle.digest[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".bundle-") as aside:
            made = Path(aside, "made")
            made.mkdir()
            extract(place, made)
            made.rename(folder)
    return Kit(str(folder / "python" / bundle.manifest["interpreter"]), folder / "wheels")
