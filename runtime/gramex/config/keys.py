"""Declares what gramex.yaml may say outside of ``app:`` and the sections of the services: each key and its meaning.

The guide's reference is made of these declarations; tests compare them with the code.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One key of a section, or of the mapping that a dotted name leads to.

    `default` is shown to users: ``required``, ``none``, or a value in its own words. `help` is Markdown of one line,
    without a full stop at its end.
    """

    name: str
    default: str
    help: str


TOP = (
    Key("version", "none", "version of this format, 1.0; not looked at"),
    Key("variables", "none", "names that texts may use as `$NAME`: see [Variables](configuration.md#variables)"),
    Key("import", "none", "other files whose content belongs here: see [Imports](configuration.md#imports)"),
    Key("url", "none", "which URL is answered by which handler: see [Handlers](handlers.md)"),
    Key("handlers", "none", "defaults for `kwargs` by handler; those of `BaseHandler` are for all"),
    Key("app", "see below", "what the server itself needs: address, limits, sessions"),
    Key("log", "see below", "what is logged where: see [Logs and data](logs.md)"),
    Key("mime", "see gramex.yaml", "content type by extension, such as `.webp: image/webp`"),
    Key("cache", "memory", "stores of the key `cache` of handlers: see [Kept answers](handlers.md#kept-answers)"),
    Key("threadpool.workers", "16", "threads for code that blocks; made when first needed"),
    Key("schedule", "none", "functions that run at their times: see [Schedule](services.md#schedule)"),
    Key("watch", "none", "functions that run when files change: see [Watch](services.md#watch)"),
    Key("email", "none", "servers that mail is handed to: see [Email](services.md#email)"),
    Key("alert", "none", "mail that is sent at its times: see [Alert](services.md#alert)"),
)

VARIABLE = (
    Key("default", "none", "value unless the environment, a secret or an earlier file has set the variable"),
    Key("function", "none", "Python expression whose value the variable gets; it sees `key`, the variable's name"),
    Key("args", "none", "arguments for a function that `function` names"),
    Key("kwargs", "none", "named arguments for it"),
)

IMPORT = (
    Key("path", "required", "file, glob such as `*/gramex.yaml`, or list of them, relative to this file"),
    Key(
        "namespace", "none", "sections whose names get the import's name put before; true: url, cache, schedule, watch"
    ),
    Key("YAMLURL", "the folder", "where the imported app is mounted, such as `/reports/`"),
    Key("NAME", "none", "any other name: a variable for the imported file"),
)

# Of app.listen.ssl_options.
TLS = (
    Key("certfile", "required", "certificate, and those between it and its authority, PEM"),
    Key("keyfile", "in `certfile`", "private key, PEM"),
    Key("password", "none", "password of an encrypted key"),
    Key("ca_certs", "none", "PEM file of authorities: clients must show a certificate of one of these"),
    Key("ciphers", "Mozilla's intermediate", "ciphers for TLS 1.2, in OpenSSL's words"),
)

# Variables of every file. The first four differ from file to file, or are the same everywhere.
PREDEFINED = (
    Key("YAMLPATH", "", "folder of the file that is read, absolute"),
    Key("YAMLFILE", "", "that file"),
    Key("YAMLURL", "", "path of that folder below the start folder, for URLs: `.` for the start folder itself"),
    Key("GRAMEXPATH", "", "folder of Gramex's own files"),
    Key("GRAMEXAPPS", "", "the apps that come with Gramex"),
    Key("GRAMEXHOST", "", "name of this machine"),
    Key("GRAMEXDATA", "", "where data that must survive are kept; the environment may set it"),
)

ENVIRONMENT = (
    Key("GRAMEXDATA", "`~/.config/gramexdata`", "folder for logs, sessions, keys and what apps keep"),
    Key("GRAMEX_COOKIE_SECRET", "none", "signs cookies, where `settings.cookie_secret` says nothing"),
    Key("GRAMEX_INSTANCE", "none", "name of this process among several of one app; in logs and metrics"),
    Key("LISTEN_FDS", "none", "listening sockets handed over by systemd, with `LISTEN_PID`"),
    Key("NOTIFY_SOCKET", "none", "where systemd is told that the server is ready, or stops"),
    Key("WATCHDOG_USEC", "none", "how often systemd wants to hear that it lives, with `WATCHDOG_PID`"),
)
