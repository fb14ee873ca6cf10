"""Tries, on the controller, whether ports of a host answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

from gramex_preflight.together import together

SECONDS = 4.0
SILENCE = f"no answer within {SECONDS:.0f} s"


def tried(address: str, ports: Iterable[int], held: Iterable[int], token: str) -> dict[int, str]:
    """
    Return for each port why it cannot be reached, '' where it can.

    Those in `held` must answer with `token`: else another machine, or something between, took the connection.
    """
    expected = set(held)

    def one(port: int) -> str:
        try:
            with socket.create_connection((address, port), timeout=SECONDS) as link:
                if port not in expected:
                    return ""
                said = b""
                with contextlib.suppress(TimeoutError):
                    while len(said) < len(token) and (part := link.recv(256)):
                        said += part
                return "" if said.decode("latin-1") == token else "something else than this host answers"
        except TimeoutError:
            return SILENCE
        except (OSError, UnicodeError) as error:
            return str(getattr(error, "strerror", None) or error)

    wanted = sorted(set(ports))
    found = together(one, wanted, SECONDS + 1)
    return {port: found.get(port, SILENCE) for port in wanted}
