"""Mail is handed to a server on a real socket: a double that keeps it."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from gramex.services.email import Mailer, MailError, Server


def mailer(port: int, **settings: Any) -> Mailer:
    values: dict[str, Any] = {"wrapped": False, "tls": None, "email": "app@x.org", "user": "app@x.org", "timeout": 10}
    return Mailer(Server("mine", "127.0.0.1", port, **{**values, **settings}))


def test_plain(smtp: Any) -> None:
    server = smtp()
    mailer(server.port).mail("a@x.org", bcc="hidden@x.org", subject="Hi", body="Text\n.dot\n")
    (mail,) = server.mails
    assert (mail.sender, mail.recipients, mail.encrypted) == ("app@x.org", ["a@x.org", "hidden@x.org"], False)
    assert b"hidden" not in mail.data
    assert mail.message["Subject"] == "Hi"
    assert mail.message.get_content() == "Text\r\n.dot\r\n"


def test_starttls_is_used_where_it_is_offered(smtp: Any, certificate: Path) -> None:
    server = smtp(certificate, starttls=True)
    mailer(server.port).mail("a@x.org", body="x")
    assert server.mails[0].encrypted


def test_starttls_is_not_used_where_it_is_switched_off(smtp: Any, certificate: Path) -> None:
    server = smtp(certificate, starttls=True)
    mailer(server.port, tls=False).mail("a@x.org", body="x")
    assert not server.mails[0].encrypted


def test_tls_insists(smtp: Any) -> None:
    server = smtp()
    with pytest.raises(MailError, match="offers no STARTTLS"):
        mailer(server.port, tls=True).mail("a@x.org", body="x")
    assert not server.mails


@pytest.mark.parametrize("settings", [{"tls": True}, {"tls": None, "password": "pw"}, {"wrapped": True}])
def test_who_cannot_be_trusted_gets_neither_password_nor_mail(
    smtp: Any, certificate: Path, settings: dict[str, Any]
) -> None:
    wrapped = "wrapped" in settings
    server = smtp(certificate, starttls=not wrapped, wrapped=wrapped, login="app@x.org:pw")
    with pytest.raises(MailError, match="certificate verify failed"):
        mailer(server.port, **settings).mail("a@x.org", body="x")
    assert not server.mails


@pytest.mark.parametrize("wrapped", [False, True])
def test_trusted_server(smtp: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch, wrapped: bool) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = smtp(certificate, starttls=not wrapped, wrapped=wrapped, login="app@x.org:pw")
    mailer(server.port, tls=True, wrapped=wrapped, password="pw").mail("a@x.org", body="x")
    assert (server.mails[0].encrypted, server.mails[0].user) == (True, "app@x.org")


def test_wrong_password(smtp: Any) -> None:
    server = smtp(login="app@x.org:right")
    with pytest.raises(MailError, match=r"email:mine: 127.0.0.1:\d+: 535 wrong password") as error:
        mailer(server.port, password="wr0ng").mail("a@x.org", body="x")
    assert "wr0ng" not in str(error.value)


def test_refused_recipients(smtp: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = smtp()
    server.refuse = {"no@x.org"}
    with pytest.raises(MailError, match=r"no@x.org: 550 nobody of that name"):
        mailer(server.port).mail("no@x.org", body="x")
    mailer(server.port).mail("no@x.org, yes@x.org", body="x")
    assert server.mails[0].recipients == ["yes@x.org"]
    assert "did not take the mail for all: no@x.org: 550" in caplog.text


def test_nobody_listens() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(MailError, match="refused"):
            mailer(sock.getsockname()[1]).mail("a@x.org", body="x")


def test_a_server_that_does_not_answer() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(MailError, match="timed out"):
            mailer(sock.getsockname()[1], timeout=0.2).mail("a@x.org", body="x")


def test_what_cannot_be_sent_is_not_begun(smtp: Any) -> None:
    server = smtp()
    with pytest.raises(ValueError, match="subject: must be one line"):
        mailer(server.port).mail("a@x.org", subject="x\nBcc: b@x.org")
    assert not server.mails


def test_send_does_not_hold_up_the_loop(smtp: Any) -> None:
    server = smtp()
    server.delay = 0.5

    async def run() -> int:
        turns = 0
        work = asyncio.ensure_future(mailer(server.port).send("a@x.org", body="x"))
        while not work.done():
            await asyncio.sleep(0.01)
            turns += 1
        await work
        return turns

    assert asyncio.run(run()) > 5
    assert len(server.mails) == 1


APP = """
import gramex
from gramex.config import variables

def mail(handler):
    gramex.service.email["mine"].mail(to="a@x.org", subject=handler.get_argument("subject"), body="Hello")
    return "sent"

async def send(handler):
    await gramex.service.email["mine"].send(to="a@x.org", subject="async", body="Hello")
    return "sent"

def thread(handler):
    import threading
    return gramex.service.threadpool.submit(lambda: threading.current_thread().name).result()

def missing(handler):
    try:
        gramex.service.email["nobody"]
    except KeyError as error:
        return f"{error} {list(gramex.service.email)}"
"""


def app(port: int) -> dict[str, Any]:
    url = {
        name: {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": f"app.{name}"}}
        for name in ("mail", "send", "thread", "missing")
    }
    url["direct"] = {
        "pattern": "/direct",
        "handler": "FunctionHandler",
        "kwargs": {"function": "gramex.service.email['mine'].mail('a@x.org', subject='direct', body='x')"},
    }
    return {"url": url, "email": {"mine": {"type": "smtp", "host": "127.0.0.1", "port": port, "email": "app@x.org"}}}


def test_apps_send_mail(serve: Any, smtp: Any) -> None:
    server = smtp()
    process = serve(app(server.port), {"app.py": APP})
    assert process.get("/mail?subject=one").text == "sent"
    assert process.get("/send").text == "sent"
    assert process.get("/direct").status == 200
    assert [mail.message["Subject"] for mail in server.mails] == ["one", "async", "direct"]
    assert process.get("/thread").text.startswith("gramex")
    assert process.get("/missing").text == "\"email: has no entry 'nobody' that could be used\" ['mine']"


def test_a_header_in_the_subject_is_refused(serve: Any, smtp: Any) -> None:
    server = smtp()
    process = serve(app(server.port), {"app.py": APP})
    assert process.get("/mail?subject=one%0ABcc:b@x.org").status in (400, 500)
    assert all(mail.recipients == ["a@x.org"] and "Bcc" not in mail.message for mail in server.mails)


def test_a_reload_changes_the_server(serve: Any, smtp: Any) -> None:
    first, second = smtp(), smtp()
    process = serve(app(first.port), {"app.py": APP})
    process.get("/send")
    path = process.folder / "gramex.yaml"
    path.write_text(path.read_text().replace(f"port: {first.port}", f"port: {second.port}"))
    process.wait_log("Reloaded")
    process.get("/send")
    assert (len(first.mails), len(second.mails)) == (1, 1)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{host: localhost}", "type: must be one of smtp, smtps, gmail,"),
        ("{type: pigeon}", "type: must be one of smtp, smtps, gmail,"),
        ("{type: smtp}", "host: is missing"),
        ("{type: smtp, host: h, port: 70000}", "port: must be a port, 0 to 65535, not 70000"),
        ("{type: smtp, host: h, tls: perhaps}", "tls: must be true or false"),
        ("{type: gmail, password: p}", "email: is missing: it is the name to log in with"),
        ("{type: smtp, host: h, timeout: 0}", "timeout: must be a number of seconds"),
        ("here", "must be a mapping"),
    ],
)
def test_mistakes(check: Any, tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "gramex.yaml").write_text(f"email:\n  bad: {entry}\n")
    (found,) = check(tmp_path)
    assert found.startswith("gramex.yaml:2: email:bad: ")
    assert message in found


def test_a_wait_is_bounded() -> None:
    begin = time.monotonic()
    with pytest.raises(MailError):
        mailer(1, timeout=0.2).mail("a@x.org", body="x")
    assert time.monotonic() - begin < 10
