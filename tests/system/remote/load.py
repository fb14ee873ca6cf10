#!/usr/bin/env python3
"""Send requests to a site while it is changed, and count those that failed.

`load.py --seconds 60 --get https://localhost/ --post https://localhost/api/entries --live wss://localhost/api/live`

Each `--get` is asked by one client with a new connection a request and by one that keeps its connection; each
`--post` and `--upload` likewise, an upload being a file that takes its time. Each `--live` is a websocket that sends a
message a second, each `--events` a stream of server-sent events; the first message of either names the process that
serves it. `unix:/run/app.sock:/path` is asked without a proxy. Every client pauses between requests. It ends after
`--seconds`, after `--requests`, or when its standard input is closed, and prints one JSON object. Standard library
only: it runs on test hosts.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time

from client import ANSWER_SECONDS, Client, Tally, Upload
from lasting import Events, Live


async def repeat(client: Client, pause: float, requests: int) -> None:
    while client.tally.requests < requests and not client.tally.over:
        await client.once()
        await asyncio.sleep(pause)


def watch_input(closed: asyncio.Event) -> None:
    """Set `closed` when standard input is closed: that is how a test says that it has seen enough."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=wait, daemon=True).start()


async def run(options: argparse.Namespace) -> Tally:
    """Run all clients at once within the bounds; return the count."""
    tally = Tally()
    clients = [Client("GET", url, keep, tally) for url in options.get for keep in (False, True)]
    clients += [Client("POST", url, keep, tally) for url in options.post for keep in (False, True)]
    clients += [Upload("POST", url, keep, tally) for url in options.upload for keep in (False, True)]
    work = [asyncio.create_task(repeat(client, options.pause, options.requests)) for client in clients]
    lasting = [*(Live(url, tally) for url in options.live), *(Events(url, tally) for url in options.events)]
    talks = [asyncio.create_task(client.talk()) for client in lasting]
    closed = asyncio.Event()
    watch_input(closed)
    end = asyncio.create_task(closed.wait())
    # A run without requests ends by the other bounds alone.
    await asyncio.wait([*work, end] if work else [end], timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
    tally.over = True
    _, late = await asyncio.wait([*work, *talks], timeout=2 * ANSWER_SECONDS)
    for task in (*late, end):
        task.cancel()
    if late:
        tally.fail(f"{len(late)} clients", TimeoutError("did not end"))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in ("get", "post", "upload", "live", "events"):
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="URL")
    parser.add_argument("--seconds", type=float, default=60, help="longest run")
    parser.add_argument("--requests", type=int, default=100_000, help="most requests of all clients together")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two requests of a client")
    options = parser.parse_args()
    tally = asyncio.run(run(options))
    report = {name: value for name, value in vars(tally).items() if name not in ("began", "over")}
    print(json.dumps({**report, "seconds": round(time.monotonic() - tally.began, 2)}), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
