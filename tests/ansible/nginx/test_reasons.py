"""What an operator reads when nginx refuses."""

from __future__ import annotations

from gramex_nginx.outcome import NginxError
from gramex_nginx.staging import complaints


def test_reasons_without_times_and_numbers() -> None:
    text = (
        '2026/11/22 10:20:36 [emerg] 503#503: unknown directive "bogus" in /etc/nginx/conf.d/b.conf:1\n'
        "nginx: configuration file /etc/nginx/nginx.conf test failed\n"
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
        "2026/11/22 10:20:36 [notice] 1#1: signal process started\n"
    )
    assert complaints(text) == [
        '[emerg] unknown directive "bogus" in /etc/nginx/conf.d/b.conf:1',
        "[emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
    ]


def test_the_message_holds_the_reasons() -> None:
    assert str(NginxError("No.", ["[emerg] a", "b"])) == "No.\n  [emerg] a\n  b"
