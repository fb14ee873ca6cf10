"""What a run says of certificates that it takes, but users will stumble over; and who holds a port."""

from __future__ import annotations

import os
import time
from socket import create_server

import pytest
from gramex_nginx.certificate import Certificate
from gramex_nginx.ports import takers
from gramex_nginx.serve import doubts

DAY = 86400


@pytest.mark.parametrize(
    ("days", "names", "said"),
    [
        (100, ["DNS:a.example"], []),
        (29, ["DNS:a.example"], ["The certificate of a.example ends on "]),
        (-1, ["DNS:a.example"], ["The certificate of a.example ended on "]),
        (100, ["DNS:b.example"], ["The certificate of a.example is not for a.example: browsers will warn."]),
        (100, ["DNS:*.example"], []),
    ],
)
def test_doubts(days: int, names: list[str], said: list[str]) -> None:
    found = Certificate("AA", int(time.time()) + days * DAY, names)
    texts = doubts("a.example", ["a.example"], found)
    assert len(texts) == len(said)
    assert all(text.startswith(start) for text, start in zip(texts, said, strict=True))


def test_the_program_that_holds_a_port_is_named() -> None:
    with create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = takers([port])
    assert found[port].endswith(f"(process {os.getpid()})")
    assert takers([port]) == {}
