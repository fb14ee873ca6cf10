"""Declares the commands of `gramex`. Each is one row: the help, the dispatch and the list in --help come from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gramex.options import LOG_OPTIONS, OPTIONS, Option

MANY = 1000  # words


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `run` is ``module:function``, imported when the command is called. The function gets the words behind the command
    and a mapping of the options, and returns the exit code. `words` shows in the usage which words there may be, and
    `most` is how many. The function of a `verbatim` command gets all arguments as words, options too.
    """

    name: str
    help: str
    run: str
    options: tuple[Option, ...] = ()
    words: str = ""
    most: int = 0
    aliases: tuple[str, ...] = field(default=())
    verbatim: bool = False


COMMANDS = (
    Command(
        "check",
        "say whether the app in FOLDER (default: here) is fit to deploy",
        "gramex.check:run",
        (Option("config", "switch", "true", "read and build everything as a start would, without listening"),),
        "[FOLDER]",
        1,
    ),
    Command(
        "complexity",
        "count lines, functions and complexity of the Python files in FOLDER (default: here)",
        "gramex.survey:complexity",
        (),
        "[FOLDER]",
        1,
    ),
    Command(
        "features",
        "list which handlers and services the app in FOLDER (default: here) uses, and which are not in this runtime",
        "gramex.survey:features",
        (),
        "[FOLDER]",
        1,
    ),
    Command(
        "health",
        "ask the server that was started in this folder whether it answers; exit code 0 if so, else 1",
        "gramex.health:run",
        (
            Option("pid", "whole", "none", "process of the server: its options say where it listens"),
            Option("timeout", "number", "5", "seconds to wait for an answer"),
        ),
    ),
    Command(
        "init",
        "write the first files of a new app into FOLDER (default: here)",
        "gramex.setup.init:run",
        (),
        "[FOLDER]",
        1,
    ),
    Command(
        "install",
        "copy an app from SOURCE (folder, ZIP file, URL of one; or from where it came) to $GRAMEXDATA/apps, set it up",
        "gramex.setup.install:install",
        (),
        "NAME [SOURCE]",
        2,
        ("update",),
    ),
    Command("license", "print the licence of Gramex", "gramex.survey:license"),
    Command(
        "mail",
        "send the alerts of these names, entries of alert: of the app in this folder, now",
        "gramex.services.email.send:run",
        (
            Option("list", "switch", "", "list the names"),
            Option("init", "switch", "", "show what to write into gramex.yaml"),
        ),
        "NAME ...",
        MANY,
    ),
    Command("run", "start the installed app NAME", "gramex.setup.install:run", (*OPTIONS, *LOG_OPTIONS), "NAME", 1),
    Command(
        "service",
        "install, update, remove, start or stop the app in this folder as a Windows service",
        "gramex.winservice.command:run",
        (
            Option("cwd", "text", "this folder", "the app's folder, for install and update"),
            Option("user", "text", "LocalSystem", "the account that it runs as: DOMAIN\\USER"),
            Option("password", "text", "asked for", "its password; - reads it from standard input"),
            Option("startup", "text", "manual", "manual, auto, delayed or disabled"),
            Option("name", "text", "GramexApp", "the name of the service, where there are several"),
            Option("wait", "number", "60", "seconds that start and stop wait until it is done"),
            Option("listen.port", "port", "9988", "this and other settings of the server go to it when it starts"),
        ),
        "install|update|remove|start|stop",
        verbatim=True,
    ),
    Command(
        "setup",
        "run make, setup.sh, pip, npm and the like in each FOLDER, where their files are there",
        "gramex.setup.steps:run",
        (),
        "FOLDER ...",
        MANY,
    ),
    Command("uninstall", "remove the installed apps", "gramex.setup.install:uninstall", (), "NAME ...", MANY),
)

BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
