"""Declares the keys of ``url:`` entries and of each handler's ``kwargs:``.

The guide's reference is made of these declarations; tests compare them with the code.
"""

from __future__ import annotations

from gramex.config.keys import Key
from gramex.handlers.formkeys import KEYS as FORM

ENTRY = (
    Key("pattern", "required", "regular expression for the whole path of a URL; its groups go to the handler"),
    Key("handler", "required", "a handler of Gramex, or `module.Class` of your own; `service` is an older name"),
    Key("priority", "0", "entries with a higher one are tried first"),
    Key("kwargs", "none", "what the handler needs to know"),
    Key("cache", "none", "as in `kwargs`: Gramex takes it here"),
)

EXPRESSION = (
    Key("function", "required", "Python expression, name of a function, or a list: one after another"),
    Key("args", "none", "arguments for a function that is named; `=x` is the variable x"),
    Key("kwargs", "none", "named arguments for it"),
    Key("name", "none", "in a list: the result is a variable of that name for those after it"),
)

COMMON = (
    Key("auth", "`app.auth`", "who may see it: true for everybody who is logged in, false for all, or a mapping"),
    Key("auth.membership", "none", "what the user must have, such as `{role: [admin, editor]}`; a list: one of them"),
    Key("auth.condition", "none", "expression with `handler` that must be true"),
    Key("auth.login_url", "`settings.login_url`", "where to log in; false: answer 401"),
    Key("auth.query", "next", "argument that tells the log-in page where to go afterwards"),
    Key("auth.methods", "all", "methods that need a log in"),
    Key("auth.template", "none", "page for those who are logged in and may not see it, in place of the error 403"),
    Key("methods", "all", "allowed methods, as a list; others answer 405"),
    Key("headers", "none", "headers of a good answer; null or false takes one away"),
    Key("error", "none", "page by status, such as `404: {path: 404.html}`"),
    Key("error.STATUS.path", "none", "template of the page; it has `status_code`, `kwargs` and `handler`"),
    Key("error.STATUS.function", "none", "expression that returns the page, with the same names"),
    Key("error.STATUS.args", "none", "arguments for a function that is named; also `kwargs`"),
    Key("error.STATUS.kwargs", "none", "named arguments for it"),
    Key("error.STATUS.headers", "none", "headers of the page"),
    Key("error.STATUS.autoescape", "xhtml_escape", "function that escapes what the template prints; null: none"),
    Key("error.STATUS.whitespace", "all", "white space of the template: all, single, oneline"),
    Key("redirect", "none", "where handlers that send people somewhere do so: a URL, or a mapping tried in its order"),
    Key("redirect.query", "none", "argument of the request that names the place"),
    Key("redirect.header", "none", "header of the request that names it"),
    Key("redirect.url", "none", "the place itself"),
    Key("redirect.external", "false", "true: it may be on another site"),
    Key("xsrf_cookies", "`settings.xsrf_cookies`", "false: no token needed for POST; for APIs that programs call"),
    Key("set_xsrf", "false", "true: send the token's cookie with the page"),
    Key("cors", "false", "true, or a mapping: which other sites' pages may send requests"),
    Key("cors.origins", "*", "sites, such as `[https://example.com]`"),
    Key("cors.methods", "*", "methods that they may use"),
    Key("cors.headers", "*", "headers that they may send"),
    Key("cors.auth", "false", "true: their requests may carry the visitor's cookies; needs `origins`"),
    Key("validate", "none", "expression that must be true, a mapping, or a list of them; else the answer is 400"),
    Key("validate.function", "required", "the expression, with `handler`"),
    Key("validate.args", "none", "arguments for a function that is named"),
    Key("validate.kwargs", "none", "named arguments for it"),
    Key("validate.code", "400", "status where it is not true"),
    Key("validate.reason", "none", "reason that goes with the status"),
    Key("ratelimit", "none", "how often somebody may ask; more answers 429. All processes of an app count together"),
    Key(
        "ratelimit.keys",
        "required",
        "minutely, hourly, daily, weekly, monthly or yearly, and who is counted: `user`, `request.remote_ip`; "
        "without a period the count never begins anew",
    ),
    Key("ratelimit.limit", "required", "number of requests, or `{function: ...}`"),
    Key("ratelimit.pool", "the entry", "entries with the same pool count together"),
    Key("cache", "false", "true, or a mapping: keep answers and send them again"),
    Key(
        "cache.key",
        "request.uri",
        "what tells answers apart: `request.x`, `headers.x`, `args.x`, `cookies.x`, `user`, `user.x`",
    ),
    Key("cache.store", "the first", "which of the section `cache:` keeps them"),
    Key("cache.expiry", "none", "`{duration: SECONDS}` that an answer is kept; without it, as long as there is room"),
    Key("cache.status", "[200, 304]", "which answers are kept"),
)

FILE = (
    Key("path", "required", "file, folder, list to be joined, or mapping of regular expressions to paths"),
    Key("default", "none", "values for names in such a path that a URL leaves out"),
    Key("ignore", "dot files, code, configuration", "globs: a file that one of them matches answers 403"),
    Key("allow", "`.allow`, `.well-known`", "globs: a file that one of them matches is served all the same"),
    Key("default_filename", "none", "what a folder shows: a name, or a list tried in its order"),
    Key("index", "false", "true: list folders that have no default file; refused files are never listed"),
    Key("index_template", "a page of Gramex", "template for that list"),
    Key("template", "none", "true, or globs: files that are Tornado templates"),
    Key("transform", "none", "function by glob: changes a file's content on its way out"),
    Key("transform.GLOB.function", "required", "expression with `content` and `handler`"),
    Key("transform.GLOB.args", "none", "arguments for a function that is named"),
    Key("transform.GLOB.kwargs", "none", "named arguments for it"),
    Key("transform.GLOB.encoding", "none", "decode the content first, such as utf-8"),
    Key("transform.GLOB.headers", "none", "headers of the answer"),
    Key("headers", "none", "headers of a good answer; a glob with a mapping is for those files only"),
)

LOGOUT = (
    Key("action", "none", "function, or list, that runs with `handler` after the log in or before the log out"),
    Key("user_key", "user", "name in the session under which the user is kept"),
    Key(
        "session_expiry",
        "`session.expiry`",
        "days that this log in lasts, or `{default: 1, key: remember, values: {week: 7}}`: as a field of the form asks",
    ),
    Key("session_inactive", "none", "days without a request after which the session is emptied"),
    Key("redirect", "`{query: next, header: Referer, url: /}`", "where to go afterwards, tried in the order written"),
)

LOGIN = (
    *LOGOUT,
    Key("template", "a page of Gramex", "Tornado template for the form; it has `error`"),
    Key("delay", "[1, 1, 5]", "seconds that a try waits after the first, second, third failure; the last repeats"),
    Key("user", "user", "name of the form's field for the user, also as `{arg: user}`"),
    Key("password", "password", "name of the form's field for the password, also as `{arg: password}`"),
)

HANDLERS: dict[str, tuple[Key, ...]] = {
    "FileHandler": FILE,
    "FunctionHandler": EXPRESSION,
    "FormHandler": FORM,
    "RedirectHandler": (
        Key("url", "required", "where to go; `{0}` or `{name}` stand for groups of the pattern"),
        Key("permanent", "true", "false: 302 in place of 301"),
    ),
    "WebSocketHandler": (
        Key("open", "none", "expression with `handler`, when a connection is open"),
        Key("on_message", "none", "expression with `handler` and `message`, text or bytes"),
        Key("on_close", "none", "expression with `handler`, when it is closed"),
        Key("origins", "this site", "sites whose pages may connect: `https://example.com`, `*.example.com`, `*`"),
    ),
    "ProxyHandler": (
        Key(
            "url",
            "required",
            "where to ask; `{0}` or `{name}` stand for groups of the pattern, and cannot change the site",
        ),
        Key(
            "default",
            "none",
            "arguments that are sent unless the request has them; `{handler.session[token]}` is filled in",
        ),
        Key(
            "request_headers",
            "none",
            "headers for the backend: true copies, `'*': true` copies all but the app's own cookies, text is "
            "formatted with `handler`",
        ),
        Key("prepare", "none", "function of `handler`, `request`, before the backend is asked"),
        Key("modify", "none", "function of `handler`, `request`, `response`; what it returns is the body instead"),
        Key("connect_timeout", "20", "seconds until the backend must have accepted"),
        Key("request_timeout", "20", "seconds until it must have answered"),
    ),
    "UploadHandler": (
        Key("path", "required", "folder for the files; it is made if it does not exist"),
        Key("keys.file", "file", "field of the form with files, or a list of fields"),
        Key("keys.save", "save", "field with the names to store them under"),
        Key("keys.delete", "delete", "field with names of files to remove"),
        Key(
            "if_exists",
            "unique",
            "a name that is taken: `unique` stores `name.1.txt`, `overwrite` replaces, `error` refuses with 403, "
            "`backup` replaces and keeps the old file with its time",
        ),
        Key("methods", "[POST]", "POST is always answered; with GET in the list, GET sends what is known of all files"),
        Key("redirect", "none", "go there instead of answering with JSON"),
    ),
    "SimpleAuth": (
        Key(
            "credentials",
            "required",
            "password by user, or a mapping with `password` and what else is known of the user",
        ),
        Key("lookup", "none", "table with more about each user"),
        Key("lookup.url", "required", "a CSV, Excel, JSON or YAML file, or `sqlite:///FILE`"),
        Key("lookup.sheet_name", "the first", "sheet of an Excel file"),
        Key("lookup.table", "required for SQLite", "name of the table"),
        Key("lookup.id", "user", "column with the user's id"),
        *LOGIN,
    ),
    "LDAPAuth": (
        Key("host", "required", "name of the directory's server, or a list tried in its order"),
        Key("port", "636 or 389", "port of the server"),
        Key(
            "tls",
            "ldaps",
            "`ldaps` (port 636), `starttls` (389), or `none`, which sends passwords unencrypted and warns",
        ),
        Key("use_ssl", "true", "older name: false is `tls: starttls`"),
        Key("ca", "the system's", "PEM file of the authority that signs the directory's certificate"),
        Key(
            "user",
            "none",
            "the user's name for the directory: `uid={user},ou=people,dc=example,dc=com`, `EXAMPLE\\{user}`, "
            "`{user}@example.com`",
        ),
        Key("search", "none", "find the user by a search"),
        Key("search.base", "required", "where to search"),
        Key("search.filter", "(uid={user})", "what to search for"),
        Key("search.user", "none", "who searches; else the user who logs in"),
        Key("search.password", "none", "password of that one"),
        Key("attributes", "name, mail, groups", "what of the entry becomes part of the user"),
        Key("timeout", "10", "seconds to wait for the directory"),
        *(key for key in LOGIN if key.name != "user"),
    ),
    "LogoutHandler": LOGOUT,
}
