"""``alert:`` sends mail by its schedule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CODE = """
from pathlib import Path

def news():
    return "<Tom & co>"

def wanted():
    return Path("wanted").exists()
"""


def conf(port: int, **alert: Any) -> dict[str, Any]:
    email = {"mine": {"type": "smtp", "host": "127.0.0.1", "port": port, "email": "app@x.org"}}
    return {"email": email, "alert": {"one": {"to": "a@x.org", **alert}}}


def test_a_mail_at_its_time(serve: Any, smtp: Any) -> None:
    server = smtp()
    alert = {
        "service": "mine",
        "cc": ["c@x.org"],
        "bcc": "hidden@x.org",
        "reply_to": "r@x.org",
        "subject": "{{ name }}:\n{{ now.year }}",
        "body": "{% import app %}{{ app.news() }}",
        "html": "{% import app %}<b>{{ app.news() }}</b>",
        "attachments": "data.csv",
        "every": "0.2s",
    }
    process = serve(conf(server.port, **alert), {"app.py": CODE, "data.csv": "a,b\n"})
    process.wait_for(lambda: len(server.mails) >= 2)
    mail = server.mails[0]
    assert mail.recipients == ["a@x.org", "c@x.org", "hidden@x.org"]
    assert b"hidden" not in mail.data
    message = mail.message
    assert message["Reply-To"] == "r@x.org"
    assert message["Subject"].startswith("one: 20")
    body, html = message.get_body(("plain",)), message.get_body(("html",))
    assert body is not None
    assert html is not None
    assert body.get_content().strip() == "<Tom & co>"
    assert html.get_content().strip() == "<b>&lt;Tom &amp; co&gt;</b>"
    assert [part.get_filename() for part in message.iter_attachments()] == ["data.csv"]
    assert "alert:one: sent" in process.log


def test_files_and_the_only_server(serve: Any, smtp: Any) -> None:
    server = smtp()
    alert = {"bodyfile": "text.txt", "htmlfile": "page.html", "images": {"logo": "logo.png"}, "startup": True}
    files = {"text.txt": "Year {{ now.year }}", "page.html": "<img src='cid:logo'>", "logo.png": b"PNG"}
    serve(conf(server.port, **alert), files).wait_for(lambda: server.mails)
    content = [part.get_content_type() for part in server.mails[0].message.walk()]
    assert content == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]


def test_condition(serve: Any, smtp: Any) -> None:
    server = smtp()
    process = serve(conf(server.port, body="x", condition="app.wanted()", every="0.1s"), {"app.py": CODE})
    process.get("/")
    assert not server.mails
    (process.folder / "wanted").write_text("")
    process.wait_for(lambda: server.mails)


def test_one_of_two_processes_sends(serve: Any, smtp: Any) -> None:
    server = smtp()
    first = serve(conf(server.port, body="x", startup=True))
    second = serve(None, None, folder=first.folder, data=first.data)
    second.wait_for(lambda: server.mails)
    second.get("/")
    assert len(server.mails) == 1
    first.stop()
    second.wait_for(lambda: len(server.mails) == 2)


def test_a_failure_is_logged_and_tried_again(serve: Any, smtp: Any) -> None:
    server = smtp()
    server.refuse = {"a@x.org"}
    process = serve(conf(server.port, body="x", every="0.2s"))
    process.wait_log("alert:one failed")
    assert "a@x.org: 550 nobody of that name" in process.log
    server.refuse = set()
    process.wait_for(lambda: server.mails)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"service": "other"}, "service: must be an entry of email:, of which there are: mine; not 'other'"),
        ({"to": None}, "has no recipients: give to, cc or bcc"),
        ({"to": "nobody"}, "to: must be an address such as"),
        ({"every": None}, "has no schedule"),
        ({"hours": 99, "every": None}, "hours: '99' is not from 0 to 23"),
        ({"subject": "{{ x"}, "subject: is no template"),
        ({"body": ["x"]}, "body: must be text"),
        ({"bodyfile": 5}, "bodyfile: must be the path of a file, not 5"),
        ({"condition": "nowhere.at.all"}, "'nowhere' is neither a variable nor a module"),
    ],
)
def test_mistakes(check: Any, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    (tmp_path / "gramex.yaml").write_text(json.dumps(conf(25, **{"every": "1h", "body": "x", **change})))
    (found,) = check(tmp_path)
    assert found.startswith("gramex.yaml:1: alert:one: ")
    assert message in found


def test_a_mistake_in_email_is_told_once_at_the_start(serve: Any) -> None:
    process = serve({"email": {"bad": {"type": "smtp"}}, "alert": {"one": {"to": "a@x.org", "every": "1h"}}})
    assert process.log.count("email:bad: host: is missing") == 1
    assert "alert:one: service: must be an entry of email:, of which there are: none that could be used" in process.log


PEOPLE = "name,mail\nAnn & co,ann@x.org\nNobody,\nBob,bob@x.org\n"


def test_a_mail_for_each_row(serve: Any, smtp: Any) -> None:
    server = smtp()
    alert = {
        "to": '{{ row["mail"] }}',
        "data": {"people": {"url": "people.csv"}, "facts": {"function": "app.news()"}, "years": [2025, 2026]},
        "each": "people",
        "condition": "len(data['people']) == 3",
        "subject": '{{ index }}: {{ row["name"] }}',
        "markdown": '**{{ data["facts"] }}** {{ data["years"][1] }}\n\n| a |\n|---|\n| b |',
        "attachments": ['{{ row["name"] }}.txt'],
        "startup": True,
    }
    files = {"app.py": CODE, "people.csv": PEOPLE, "Ann & co.txt": "A", "Bob.txt": "B", "Nobody.txt": ""}
    process = serve(conf(server.port, **alert), files)
    process.wait_for(lambda: len(server.mails) == 2)
    found = [(mail.recipients, mail.message["Subject"]) for mail in server.mails]
    assert found == [(["ann@x.org"], "0: Ann & co"), (["bob@x.org"], "2: Bob")]
    html = server.mails[0].message.get_body(("html",))
    assert html is not None
    assert "<strong>&lt;Tom &amp; co&gt;</strong> 2026" in html.get_content()
    assert "<td>b</td>" in html.get_content()
    assert [part.get_filename() for part in server.mails[1].message.iter_attachments()] == ["Bob.txt"]
    process.wait_log("alert:one: row 1: ValueError")  # who has no address keeps nobody else from theirs
    process.wait_log("alert:one failed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"x": [1]}, "each": "y"}, "each: must be a name of data:, which has x; not 'y'"),
        ({"data": 5}, "data: must be a file, a function or rows, not 5"),
        ({"data": {"x": "postgresql://x/y"}}, "x: must be a file; read postgresql://x/y in a function"),
    ],
)
def test_mistakes_of_data(check: Any, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    test_mistakes(check, tmp_path, change, message)
