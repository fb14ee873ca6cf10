"""A client on the host itself: reads one job as JSON from standard input, prints the answer as JSON.

request {url, method, headers, size, trust}: one request. `trust` is a file of certificates to believe; none: any.
socket {url, trust}: opens a websocket, sends two texts, returns what comes back.
load {url, seconds, trust}: requests in two threads until the time is over or the file `stop` is there.
"""

import base64
import hashlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit


def connect(job):
    url = urlsplit(job["url"])
    at = job.get("at", url.hostname)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    plain = socket.create_connection((at, port), timeout=20)
    if url.scheme == "http":
        return plain, url
    context = ssl.create_default_context(cafile=job.get("trust"))
    if not job.get("trust"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=url.hostname), url


def request(job):
    try:
        sock, url = connect(job)
    except OSError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    shown = {}
    if isinstance(sock, ssl.SSLSocket):
        leaf = hashlib.sha256(sock.getpeercert(True)).hexdigest().upper()
        shown = {"fingerprint": ":".join(leaf[place : place + 2] for place in range(0, 64, 2)), "tls": sock.version()}
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.sock = sock
    body = b"\xa5" * job.get("size", 0)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request(job.get("method", "GET"), target, body=body or None, headers=job.get("headers", {}))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    pairs = [(name.lower(), value) for name, value in answer.getheaders()]
    said = {
        "status": answer.status,
        "headers": dict(pairs),
        "pairs": pairs,
        "text": text,
        "sent": hashlib.sha256(body).hexdigest(),
    }
    said.update(shown)
    connection.close()
    return said


def websocket(job):
    sock, url = connect(job)
    key = base64.b64encode(b"\xd3\x4d\x35" * 5 + b"\x00").decode()
    sock.sendall(
        f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    stream = sock.makefile("rb")
    status = int(stream.readline().split()[1])
    while stream.readline().strip():
        pass
    heard = []
    for text in ("one", "two") if status == 101 else ():
        sock.sendall(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text.encode())
        head = stream.read(2)
        heard.append(stream.read(head[1]).decode())
    return {"status": status, "heard": heard}


def load(job):
    """Each thread opens a new connection for each request: nothing but the proxy can lose one."""
    end, lock = time.monotonic() + job["seconds"], threading.Lock()
    seen = {"good": 0, "bad": []}

    def work():
        while time.monotonic() < end and not Path(job["stop"]).exists():
            said = request(job)
            with lock:
                if said.get("status") == 200:
                    seen["good"] += 1
                else:
                    seen["bad"].append(said.get("error") or said["status"])
            time.sleep(0.01)  # the load is not to starve what it watches

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


job = json.load(sys.stdin)
print(json.dumps({"request": request, "socket": websocket, "load": load}[job.pop("job")](job)))
