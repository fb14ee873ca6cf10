#!/usr/bin/env python3
"""Answers at TCP ports of a test host with the port's number. `--install` makes it a service that boot starts."""

import selectors
import socket
import subprocess
import sys
from pathlib import Path

UNIT = """[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/python3 {} {}
[Install]
WantedBy=multi-user.target
"""


def serve(ports: list) -> None:
    selector = selectors.DefaultSelector()
    for port in ports:
        made = socket.create_server(("", int(port)), reuse_port=True)
        selector.register(made, selectors.EVENT_READ, port)
    subprocess.run(["systemd-notify", "--ready"], check=True)
    while True:
        for key, _ in selector.select():
            link, _ = key.fileobj.accept()
            with link:
                link.sendall(key.data.encode())


def main() -> None:
    if sys.argv[1] != "--install":
        serve(sys.argv[1:])
    place = Path("/etc/systemd/system/test-listen.service")
    place.write_text(UNIT.format(Path(__file__).resolve(), " ".join(sys.argv[2:])))
    subprocess.run(["systemctl", "enable", "--now", "--quiet", place.name], check=True)


if __name__ == "__main__":
    main()
