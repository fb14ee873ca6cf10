"""Drives a headless Chromium by its DevTools protocol, over a pipe: no port, no driver, no package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hosts import engine

BOUND = 120  # seconds that anything may take on a busy machine
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-color-profile=srgb "
    "--remote-debugging-pipe"
)
# Chromium reads commands from 3 and answers on 4, wherever the pipes are here.
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    "ArrowDown": (40, ""),
    "ArrowUp": (38, ""),
    "ArrowLeft": (37, ""),
    "ArrowRight": (39, ""),
    "/": (191, "/"),
}


def find() -> str | None:
    """Return the path of a browser, None where there is none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def ensure() -> str:
    """Return the path of a browser, installed here if that can be done.

    Raises:
        engine.Missing: it cannot; the text is one line that says what to do.
    """
    path = find()
    if path:
        return path
    if os.geteuid() != 0 or not engine.is_debian():
        raise engine.Missing("no Chromium: install it (Debian: apt-get install chromium), or run as root on Debian")
    engine.install(("chromium",))
    path = find()
    if not path:
        raise engine.Missing("the package chromium was installed, and there is still no chromium in PATH")
    return path


class Chrome:
    """A running browser. Its pages share nothing with one another but the process."""

    def __init__(self, program: str, folder: Path):
        """Start `program` with a new profile in `folder`."""
        read, self.write_end = os.pipe()
        self.read_end, write = os.pipe()
        self.log = folder / "chromium.log"
        arguments = [program, *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "about:blank"]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, str(read), str(write), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(read, write),
                start_new_session=True,
                env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            )
        os.close(read)
        os.close(write)
        self.buffer = b""
        self.last = 0
        self.answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command, and return its result.

        Raises:
            RuntimeError: the browser refuses, ended, or does not answer.
        """
        self.last += 1
        number = self.last
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        self.wait(lambda: number in self.answers, method)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, done: Callable[[], Any], what: str, seconds: float = BOUND) -> None:
        """Take messages until `done` is true.

        Raises:
            RuntimeError: the browser ended, or it takes too long.
        """
        end = time.monotonic() + seconds
        while not done():
            ready, _, _ = select.select([self.read_end], [], [], max(0, end - time.monotonic()))
            data = os.read(self.read_end, 1 << 20) if ready else b""
            if not data:
                log = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{what}: {'the browser ended' if ready else f'not within {seconds} s'}\n{log}")
            *messages, self.buffer = (self.buffer + data).split(b"\0")
            for each in map(json.loads, messages):
                if "id" in each:
                    self.answers[each["id"]] = each
                else:
                    self.events.append(each)

    def page(self) -> Page:
        """Open an empty page with storage of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, context, session)

    def close(self) -> None:
        """End the browser and what it started."""
        with suppress(RuntimeError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)


class Page:
    """One page. `complaints` has what the browser said against it: errors of scripts, refusals, failed requests."""

    def __init__(self, chrome: Chrome, context: str, session: str):
        self.chrome, self.context, self.session = chrome, context, session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command for this page, and return its result."""
        return self.chrome.call(method, self.session, **params)

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return what the browser has told of one kind, oldest first."""
        found = (each for each in self.chrome.events if each.get("sessionId") == self.session)
        return [each["params"] for each in found if each["method"] == method]

    @property
    def complaints(self) -> list[str]:
        """Errors of scripts, refusals of the security policy, and requests that failed."""
        thrown = [each["exceptionDetails"]["text"] for each in self.events("Runtime.exceptionThrown")]
        logged = [each["entry"] for each in self.events("Log.entryAdded")]
        said = [
            f"{each['text']} {each.get('url', '')}"
            for each in logged
            if each["level"] in ("error", "warning") and "404" not in each["text"]
        ]
        console = [
            str([argument.get("value") for argument in each["args"]])
            for each in self.events("Runtime.consoleAPICalled")
            if each["type"] in ("error", "warning", "assert")
        ]
        return thrown + said + console

    @property
    def requests(self) -> list[str]:
        """The URLs that were asked for."""
        return [each["request"]["url"] for each in self.events("Network.requestWillBeSent")]

    def go(self, url: str) -> None:
        """Load a URL, and wait until all of it is there."""
        before = len(self.events("Page.loadEventFired"))
        answer = self.call("Page.navigate", url=url)
        if answer.get("errorText"):
            raise RuntimeError(f"{url}: {answer['errorText']}")
        if answer.get("loaderId"):  # else it is the same page
            self.chrome.wait(lambda: len(self.events("Page.loadEventFired")) > before, url)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page; a promise is awaited.

        Raises:
            RuntimeError: it throws.
        """
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + BOUND
        while not (value := self.run(script)):
            if time.monotonic() > end:
                raise RuntimeError(f"not within {BOUND} s: {script}")
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """Return the text of the first element that fits."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        code, text = KEYS[key]
        event = {"key": key, "code": "Slash" if key == "/" else key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **event, **down)
        self.call("Input.dispatchKeyEvent", **event, type="keyUp")

    def write(self, text: str) -> None:
        """Write into the field that has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of the first element that fits, with the mouse."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{find}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.run(
            f"(() => {{ const b = {find}.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] }})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def size(self, width: int, height: int, scale: float = 1, phone: bool = False) -> None:
        """Set the size of the window in pixels of CSS, and how many real ones are one of those."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def scheme(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def scripts(self, on: bool) -> None:
        """Let pages run scripts, or not."""
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def shoot(self, path: Path, whole: bool = False) -> None:
        """Write a picture of the window, or of the whole page, as PNG."""
        answer = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole, **(self._all() if whole else {})
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _all(self) -> dict[str, Any]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def close(self) -> None:
        """Close the page, and forget its storage."""
        self.chrome.call("Target.disposeBrowserContext", browserContextId=self.context)
