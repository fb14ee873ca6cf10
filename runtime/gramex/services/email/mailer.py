"""Hands mail to an SMTP server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import smtplib
import ssl
from email.message import EmailMessage
from typing import Any

from gramex.services.email.message import compose
from gramex.services.email.settings import Server

app_log = logging.getLogger("gramex")


class MailError(Exception):
    """The server could not be reached, or did not take the mail."""


class Mailer:
    """An entry of ``email:``."""

    def __init__(self, server: Server):
        """Take where to hand mail in."""
        self.server = server

    def mail(
        self,
        to: Any = None,
        cc: Any = None,
        bcc: Any = None,
        subject: Any = "",
        body: Any = None,
        html: Any = None,
        attachments: Any = None,
        images: Any = None,
        **headers: Any,
    ) -> None:
        """Send a mail, and return when the server has it: this blocks, for `timeout` seconds a command at most.

        See `compose` for the arguments. Others are headers, such as ``reply_to``; ``from_`` is another sender.

        Raises:
            ValueError: it is no mail that could be sent, and nothing is.
            MailError: the server could not be reached, or refused it.
            OSError: an attachment cannot be read.
        """
        message, sender, recipients = compose(
            self.server, to, cc, bcc, subject, body, html, attachments, images, headers
        )
        self._deliver(message, sender, recipients)

    async def send(self, *args: Any, **kwargs: Any) -> None:
        """Do what `mail` does in a thread, without holding up requests.

        Raises:
            Exception: as `mail`.
        """
        from gramex.service import threadpool

        await asyncio.wrap_future(threadpool.submit(self.mail, *args, **kwargs))

    def _deliver(self, message: EmailMessage, sender: str, recipients: list[str]) -> None:
        server = self.server
        place = f"email:{server.name}: {server.host}:{server.port}"
        try:
            with self._connect() as smtp:
                refused = self._hand_in(smtp, message, sender, recipients)
        except smtplib.SMTPRecipientsRefused as error:
            raise MailError(f"{place}: {said(error.recipients)}") from None
        except smtplib.SMTPResponseException as error:
            raise MailError(f"{place}: {error.smtp_code} {text(error.smtp_error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"{place}: {error}") from None
        if refused:
            app_log.error("%s: did not take the mail for all: %s", place, said(refused))

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server.wrapped:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
        return smtplib.SMTP(server.host, server.port, timeout=server.timeout)

    def _hand_in(self, smtp: smtplib.SMTP, message: EmailMessage, sender: str, recipients: list[str]) -> Any:
        server, encrypted = self.server, self.server.wrapped
        smtp.ehlo_or_helo_if_needed()
        offered = smtp.has_extn("starttls")
        if not encrypted and (server.tls or (server.tls is None and offered)):
            if not offered:
                raise smtplib.SMTPNotSupportedError("offers no STARTTLS, and tls: true insists on it")
            context = ssl.create_default_context()
            if server.tls is None and not server.password:
                # Nobody asked for it and nothing is secret: better than no encryption, as RFC 7435 has it. A mail
                # server of one's own has a certificate that nobody signed.
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            smtp.starttls(context=context)
            encrypted = True
        if server.password:
            if not encrypted and not is_local(server.host):
                app_log.warning("email:%s: the password goes to %s unencrypted", server.name, server.host)
            smtp.login(server.user, server.password)
        return smtp.send_message(message, sender, recipients)


def is_local(host: str) -> bool:
    """True if a host is this machine."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def said(refused: dict[str, tuple[int, bytes]]) -> str:
    """Return what a server said about recipients."""
    return "; ".join(f"{address}: {code} {text(reason)}" for address, (code, reason) in refused.items())


def text(answer: Any) -> str:
    """Return what a server answered, in one line."""
    return " ".join((answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)).split())
