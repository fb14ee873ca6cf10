"""Fetches the ZIP file of an app by its URL, within bounds."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gramex import __version__
from gramex.setup.archive import SourceError

MOST_BYTES = 512 * 1024**2
STEP = 30.0  # seconds for each step: to connect, to send the next part
WHOLE = 900.0  # seconds


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from HTTPS to what anybody on the way could change, nor to another kind of URL."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the request to follow."""
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new != "https" and (new, old) != ("http", "http"):
            raise SourceError(f"redirects from {old} to {new}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener() -> urllib.request.OpenerDirector:
    """Return what opens http and https, and no files or other kinds of URL."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        Redirects,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        director.add_handler(handler())
    director.addheaders = [("User-Agent", f"Gramex/{__version__}")]
    return director


def fetch(url: str, target: Path) -> None:
    """Write what a URL has to a file.

    Raises:
        SourceError: there is no answer, it is an error, or it is too large or too slow.
        OSError: nothing can be written.
    """
    end = time.monotonic() + WHOLE
    left = MOST_BYTES
    try:
        with opener().open(url, timeout=STEP) as answer, target.open("wb") as stream:
            while chunk := answer.read1(1024 * 1024):
                left -= len(chunk)
                if left < 0:
                    raise SourceError(f"is larger than {MOST_BYTES // 1024**2} MiB")
                if time.monotonic() > end:
                    raise SourceError(f"was not complete after {WHOLE:.0f} s")
                stream.write(chunk)
            if answer.length:
                raise SourceError("broke off before the end")
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError(f"answers {error.code} {' '.join(str(error.reason).split())}") from None
    except urllib.error.URLError as error:
        raise SourceError(f"does not answer: {error.reason}") from None
    except (http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        raise SourceError(f"does not answer as it should: {type(error).__name__}: {error}") from None
