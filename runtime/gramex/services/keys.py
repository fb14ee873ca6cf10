"""Declares the keys of the services' sections of gramex.yaml.

The guide's reference is made of these declarations; tests compare them with the code.
"""

from __future__ import annotations

from gramex.config.keys import Key

TIMES = (
    Key("startup", "false", "true: once at the start; `'*'`: at each change of the configuration too"),
    Key("every", "none", "period counted from the start, such as `90s`, `1h 30m`, `2 days`. It beats the fields below"),
    Key("minutes", "all", "0 to 59: `5`, `1-5`, `*/15`, or `1, 3`"),
    Key("hours", "all", "0 to 23"),
    Key("dates", "all", "1 to 31; `L` is the last day of the month"),
    Key("months", "all", "1 to 12, or `jan` to `dec`"),
    Key("weekdays", "all", "0 to 6 from Sunday, or `sun` to `sat`"),
    Key("years", "all", "such as 2027"),
    Key("utc", "false", "true: these are times in UTC, not in the machine's zone"),
    Key("thread", "false", "true: run in a thread; mail of `alert` always does"),
)

SCHEDULE = (
    Key("function", "required", "what to run: a Python expression"),
    Key("args", "none", "arguments for a function that is named"),
    Key("kwargs", "none", "named arguments for it"),
    *TIMES,
)

WATCH = (
    Key("paths", "required", "files, folders with all that is in them, patterns such as `feeds/**/*.json`"),
    Key("on_created", "none", "function that is called when something is new, with `event`"),
    Key("on_modified", "none", "... when the content of a file changed"),
    Key("on_deleted", "none", "... when something is gone"),
    Key("on_moved", "none", "... when something has another name"),
    Key("on_any_event", "none", "... at each of these"),
)

EMAIL = (
    Key("type", "required", "smtp, smtps, gmail, icloud, live, mail.com, mandrill, office365, outlook or yahoo"),
    Key("host", "by type", "name of the server; for smtp and smtps"),
    Key("port", "25, 465 or 587", "port of the server: smtp, smtps, the others"),
    Key("tls", "if offered", "true: insist on STARTTLS; false: do without"),
    Key("email", "none", "sender, and the name to log in with unless `user` is another"),
    Key("user", "`email`", "name to log in with"),
    Key("password", "none", "password; without one nobody logs in"),
    Key("timeout", "30", "seconds in which the server must answer each command"),
)

ALERT = (
    Key("service", "required", "entry of `email:`"),
    Key("to", "one of three", "recipients: text with commas, or a list"),
    Key("cc", "none", "others who get it"),
    Key("bcc", "none", "others who get it, unseen"),
    Key("reply_to", "none", "where answers go"),
    Key("from", "the service's", "sender"),
    Key("subject", "none", "template of the subject"),
    Key("body", "none", "template of the text"),
    Key("html", "none", "template of the text in HTML"),
    Key("markdown", "none", "template of the text in Markdown"),
    Key("bodyfile", "none", "file with that template"),
    Key("htmlfile", "none", "file with that one"),
    Key("markdownfile", "none", "file with that one"),
    Key("data", "none", "what templates and `condition` have as `data`: files or functions by name"),
    Key("each", "none", "name in `data`: a mail for each row of it, which is `row`, and `index` its number"),
    Key("attachments", "none", "files that go along, relative to the app"),
    Key("images", "none", "files by the name that `cid:` has in the HTML"),
    Key("condition", "none", "expression: the mail is sent only if it is true"),
    *TIMES,
)

LOG = (
    Key("version", "1", "version of the format of Python's `logging.config`"),
    Key("formatters", "see gramex.yaml", "how lines look"),
    Key("handlers.console", "stderr", "what people see who start the server"),
    Key(
        "handlers.gramex.filename",
        "`$GRAMEXDATA/logs/gramex.log`",
        "file with the same lines, written by all processes",
    ),
    Key("handlers.gramex.kept", "52", "weeks of it that stay"),
    Key("handlers.requests.filename", "`$GRAMEXDATA/logs/requests.csv`", "file with one row for each request"),
    Key("handlers.requests.keys", "see Logs and data", "its columns"),
    Key("handlers.requests.backupCount", "52", "weeks of it that stay"),
    Key("loggers.gramex.level", "INFO", "how much Gramex and apps say: DEBUG, INFO, WARNING, ERROR"),
    Key("root.level", "WARNING", "how much other packages say"),
)

COLUMNS = (
    Key("time", "", "ms since 1970"),
    Key("datetime", "", "the same, as text in UTC"),
    Key("name", "", "name of the `url:` entry"),
    Key("class", "", "its handler"),
    Key("ip", "", "address of the visitor"),
    Key("user", "", "id of the user; `user.x` is what else is known of it"),
    Key("status", "", "status of the answer"),
    Key("duration", "", "ms until it was sent"),
    Key("port", "", "port on which the request came"),
    Key("method", "", "method"),
    Key("uri", "", "path and query"),
    Key("error", "", "what went wrong"),
    Key("session", "", "id of the session"),
    Key("browser", "", "what the browser says that it is"),
    Key("args.x", "", "last value of the argument x"),
    Key("request.x", "", "attribute x of Tornado's request"),
    Key("headers.x", "", "header x of the request"),
    Key("cookies.x", "", "cookie x"),
    Key("env.x", "", "variable x of the environment"),
)

# Of the stores that ``cache:`` names.
CACHE = (
    Key("type", "memory", "memory; disk, which outlives a restart; redis, for several machines"),
    Key(
        "size",
        "100000000",
        "bytes; what was not asked for longest goes first. Of redis its own `maxmemory` is the limit",
    ),
    Key("path", "`$GRAMEXDATA/cache`", "folder of a store on disk; for redis `localhost:6379:0` or a URL"),
)
