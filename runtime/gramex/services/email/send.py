"""`gramex mail`: sends alerts of the app in the current folder now, whatever their times."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gramex.setup import BAD, GOOD, all_of, complain, say

MISTAKE = 2  # exit code

SAMPLE = """\
email:
  office:
    type: smtp # gmail, outlook, ...: "Log and data" in the guide lists them
    host: mail.example.com
    port: 587
    email: app@example.com
    password: $MAIL_PASSWORD # of .secrets.yaml

alert:
  hello:
    to: ann@example.com
    subject: Hello
    body: A mail of {{ now }}
    weekdays: mon # `gramex mail hello` does not wait for it
    hours: 8
    minutes: 0
"""


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Send each of the named alerts once. Exit code 0: done; 1: one could not be sent; 2: a mistake.

    Raises:
        UsageError: there is no app here, no name, or no alert of a name.
    """
    from gramex.arguments import UsageError
    from gramex.config import ConfigError

    if options.get("init"):
        print(SAMPLE, end="")
        return GOOD
    try:
        alerts = read_alerts()
    except ConfigError as error:
        for problem in error.problems:
            complain("mail", str(problem))
        return MISTAKE
    if options.get("list"):
        for name in alerts:
            print(name)
        return GOOD
    if not words:
        raise UsageError("mail: say which alert to send. gramex mail --list shows what there is")
    for word in words:
        if word not in alerts:
            known = ", ".join(alerts) or "nothing"
            raise UsageError(f"mail: alert: has no entry {word!r} that could be used; it has {known}")
    return GOOD if all_of([send(name, alerts[name]) for name in words]) else BAD


def read_alerts() -> dict[str, Any]:
    """Return the tasks of the app's ``alert:`` section by their names. Mistakes go to standard error.

    Raises:
        UsageError: there is no app here.
        ConfigError: the configuration has a mistake that would stop the start.
    """
    from gramex.arguments import UsageError
    from gramex.config import inuse, load
    from gramex.services.email import alert

    folder = Path.cwd()
    if not (folder / "gramex.yaml").exists():
        raise UsageError(f"mail: there is no gramex.yaml in {folder}")
    logging.basicConfig(format="gramex mail: %(message)s", level=logging.WARNING)
    loaded = load(folder)
    inuse.use(loaded)
    for problem in loaded.problems:
        problem.log()
    tasks = alert.read_alerts(loaded, {}, timed=False)
    return {label.partition(":")[2]: task for label, task in tasks.items()}


def send(name: str, task: Any) -> bool:
    """Send one alert. False if it could not be sent."""
    try:
        task.function()
    except Exception as error:
        complain("mail", f"{name}: {type(error).__name__}: {error}")
        return False
    say("mail", f"{name}: sent")
    return True
