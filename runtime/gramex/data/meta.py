"""Headers that tell what was made of the arguments: ``Fh-Data-Limit: 10``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gramex.data.formats.jsontext import ISO, dumps

UNSAFE = re.compile(r"[^A-Za-z0-9!#$%&'*+.^_`|~-]+")


def header_part(dataset: str) -> str:
    """Return the name of a dataset as it stands in headers."""
    return UNSAFE.sub("-", dataset).capitalize()


def meta_headers(dataset: str, meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers for the answer of a dataset."""
    name = header_part(dataset)
    return {f"Fh-{name}-{key.capitalize()}": dumps(value, ISO) for key, value in meta.items()}
