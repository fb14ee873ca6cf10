"""A guest book: a list in SQLite that several processes share, and a websocket that tells open pages of new entries."""

import json
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from tornado.websocket import WebSocketClosedError

from gramex.config import variables

MAX_TEXT = 500  # characters of one entry
listeners = set()


def book():
    """Open the guest book in the app's data folder, made when it is not there."""
    folder = Path(variables["GRAMEXDATA"]) / "data" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "book.db", timeout=5)
    db.execute("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, time REAL, text TEXT)")
    return db


def add_entry(text):
    """Store an entry, tell all open pages, and return it as a mapping of id, time (s since 1970) and text."""
    text = text.strip()[:MAX_TEXT]
    now = time.time()
    db = book()
    try:
        with db:
            number = db.execute("INSERT INTO entries (time, text) VALUES (?, ?)", (now, text)).lastrowid
    finally:
        db.close()
    entry = {"id": number, "time": now, "text": text}
    for listener in list(listeners):
        with suppress(WebSocketClosedError):  # a page that is going away; left() will say so
            listener.write_message(json.dumps(entry))
    return entry


def entries(handler):
    """GET the last 20 entries, the newest first; POST ``text`` to add one."""
    if handler.request.method == "POST":
        return add_entry(handler.get_arg("text", ""))
    db = book()
    try:
        rows = db.execute("SELECT id, time, text FROM entries ORDER BY id DESC LIMIT 20").fetchall()
    finally:
        db.close()
    return [{"id": number, "time": when, "text": text} for number, when, text in rows]


def joined(handler):
    """A page opened the websocket."""
    listeners.add(handler)


def left(handler):
    """A page closed it, or went away."""
    listeners.discard(handler)


def said(handler, message):
    """A page sent an entry; everybody, the sender too, gets it back."""
    add_entry(str(message))
