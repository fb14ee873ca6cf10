"""A small app behind nginx: says what it got as JSON, echoes websockets, redirects, and sometimes dies mid-request.

Usage: upstream.py ADDRESS..., each a socket's path or a port. /drop closes every third connection without an answer.
"""

import asyncio
import base64
import hashlib
import json
import os
import sys
from pathlib import Path

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
dropped = 0


async def serve(reader, writer):
    try:
        while True:
            await answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def answer(reader, writer):
    global dropped
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, uri, _ = first.split(" ")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    if headers.get("upgrade") == "websocket":
        await echo(reader, writer, headers)
    size, total = int(headers.get("content-length", 0)), hashlib.sha256()
    left = size
    while left:
        data = await reader.read(min(left, 65536))
        if not data:
            raise asyncio.IncompleteReadError(b"", left)
        total.update(data)
        left -= len(data)
    if uri.startswith("/drop"):
        dropped += 1
        if dropped % 3 == 0:
            raise ConnectionError
    extra, status = "", "200 OK"
    if uri.startswith("/redirect"):
        extra, status = f"Location: {headers.get('x-gramex-root', '')}/login/?next=x%2Fy\r\n", "302 Found"
    if uri.startswith("/own"):
        extra, status = "Strict-Transport-Security: max-age=1\r\nX-Frame-Options: DENY\r\n", "503 Service Unavailable"
    said = {"method": method, "uri": uri, "headers": headers, "size": size, "sha256": total.hexdigest()}
    body = json.dumps(said).encode()
    writer.write(
        f"HTTP/1.1 {status}\r\nServer: Secret/1.0\r\nContent-Type: application/json\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()


async def echo(reader, writer, headers):
    key = headers["sec-websocket-key"]
    # Header values came in lower case, but the key's case counts: the client sends one that has no letters.
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    while True:
        head = await reader.readexactly(6)
        body = await reader.readexactly(head[1] & 127)
        text = bytes(byte ^ head[2 + place % 4] for place, byte in enumerate(body))
        writer.write(bytes([0x81, len(text)]) + text)
        await writer.drain()


async def main():
    for address in sys.argv[1:]:
        if address.startswith("/"):
            await asyncio.start_unix_server(serve, address)
        else:
            await asyncio.start_server(serve, "127.0.0.1", int(address))
    await asyncio.Event().wait()


for name in sys.argv[1:]:
    if name.startswith("/"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).unlink(missing_ok=True)
os.umask(0o111)  # nginx's workers may connect
asyncio.run(main())
