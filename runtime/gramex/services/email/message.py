"""Makes the mail that is sent: headers, text, HTML, images in it, attachments."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path
from typing import Any

from gramex.services.email.settings import Server

# Headers that are ours to write.
OWN = {"to", "cc", "bcc", "subject", "date", "message-id", "content-type", "content-transfer-encoding", "mime-version"}


def addresses(key: str, given: Any) -> list[tuple[str, str]]:
    """Return name and address of each recipient: text with commas, or a list.

    Raises:
        ValueError: one is no address.
    """
    if not given:
        return []
    texts = list(given) if isinstance(given, (list, tuple, set)) else [given]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{key}: must be an address such as ann@example.com, or a list, not {given!r}")
        refuse_lines(key, text)
    found = [pair for pair in getaddresses(texts) if any(pair)]
    for _, address in found:
        local, at, domain = address.rpartition("@")
        if not (local and at and domain) or any(char.isspace() or char in "<>" for char in address):
            raise ValueError(f"{key}: must be an address such as ann@example.com, not {given!r}")
    if not found:
        raise ValueError(f"{key}: must be an address such as ann@example.com, not {given!r}")
    return found


def refuse_lines(key: str, text: str) -> None:
    """Refuse what would begin a header of its own.

    Raises:
        ValueError: the text has a line break.
    """
    if any(char in text for char in "\r\n\0"):
        raise ValueError(f"{key}: must be one line, not {text!r}")


def compose(
    server: Server,
    to: Any = None,
    cc: Any = None,
    bcc: Any = None,
    subject: Any = "",
    body: Any = None,
    html: Any = None,
    attachments: Any = None,
    images: Any = None,
    headers: Mapping[str, Any] | None = None,
) -> tuple[EmailMessage, str, list[str]]:
    """Return a mail, its sender and all recipients. Those in `bcc` are in none of its headers.

    `body` is text, `html` the same for those who show HTML; ``<img src="cid:KEY">`` there shows the image KEY of
    `images`, a mapping of keys to files. `attachments` are files, or mappings ``{filename, body, content_type}``.

    Raises:
        ValueError: an address is none, a header has a line break, nobody is to get it.
        OSError: a file cannot be read.
    """
    message = EmailMessage()
    extra = {str(name).strip("_").replace("_", "-"): value for name, value in (headers or {}).items() if value}
    sender = next((value for name, value in extra.items() if name.lower() == "from"), None) or server.email
    found = addresses("from", sender)
    if not found:
        raise ValueError(f"email:{server.name}: has no email: the address of the sender")
    message["From"] = to_header("from", found[:1])
    everybody = []
    for key, given in (("To", to), ("Cc", cc), ("Bcc", bcc)):
        people = addresses(key.lower(), given)
        everybody += [address for _, address in people]
        if people and key != "Bcc":
            message[key] = to_header(key.lower(), people)
    if not everybody:
        raise ValueError("to: names nobody: give to, cc or bcc")
    subject = "" if subject is None else str(subject)
    refuse_lines("subject", subject)
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=found[0][1].rpartition("@")[2])
    for name, value in extra.items():
        if name.lower() in OWN or name.lower() == "from":
            continue
        if not name.isascii() or not name.replace("-", "").isalnum():
            raise ValueError(f"{name!r} is no name of a header")
        refuse_lines(name, str(value))
        message[name.title()] = str(value)
    fill(message, body, html, images)
    for attachment in [attachments] if isinstance(attachments, (str, Path, Mapping)) else attachments or []:
        attach(message, attachment)
    return message, found[0][1], list(dict.fromkeys(everybody))


def to_header(key: str, people: Iterable[tuple[str, str]]) -> list[Address]:
    """Return recipients as a header takes them.

    Raises:
        ValueError: an address is none.
    """
    try:
        return [Address(name, addr_spec=address) for name, address in people]
    except Exception as error:  # its parser raises whatever goes wrong in it
        raise ValueError(f"{key}: has an address that is none: {error}") from None


def fill(message: EmailMessage, body: Any, html: Any, images: Any) -> None:
    """Add text, HTML and the images in it."""
    if html is None or body is not None:
        message.set_content("" if body is None else str(body))
    if html is None:
        return
    if body is None:
        message.set_content(str(html), subtype="html")
        part: Any = message
    else:
        message.add_alternative(str(html), subtype="html")
        part = message.get_payload()[-1]  # type: ignore[index]
    for key, file in (images or {}).items():
        refuse_lines("images", str(key))
        kind, subtype = content_type(str(file), "image/png")
        part.add_related(Path(file).read_bytes(), kind, subtype, cid=f"<{key}>")


def attach(message: EmailMessage, attachment: Any) -> None:
    """Add a file."""
    if isinstance(attachment, Mapping):
        name, data = str(attachment.get("filename") or "attachment"), attachment.get("body")
        content = data.encode() if isinstance(data, str) else data
        given = attachment.get("content_type")
        if not isinstance(content, bytes):
            raise ValueError(f"attachments: {name}: body: must be text or bytes, not {data!r}")
    else:
        content, name, given = Path(attachment).read_bytes(), Path(attachment).name, None
    refuse_lines("attachments", name)
    kind, subtype = content_type(name) if not given else content_type("", str(given))
    message.add_attachment(content, kind, subtype, filename=name)


def content_type(name: str, default: str = "application/octet-stream") -> tuple[str, str]:
    """Return both parts of a file's content type."""
    guessed, encoding = mimetypes.guess_type(name)
    kind, _, subtype = (guessed if guessed and not encoding else default).partition("/")
    return kind, subtype
