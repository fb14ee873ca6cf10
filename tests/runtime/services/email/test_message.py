"""The mail that is made: its parts, its recipients, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gramex.services.email.message import compose
from gramex.services.email.settings import Server

SERVER = Server("mine", "localhost", 25, False, None, "App <app@example.com>", "app@example.com", "secret")


def test_text() -> None:
    message, sender, recipients = compose(
        SERVER, "Ann <ann@example.com>, bob@example.com", subject="Übersicht", body="Grüße\n"
    )
    assert (sender, recipients) == ("app@example.com", ["ann@example.com", "bob@example.com"])
    assert message["To"] == "Ann <ann@example.com>, bob@example.com"
    assert message["From"] == "App <app@example.com>"
    assert message["Subject"] == "Übersicht"
    assert message["Message-ID"].endswith("@example.com>")
    assert message["Date"]
    assert message.get_content() == "Grüße\n"


def test_bcc_is_in_no_header() -> None:
    message, _, recipients = compose(SERVER, "a@x.org", ["c@x.org"], "hidden@x.org", "s", "b")
    assert recipients == ["a@x.org", "c@x.org", "hidden@x.org"]
    assert message["Cc"] == "c@x.org"
    assert "Bcc" not in message
    assert b"hidden" not in message.as_bytes()


def test_bcc_as_a_header_is_left_out_too() -> None:
    message, _, _ = compose(SERVER, "a@x.org", headers={"Bcc": "hidden@x.org", "BCC": "hidden@x.org"})
    assert b"hidden" not in message.as_bytes()


def test_bcc_alone() -> None:
    message, _, recipients = compose(SERVER, bcc="a@x.org", body="b")
    assert recipients == ["a@x.org"]
    assert "To" not in message


def test_each_gets_it_once() -> None:
    assert compose(SERVER, "a@x.org", "a@x.org")[2] == ["a@x.org"]


def test_other_headers_and_senders() -> None:
    message, sender, _ = compose(SERVER, "a@x.org", headers={"reply_to": "r@x.org", "from_": "Me <me@x.org>"})
    assert message["Reply-To"] == "r@x.org"
    assert (message["From"], sender) == ("Me <me@x.org>", "me@x.org")


def test_html_with_text_images_and_attachments(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG image")
    (tmp_path / "data.csv").write_text("a,b\n")
    message, _, _ = compose(
        SERVER,
        "a@x.org",
        body="text",
        html='<img src="cid:logo">',
        images={"logo": str(tmp_path / "logo.png")},
        attachments=[tmp_path / "data.csv", {"filename": "note.txt", "body": "hello", "content_type": "text/plain"}],
    )
    assert message.get_content_type() == "multipart/mixed"
    first, *files = message.iter_parts()
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "multipart/related"]
    html, image = list(list(first.iter_parts())[1].iter_parts())
    assert html.get_content() == '<img src="cid:logo">\n'
    assert (image["Content-ID"], image.get_content_type(), image.get_content()) == (
        "<logo>",
        "image/png",
        b"\x89PNG image",
    )
    assert [(part.get_filename(), part.get_content_type()) for part in files] == [
        ("data.csv", "text/csv"),
        ("note.txt", "text/plain"),
    ]
    assert files[0].get_payload(decode=True) == b"a,b\n"


def test_html_alone(tmp_path: Path) -> None:
    (tmp_path / "i.gif").write_bytes(b"GIF")
    message, _, _ = compose(
        SERVER, "a@x.org", html="<p>x</p>", images={"i": tmp_path / "i.gif"}, attachments=tmp_path / "i.gif"
    )
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/related",
        "text/html",
        "image/gif",
        "image/gif",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"subject": "hello\nBcc: victim@x.org"},
        {"subject": "hello\rBcc: victim@x.org"},
        {"to": "a@x.org\r\nBcc: victim@x.org"},
        {"cc": ["a@x.org\n"]},
        {"headers": {"reply_to": "a@x.org\nX-Spam: no"}},
        {"headers": {"X-A: b\nX-C": "d"}},
        {"headers": {"from": "a@x.org\nX: y"}},
        {"attachments": [{"filename": "a\nX: y", "body": "b"}]},
        {"images": {"a>\nX: y": __file__}, "html": "x"},
        {"to": "nobody"},
        {"to": "a b@x.org"},
        {"to": "@x.org"},
        {"to": "a@"},
        {"to": 5},
        {"to": [5]},
        {"to": None},
        {"to": "a@x.org>\r\nDATA"},
        {"attachments": [{"filename": "a"}]},
    ],
)
def test_what_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|no name of a header|names nobody"):
        compose(SERVER, **{"to": "a@x.org", **arguments})


def test_a_missing_attachment() -> None:
    with pytest.raises(OSError, match="nowhere"):
        compose(SERVER, "a@x.org", attachments="/nowhere/file")


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(SERVER)
