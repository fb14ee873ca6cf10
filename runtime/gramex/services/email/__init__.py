"""Sends mail by the servers that ``email:`` names."""

from gramex.services.email.mailer import Mailer, MailError
from gramex.services.email.settings import Server, read_servers

__all__ = ["MailError", "Mailer", "Server", "read_servers"]
