"""Logs: the console, gramex.log and one row in requests.csv for each finished request."""

from gramex.services.log.append import AppendFile, AppendHandler
from gramex.services.log.configure import configure
from gramex.services.log.requests import KEYS, RequestLog

__all__ = ["KEYS", "AppendFile", "AppendHandler", "RequestLog", "configure"]
