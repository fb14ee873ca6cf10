"""A WinRM endpoint in place of Windows': speaks as much WS-Management as Ansible needs, and hands on what it is told.

No PowerShell runs under Wine. What Ansible sends is the name of one of its PowerShell scripts or modules, with
arguments: doubles.py has a Python function of the same name for each that is mapped. All others fail.

    python3 endpoint.py PORT USER PASSWORD FOLDER
"""

import base64
import json
import re
import sys
import uuid
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import doubles

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "r": SHELL,
}
PATIENCE = 10  # seconds that a request for output may wait; the client gives up after 30
WORKERS = ThreadPoolExecutor(8)
END = b"\x00\x00\x00\x00"  # a line of these ends each part of what a script gets
ENCODED = re.compile(r"-EncodedCommand\s+'?([A-Za-z0-9+/=]+)")


def parts(given: bytes) -> list[bytes]:
    """What Ansible's bootstrap script gets on standard input: the code, what to run, data for that."""
    return [part.strip(b"\r\n") for part in re.split(rb"(?:\r?\n)?\x00{4}(?:\r?\n)?", given)]


def run(command: str, arguments: list[str], given: bytes) -> tuple[int, bytes, bytes]:
    """Return exit code, output and errors of a command; what is not mapped fails."""
    found = ENCODED.search(" ".join([command, *arguments]))
    if not found:
        return 1, b"", b"double: commands that are not Ansible's are not mapped"
    if END not in given:
        return doubles.script(base64.b64decode(found[1]).decode("utf-16-le"))
    _code, manifest, *data = parts(given)
    (action,) = json.loads(manifest)["actions"]
    return doubles.action(action["name"], action["params"], data[0] if data else b"")


class Endpoint(BaseHTTPRequestHandler):
    """Answers to the six requests of WinRM's shell."""

    protocol_version = "HTTP/1.1"
    authorization = ""
    commands: ClassVar[dict[str, dict]] = {}

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: doubles.py keeps the log."""

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != self.authorization:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="WSMAN"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = ET.fromstring(body)
        action = asked.findtext(".//a:Action", "", NAMES)
        answer = getattr(self, f"on_{action.rpartition('/')[2].lower()}")(asked)
        message = asked.findtext(".//a:MessageID", "", NAMES)
        names = " ".join(f'xmlns:{short}="{name}"' for short, name in NAMES.items())
        head = f"<a:Action>{action}Response</a:Action><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        text = f"<s:Envelope {names}><s:Header>{head}<a:RelatesTo>{message}</a:RelatesTo></s:Header><s:Body>{answer}"
        data = f"{text}</s:Body></s:Envelope>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def on_create(self, _asked: ET.Element) -> str:
        shell = str(uuid.uuid4()).upper()
        selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
        reference = f"<a:ReferenceParameters>{selector}</a:ReferenceParameters>"
        return f"<r:Shell><r:ShellId>{shell}</r:ShellId></r:Shell><x:ResourceCreated>{reference}</x:ResourceCreated>"

    def on_command(self, asked: ET.Element) -> str:
        name, line = str(uuid.uuid4()).upper(), asked.find(".//r:CommandLine", NAMES)
        assert line is not None
        words = [each.text or "" for each in line.findall("r:Arguments", NAMES)]
        self.commands[name] = {"command": line.findtext("r:Command", "", NAMES), "words": words, "given": b""}
        return f"<r:CommandResponse><r:CommandId>{name}</r:CommandId></r:CommandResponse>"

    def on_send(self, asked: ET.Element) -> str:
        for stream in asked.findall(".//r:Stream", NAMES):
            self.commands[stream.attrib["CommandId"]]["given"] += base64.b64decode(stream.text or "")
        return "<r:SendResponse/>"

    def on_receive(self, asked: ET.Element) -> str:
        """Answer soon, as Windows does: where the command still runs, the client asks again."""
        stream = asked.find(".//r:DesiredStream", NAMES)
        assert stream is not None
        name = stream.attrib["CommandId"]
        told = self.commands[name]
        if "future" not in told:
            told["future"] = WORKERS.submit(run, told["command"], told["words"], told["given"])
        try:
            code, out, err = told["future"].result(PATIENCE)
        except TooLong:
            state = f'<r:CommandState CommandId="{name}" State="{SHELL}/CommandState/Running"/>'
            return f"<r:ReceiveResponse>{state}</r:ReceiveResponse>"
        del self.commands[name]
        streams = "".join(
            f'<r:Stream Name="{kind}" CommandId="{name}">{base64.b64encode(data).decode()}</r:Stream>'
            for kind, data in (("stdout", out), ("stderr", err))
            if data
        )
        done = f'<r:CommandState CommandId="{name}" State="{SHELL}/CommandState/Done"><r:ExitCode>{code}</r:ExitCode>'
        return f"<r:ReceiveResponse>{streams}{done}</r:CommandState></r:ReceiveResponse>"

    def on_signal(self, _asked: ET.Element) -> str:
        return "<r:SignalResponse/>"

    def on_delete(self, _asked: ET.Element) -> str:
        return ""


if __name__ == "__main__":
    port, user, password, folder = sys.argv[1:]
    Endpoint.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    doubles.FOLDER = Path(folder)
    ThreadingHTTPServer(("", int(port)), Endpoint).serve_forever()
