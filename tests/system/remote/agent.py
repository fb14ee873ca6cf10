#!/usr/bin/env python3
"""Do what a user's browser does, from the test host itself: one JSON request a line in, one JSON answer a line out.

`fetch`: method, url, headers, body, authority (a PEM file that the certificate must chain to; '' for none).
`websocket`: url, headers, send (texts), expect (number of messages to wait for).
`certificate`: host, port; the certificate that is served, as PEM, and its chain verified against `authority`.
Standard library only.
"""

import asyncio
import http.client
import json
import socket
import ssl
import sys
from urllib.parse import urlsplit

from client import Tally
from lasting import Live

SECONDS = 20


def context(authority: str) -> ssl.SSLContext:
    if authority:
        return ssl.create_default_context(cafile=authority)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    return trusting


def fetch(method="GET", url="", headers=(), body="", authority="") -> dict:
    """Send one request; redirects are not followed and cookies not kept."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=SECONDS, context=context(authority)
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body.encode() if body else None, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return {"status": answer.status, "headers": answer.getheaders(), "text": text}
    finally:
        connection.close()


def websocket(url="", headers=(), send=(), expect=1) -> dict:
    """Send `send` and return the first `expect` messages."""

    async def talk() -> list:
        client = Live(url, Tally(), dict(headers))
        await client.open()
        for text in send:
            await client.say(text)
        messages = [(await client.receive())[1].decode() for _ in range(expect)]
        client.close()
        return messages

    return {"messages": asyncio.run(asyncio.wait_for(talk(), SECONDS))}


def certificate(host="localhost", port=443, authority="") -> dict:
    """The served certificate; an error where it does not chain to `authority` or does not name `host`."""
    with (
        socket.create_connection((host, port), SECONDS) as plain,
        context(authority).wrap_socket(plain, server_hostname=host) as secured,
    ):
        pem = ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True))
        return {"pem": pem, "protocol": secured.version(), "names": secured.getpeercert().get("subjectAltName", ())}


def main() -> None:
    jobs = {"fetch": fetch, "websocket": websocket, "certificate": certificate}
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = jobs[job.pop("do")](**job)
        except Exception as error:  # whatever it is, the test at the other end has to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
