"""The reference has a text for everything that can be set, and the declarations are those of the code."""

import ast
import re
from html import escape
from pathlib import Path

import pytest
import yaml

import gramex
from gramex.config.entries import ENTRIES
from gramex.config.keys import ENVIRONMENT, IMPORT, PREDEFINED, TLS, TOP, VARIABLE
from gramex.data import columns, dataset, query
from gramex.handlers import auth, caching, cors, ratelimit, redirect, upload
from gramex.handlers.formkeys import ARGUMENTS
from gramex.handlers.guidemarkdown import render
from gramex.handlers.guidepages import row_id
from gramex.handlers.guidereference import AUTH, parts, table
from gramex.handlers.keys import COMMON, ENTRY, EXPRESSION, HANDLERS
from gramex.handlers.registry import HANDLERS as REGISTERED
from gramex.options import LOG_OPTIONS, OPTIONS
from gramex.server import tls
from gramex.services.email import alert, settings
from gramex.services.keys import ALERT, CACHE, COLUMNS, EMAIL, LOG, SCHEDULE, WATCH
from gramex.services.log import requests
from gramex.services.schedule import task
from gramex.services.watch import entries as watch

PACKAGE = Path(gramex.__file__).parent
PARTS = [part for _, group in parts() for part in group]
# What a handler's set-up reads beside the module of its class.
MODULES = {
    "SimpleAuth": ["login", "simpleauth"],
    "LDAPAuth": ["login", "ldapauth", "directory"],
    "LogoutHandler": ["login"],
}
# For the guide alone; for all handlers together; older names of FormHandler.
INTERNAL = {"GuideHandler", "BaseHandler", "DataHandler", "QueryHandler"}


def names(keys, prefix=""):
    """Names of keys directly below a prefix."""
    found = (key.name.removeprefix(prefix) for key in keys if key.name.startswith(prefix))
    return {name for name in found if "." not in name}


def strings(node):
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def read_keys(path, variables):
    """Return the texts by which a module asks a mapping: ``kwargs.get("x")``, ``kwargs["x"]``, ``"x" in kwargs``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            owner, key = node.func.value, node.args[:1]
        elif isinstance(node, ast.Subscript):
            owner, key = node.value, [node.slice]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            owner, key = node.comparators[0], [node.left]
        else:
            continue
        if isinstance(owner, ast.Name) and owner.id in variables and key and isinstance(key[0], ast.Constant):
            found.add(key[0].value)
    return found


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.anchor)
def test_everything_has_a_text(part):
    assert len({key.name for key in part.rows}) == len(part.rows)
    for key in part.rows:
        assert key.help.strip(), f"{part.heading}: {key.name} has no text"
        assert not key.help.endswith("."), key.name
        assert key.help.count("`") % 2 == 0, key.name
        assert key.default or not any(each.default for each in part.rows), f"{part.heading}: {key.name}: no default"


def test_each_section_and_key_can_be_linked_to():
    html = render("reference")
    ids = set(re.findall(r' id="([^"]+)"', html))
    for part in PARTS:
        assert part.anchor in ids, part.heading
        assert {escape(row_id(part.anchor, key.name)) for key in part.rows} <= ids


def test_the_reference_has_every_option():
    shown = {(part.anchor, key.name): key.help for part in PARTS for key in part.rows}
    for option in OPTIONS:
        section, _, key = option.name.rpartition(".")
        assert shown["-".join(filter(None, ("app", section))), key] == option.help
    for option in LOG_OPTIONS:
        assert shown["gramex", option.name] == option.help


def test_a_section_that_is_not_there():
    with pytest.raises(KeyError, match="nowhere"):
        table("nowhere")


def test_every_handler_is_declared():
    assert {*HANDLERS, *INTERNAL} >= set(REGISTERED)


@pytest.mark.parametrize("handler", [name for name in HANDLERS if name != "FormHandler"])
def test_keys_of_a_handler_are_those_that_it_reads(handler):
    modules = MODULES.get(handler, [REGISTERED[handler].rpartition(".")[2]])
    paths = [PACKAGE / "handlers" / f"{module}.py" for module in modules]
    declared = names(HANDLERS[handler]) | {key.name.partition(".")[0] for key in HANDLERS[handler]}
    read = set().union(*(read_keys(path, {"kwargs", "conf"}) for path in paths))
    constants = set().union(*(strings(ast.parse(path.read_text(encoding="utf-8"))) for path in paths))
    foreign = {"pattern", "mime", "auth"}  # of the entry, and of gramex.yaml
    if handler == "LogoutHandler":  # login.py has what forms need, too
        foreign |= names(HANDLERS["SimpleAuth"]) - {"redirect"}
    assert read - foreign <= declared, "read, and not declared"
    if handler != "FunctionHandler":  # whose keys belong to expressions
        assert {key for key in declared if key not in constants} <= {"redirect", "headers"}, "declared, and not read"


def test_keys_of_form_handler():
    own = {"NAME", "formats"}  # the datasets; what is common to them
    assert names(HANDLERS["FormHandler"]) - own == dataset.KEYS
    assert names(HANDLERS["FormHandler"], "columns.NAME.") == columns.KEYS


def test_arguments_of_form_handler():
    shown = {name for key in ARGUMENTS for name in key.name.split(", ")}
    assert {name.removeprefix("COLUMN") for name in shown if name.startswith("COLUMN")} == {"", *query.OPERATORS}
    code = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "data").rglob("*.py"))
    code += "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "handlers").glob("formh*.py"))
    asked = set(re.findall(r"\"(_[a-z]+)\"", code))
    assert asked - {"_val", "_xsrf"} == {name for name in shown if name.startswith("_")}


def test_keys_of_every_handler():
    base = read_keys(PACKAGE / "handlers" / "base.py", {"kwargs"})
    assert base | {"cors", "ratelimit", "validate", "cache"} == names(COMMON)
    assert names(COMMON, "auth.") == set(auth.KEYS)
    assert names(COMMON, "cors.") == cors.KEYS
    assert names(COMMON, "ratelimit.") == ratelimit.KEYS
    assert names(COMMON, "cache.") == caching.KEYS
    assert names(COMMON, "redirect.") == {*redirect.METHODS, "external"}
    error = read_keys(PACKAGE / "handlers" / "error.py", {"spec"})
    assert names(COMMON, "error.STATUS.") == error | names(EXPRESSION) - {"name"}
    validate = read_keys(PACKAGE / "handlers" / "validate.py", {"spec"})
    assert names(COMMON, "validate.") == validate | names(EXPRESSION) - {"name"}


def test_keys_of_mappings():
    upload_keys = {key.name for key in HANDLERS["UploadHandler"]}
    assert {name for name in upload_keys if name.startswith("keys.")} == {f"keys.{name}" for name in upload.KEYS}
    transform = read_keys(PACKAGE / "handlers" / "transform.py", {"spec"})
    assert names(HANDLERS["FileHandler"], "transform.GLOB.") == transform | names(EXPRESSION) - {"name"}
    lookup = read_keys(PACKAGE / "handlers" / "lookup.py", {"spec"})
    assert names(HANDLERS["SimpleAuth"], "lookup.") == lookup
    assert names(HANDLERS["LDAPAuth"], "search.") == read_keys(PACKAGE / "handlers" / "directory.py", {"search"})
    assert names(ENTRY) == read_keys(PACKAGE / "handlers" / "entries.py", {"spec"}) - {"service"} | {"kwargs"}
    expression = read_keys(PACKAGE / "handlers" / "expression.py", {"extra", "step"})
    assert names(EXPRESSION) == expression | {"function"}


def test_keys_of_services():
    assert names(SCHEDULE) == set(task.KNOWN)
    assert names(WATCH) == set(watch.KNOWN)
    assert names(EMAIL) == set(settings.KNOWN)
    assert names(ALERT) == set(alert.KNOWN)
    assert names(CACHE) == read_keys(PACKAGE / "handlers" / "caching.py", {"spec"}) - caching.KEYS
    assert {key.name.removesuffix(".x") for key in COLUMNS} == {*requests.SIMPLE, *requests.PREFIXED}


def test_keys_of_the_log_are_those_of_the_packaged_file():
    section = yaml.safe_load((PACKAGE / "gramex.yaml").read_text(encoding="utf-8"))["log"]
    for key in LOG:
        value = section
        for name in key.name.split("."):
            if name != "backupCount":  # what Python calls it; not set there
                value = value[name]


def test_keys_of_gramex_yaml():
    packaged = yaml.safe_load((PACKAGE / "gramex.yaml").read_text(encoding="utf-8"))
    sections = {each.partition(".")[0] for each in ENTRIES} - {"sms"}
    assert {key.name.partition(".")[0] for key in TOP} == set(packaged) | sections | {"variables", "import"}
    assert names(TLS) == set(tls.KNOWN)
    assert names(VARIABLE) <= strings(ast.parse((PACKAGE / "config" / "define.py").read_text(encoding="utf-8")))
    imports = (PACKAGE / "config" / "imports.py").read_text(encoding="utf-8")
    assert names(IMPORT) - {"NAME", "YAMLURL"} == read_keys(PACKAGE / "config" / "imports.py", {"value"})
    assert "namespace" in imports
    assert 'app.get("auth")' in (PACKAGE / "handlers" / "base.py").read_text(encoding="utf-8"), AUTH


def test_variables():
    assert names(PREDEFINED) == read_keys(PACKAGE / "config" / "table.py", {"variables"})
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "keys.py")
    asked = set(re.findall(r"environ(?:\.get|\.pop)?[\[(]\"([A-Z_]+)\"", code)) | {"GRAMEX_COOKIE_SECRET"}
    foreign = {"PATH", "LOCALAPPDATA", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"}
    assert asked - foreign <= names(ENVIRONMENT) | {"GRAMEXDATA"}
    assert all(key.name in code for key in ENVIRONMENT)
