"""Answers that take their time, or go on for as long as the user likes; each names the process that gives it."""

import asyncio
import hashlib
import os

PROCESS = os.environ.get("GRAMEX_INSTANCE", "")


async def slow(handler):
    """Answer after two seconds."""
    await asyncio.sleep(2)
    return PROCESS


def upload(handler):
    """Tell what arrived."""
    (file,) = handler.request.files["file"]
    return {"process": PROCESS, "sha256": hashlib.sha256(file["body"]).hexdigest()}


async def events(handler):
    """Tell twice a second that all is well."""
    while True:
        yield f"data: {PROCESS}\n\n"
        await asyncio.sleep(0.5)


def opened(handler):
    """Greet who comes."""
    handler.write_message(PROCESS)


def said(handler, message):
    """Say the same."""
    handler.write_message(message)
