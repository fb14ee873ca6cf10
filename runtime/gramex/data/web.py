"""Files of other servers as tables: each URL is read once."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from gramex.data.dataset import Dataset
from gramex.data.files import READERS, kind_of_file
from gramex.data.memory import Memory
from gramex.data.parameters import fill_name, fill_web
from gramex.data.query import Args
from gramex.data.refused import Refused

KEPT = 50  # URLs; one with an argument in it must not fill the memory
SECONDS = 30
LARGEST = 200_000_000  # bytes

kept: OrderedDict[tuple[str, str, str], Memory] = OrderedDict()
guard = threading.Lock()


def open_web(dataset: Dataset, args: Args, options: Mapping[str, Any]) -> Memory:
    """Return the table at a URL, from the first time that it was read.

    Raises:
        Refused: 502, the other server does not give it; 400, it is not what it should be.
    """
    url = fill_web(dataset.url, args)
    kind = kind_of_file(url.partition("?")[0], fill_name(dataset.ext, args))
    key = (url, kind, repr(sorted(options.items())))
    with guard:
        found = kept.get(key)
        if found is not None:
            kept.move_to_end(key)
            return found
    made = Memory(*READERS[kind](fetch(url), options))
    with guard:
        kept[key] = made
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return made


def fetch(url: str) -> bytes:
    """Return what is at a URL.

    Raises:
        Refused: 404, there is nothing; 502, it cannot be had.
    """
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "gramex"})  # noqa: S310  the app's own http URL
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            data = answer.read(LARGEST + 1)
    except urllib.error.HTTPError as error:
        raise Refused(404 if error.code == 404 else 502, f"{url}: {error}") from None
    except (OSError, ValueError) as error:
        raise Refused(502, f"{url}: {error}") from None
    if len(data) > LARGEST:
        raise Refused(502, f"{url}: is larger than {LARGEST} bytes")
    return data
