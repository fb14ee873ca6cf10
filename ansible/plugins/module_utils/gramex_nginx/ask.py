"""Ask the running nginx which configuration it has loaded, and which certificate it shows."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable


def digest(address: str, port: int) -> str:
    """The digest of the configuration that answers at `address` and `port`; '' where nothing of ours answers."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/gramex/digest", headers={"Host": "gramex", "Connection": "close"})
        answer = connection.getresponse()
        return answer.read(200).decode("ascii", "replace").strip() if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def leaf(address: str, port: int, name: str) -> str:
    """Fingerprint (SHA-256, colons) of the certificate shown for server name `name`; '' where there is no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # which one is shown is the question, not whether to trust it
    try:
        with (
            socket.create_connection((address, port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            shown = secure.getpeercert(binary_form=True) or b""
    except (OSError, ValueError):
        return ""
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(shown).digest())


def until(question: Callable[[], bool], bound: float) -> bool:
    """Ask until the answer is yes, at most `bound` seconds."""
    end = time.monotonic() + bound
    pause = 0.02
    while not question():
        if time.monotonic() + pause > end:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return True
