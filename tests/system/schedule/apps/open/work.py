"""Says who answers, and tries what a unit is to shut."""

import os
import socket
import threading
from pathlib import Path

VERSION = "one"


def home():
    return f"{VERSION} {os.getpid()} {os.environ['GRAMEX_INSTANCE']}"


def do(what, to):
    try:
        return str(globals()[f"try_{what}"](to))
    except Exception as error:
        return type(error).__name__


def try_talk(to):
    host, port = to.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=3):
        return "connected"


def try_write(to):
    return Path(to).write_text("x")


def try_threads(to):
    event = threading.Event()
    made = []
    try:
        for _ in range(int(to)):
            made.append(threading.Thread(target=event.wait))
            made[-1].start()
    finally:
        event.set()
    return len(made)


def try_memory(to):
    return len(bytearray(b"x") * (int(to) << 20))
