"""Makes requests, most of them not as they should be. The same seed makes the same requests."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from words import DOTS, FRAMING, LENGTHS, METHODS, NAMES, ODD, PATHS, SECRETS, TYPES, VALUES, VERSIONS

HEADER = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:[!-9;-~]+:[\t -~\x80-\xff]*\r\n)+\r\n")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `whole` says that its end is clear: the server does not wait for more."""

    number: int
    data: bytes
    whole: bool
    head: bool = False

    @property
    def deserves_answer(self) -> bool:
        """False for what is no HTTP: the server may close the connection, and what was not yet read is lost with it."""
        return self.whole and HEADER.match(self.data) is not None


class Generator:
    """An endless series of requests."""

    def __init__(self, seed: int):
        """The seed decides about all of them."""
        self.random = random.Random(seed)  # noqa: S311  not for secrets

    def __iter__(self) -> Iterator[Request]:
        number = 0
        while True:
            number += 1
            kind = self.random.random()
            if kind < 0.86:
                yield self.request(number)
            elif kind < 0.91:
                yield self.websocket(number)
            else:
                yield self.broken(number)

    def some(self, *choices: str) -> str:
        """Return one of some texts."""
        return self.random.choice(choices)

    def path(self) -> str:
        """Return a path and perhaps a query."""
        r = self.random
        path = r.choice(PATHS)
        if r.random() < 0.3:
            path = self.some(
                "/files/", "/strict/", "/map/a/", "/star/", "/templates/", "/transform/", "/", "/guide/", "/redirect/"
            )
            path += "".join(r.choice(DOTS) for _ in range(r.randrange(4))) + r.choice(SECRETS)
        if r.random() < 0.3:
            place = r.randrange(1, len(path) + 1)
            path = path[:place] + r.choice(ODD) + path[place:]
        if r.random() < 0.1:
            path = "".join(quote(each) if r.random() < 0.5 else f"%{ord(each) & 255:02x}" for each in path)
        if r.random() < 0.35:
            names = (
                "x",
                "y",
                "words",
                "flag",
                "next",
                "name",
                "_xsrf",
                "x[]",
                "",
                "%ff",
                "handler",
                "self",
                "user",
                "a" * 50,
                *("_c", "_by", "_sort", "_limit", "_offset", "_format", "_meta", "_download", "x%3E", "x~", "words!*"),
            )
            values = (*ODD, *SECRETS, "1", "2", "../../secret.txt", "//evil.example", "bad")
            path += "?" + "&".join(
                f"{r.choice(names)}{self.some('=', '', '==')}{r.choice(values)}" for _ in range(r.randrange(1, 5))
            )
        return path.replace(" ", "%20") if r.random() < 0.9 else path

    def headers(self) -> list[str]:
        """Return lines of a header."""
        r = self.random
        lines = []
        while r.random() < 0.5:
            lines.append(f"{r.choice(NAMES)}: {r.choice(VALUES)}")
        return lines

    def body(self) -> tuple[str, bytes]:
        """Return a content type and a body."""
        r = self.random
        kind = r.randrange(6)
        if kind == 0:
            value = {
                "x": r.choice([1, "1", None, [], {"a": 1}, 1e308, "\ud800", [[[[]]]]]),
                "words": r.choice(["a", ["a", 1], {}]),
            }
            return "application/json", json.dumps(value).encode()
        if kind == 1:
            return "application/json", r.choice(
                (b"{", b"[" * 5000, b'"\\ud800"', b"\xff\xfe", b"NaN", b"1" * 5000, b"")
            )
        if kind == 2:
            return "application/x-www-form-urlencoded", "&".join(
                f"{self.some('x', 'user', 'password', 'delete', 'save', '_xsrf', 'words')}={r.choice(ODD)}"
                for _ in range(3)
            ).encode("utf-8", "replace")
        if kind == 3:
            name = self.some(
                "a.txt",
                "../../a.txt",
                "..\\a",
                "a\x00.txt",
                "",
                "\u00e9.txt",
                "a" * 300,
                "/etc/passwd",
                ".hidden",
                "con",
            )
            field = self.some("file", "save", "delete", "", "file\xff")
            parts = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\ncontent\r\n'
            return "multipart/form-data; boundary=b", (parts + self.some("--b--\r\n", "--b", "", "--c--")).encode(
                "utf-8", "replace"
            )
        if kind == 4:
            return r.choice(TYPES), r.randbytes(r.choice((0, 1, 100, 5000)))
        return "text/plain", b"x" * r.choice((0, 10, 70000))

    def request(self, number: int) -> Request:
        """Return a request that is complete, whatever is in it."""
        r = self.random
        method = "GET" if r.random() < 0.6 else self.some(*METHODS[:6])
        lines = [f"{method} {self.path()} HTTP/1.1", "Host: localhost"]
        extra = [line for line in self.headers() if not line.startswith(FRAMING)]
        body = b""
        if method in ("POST", "PUT", "PATCH") or r.random() < 0.03:
            kind, body = self.body()
            extra += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        data = "\r\n".join([*lines, *extra]).encode("utf-8", "replace") + b"\r\n\r\n" + body
        return Request(number, data, True, method == "HEAD")

    def websocket(self, number: int) -> Request:
        """Return an upgrade, and frames behind it."""
        r = self.random
        key = base64.b64encode(r.randbytes(16)).decode()
        lines = [
            f"{self.some('GET', 'GET', 'GET', 'POST')} {self.some(*['/socket'] * 3, '/socket?x=1', '/echo')} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            f"Connection: {self.some('Upgrade', 'Upgrade', 'keep-alive')}",
            f"Sec-WebSocket-Version: {self.some('13', '13', '13', '8', 'x')}",
            f"Sec-WebSocket-Key: {key if r.random() < 0.9 else r.choice(VALUES)}",
            *(["Sec-WebSocket-Extensions: permessage-deflate; " + r.choice(VALUES)] if r.random() < 0.3 else []),
            *([f"Origin: {self.some('http://localhost', 'http://evil.example', 'null')}"] if r.random() < 0.3 else []),
        ]
        frames = b""
        for _ in range(r.randrange(4)):
            payload = r.choice((b"hello", b"\xff\xfe", b"", b"x" * 200, r.randbytes(20)))
            first = r.choice((0x81, 0x82, 0x01, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0xF1, 0x83))
            size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
            frames += bytes([first]) + size + b"\0\0\0\0" + payload
        if r.random() < 0.2:
            frames += r.randbytes(r.randrange(1, 40))
        data = "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + frames
        return Request(number, data, False)

    def broken(self, number: int) -> Request:
        """Return bytes that are no request, or not all of one."""
        r = self.random
        kind = r.randrange(6)
        body = b""
        lines = [f"{r.choice(METHODS)} {self.path()} {r.choice(VERSIONS)}", "Host: localhost", *self.headers()]
        if kind == 0:
            return Request(number, r.randbytes(r.randrange(1, 300)), False)
        if kind == 1:
            lines.append("Transfer-Encoding: chunked")
            body = r.choice(
                (
                    b"5\r\nhello\r\n0\r\n\r\n",
                    b"zz\r\n",
                    b"-1\r\n\r\n",
                    b"5\r\nhel",
                    b"FFFFFFFFFFFFFFFF\r\nx",
                    b"0\r\n\r\nGET",
                )
            )
        elif kind == 2:
            lines.append("Content-Length: " + r.choice(LENGTHS))
            body = b"hel"
        elif kind == 3:
            lines.append(
                self.some("NoColon", ": empty", " folded", "Bad Name: x", "X:" + "y" * 20000, "\xff: x", "A\x00B: c")
            )
        data = self.some("\r\n", "\r\n", "\n", "\r").join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + body
        if kind == 4:
            data = data[: r.randrange(1, len(data))]
        elif kind == 5:
            place = r.randrange(len(data))
            data = data[:place] + r.randbytes(r.randrange(1, 4)) + data[place + 1 :]
        return Request(number, data, False)
