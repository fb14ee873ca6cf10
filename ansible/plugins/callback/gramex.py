"""Shows a run as people read it: what is done to which host, failures as text, and the tables at the end."""

from __future__ import annotations

DOCUMENTATION = """
name: gramex
type: stdout
short_description: Progress in sentences, failures as text, a table at the end
description:
  - Extends the default callback. C(-v) shows results, C(-vvv) shows tracebacks, as there.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout_callback in ansible.cfg
"""

import atexit
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

from ansible import constants as C
from ansible import context

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_report.failure import explain
from gramex_report.problems import lines as problem_lines
from gramex_report.spent import Spent
from gramex_report.table import APPS, CERTIFICATES, STATUS, TASKS, table

# Tasks that only lead to others, or keep a result for them.
SILENT = {"validate_argument_spec", "meta", "include_tasks", "include_role", "import_role", "include_vars", "set_fact"}
REPORTS = {"gramex_report", "gramex_service", "gramex_plan"}  # their results have rows of the tables at the end
UNUSED = "!all"  # the hosts of a play for a kind of host that the inventory has none of
ERASE = "\r\033[K"  # what a terminal needs to take back a line that has no end yet
STOPPED = "Stopped before the end. Run the same command again: it mends what was begun."
AGAIN = "Mend it and run the same command again: it goes on from here."


class CallbackModule(Default):
    """One line for each task and host, printed when it begins and completed when it ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gramex"

    def __init__(self) -> None:
        super().__init__()
        self._open: tuple[str, str] | None = None  # host and task of the line that has no end yet
        self._heading = ""  # of the play that has shown nothing yet
        self._announced = ""  # task that was printed as begun
        self._since: dict[tuple[str, str], float] = {}
        self._begun = time.monotonic()
        self._spent = Spent()
        names = ("apps", "status", "tasks", "certificates", "problems")
        self._report: dict[str, list[dict[str, str]]] = {name: [] for name in names}
        self._refused = False
        self._process = 0

    # The run

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Remember that a run began, so that one that is stopped says what to do."""
        super().v2_playbook_on_start(playbook)
        self._process = os.getpid()
        atexit.register(self._stopped)

    def _stopped(self) -> None:
        if self._process == os.getpid():
            self._heading = ""
            self._line(STOPPED, C.COLOR_WARN)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Keep the play's name, to be printed before the first line that it shows."""
        self._play = play
        self._close()
        checked = " (check mode: nothing is changed)" if play.check_mode else ""
        self._heading = "" if UNUSED in play.hosts else play.get_name().strip() + checked

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Say which groups are empty."""
        if UNUSED in self._play.hosts:
            return
        groups = " or ".join(group for pattern in self._play.hosts for group in str(pattern).split(":"))
        self._line(f"  no host of the inventory is in {groups}", C.COLOR_SKIP)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Say nothing: the tasks in it speak for themselves."""

    # A task

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        """Print nothing yet: the line begins with the first host's."""

    def _print_task_banner(self, task: Any) -> None:
        """End the open line, so that what follows it, such as a diff, stands on its own."""
        self._close()
        self._last_task_banner = task._uuid

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Begin the line of a task. Of many hosts the first is named; the others come with their results."""
        self._since[host.get_name(), task._uuid] = time.monotonic()
        if not silent(task):
            self._spent.begin(task._uuid, host.get_name(), time.monotonic())
        if task._uuid == self._announced or silent(task):
            return
        self._head()
        self._announced = task._uuid
        self._open = (host.get_name(), task._uuid)
        self._display.display(f"  {host.get_name()}: {title(task)} ... ", newline=False)
        sys.stdout.flush()

    def _keep(self, result: Any) -> bool:
        """Keep the rows that a result has for the tables at the end; whether it has any problem among them."""
        if bare(result.task.action) not in REPORTS:
            return False
        report = result.result.get("report", {})
        for name, rows in report.items():
            self._report[name] += rows
        return bool(report.get("problems"))

    def _done(self, result: Any) -> None:
        self._spent.end(result.task._uuid, result.host.get_name(), time.monotonic(), title(result.task))

    def _end(self, result: Any, word: str, color: str) -> None:
        key = (result.host.get_name(), result.task._uuid)
        spent = time.monotonic() - self._since.pop(key, time.monotonic())
        text = f"{word} ({spent:.1f} s)" if spent >= 0.05 else word
        if self._open == key:
            self._open = None
            self._display.display(text, color=color)
        else:
            self._line(f"  {self.host_label(result)}: {title(result.task)}: {text}", color)
        sys.stdout.flush()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Complete the line; show notes, and the whole result where -v asks for it."""
        self._done(result)
        changed = bool(result.result.get("changed"))
        self._keep(result)
        if silent(result.task):
            return
        self._handle_warnings(result.result)
        self._end(result, "changed" if changed else "ok", C.COLOR_CHANGED if changed else C.COLOR_OK)
        for note in result.result.get("notes") or ():
            self._line(f"    {note}")
        if bare(result.task.action) == "debug" and isinstance(result.result.get("msg"), str):
            self._reason(result.result["msg"].splitlines(), C.COLOR_DEBUG)
        elif self._run_is_verbose(result):
            self._clean_results(result.result, result.task.action)
            self._line(self._dump_results(result.result), C.COLOR_VERBOSE)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Take back the line of a task whose condition is false; where that cannot be done, complete it."""
        self._done(result)
        if self._open and sys.stdout.isatty():
            self._open = None
            self._display.display(ERASE, newline=False, screen_only=True)
        elif not silent(result.task):
            self._end(result, "not needed", C.COLOR_SKIP)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Complete the line and say why it failed."""
        self._done(result)
        self._handle_warnings(result.result)
        if ignore_errors:
            self._end(result, "failed, which does not matter here", C.COLOR_SKIP)
            return
        self._refused = self._refused or bare(result.task.action) == "gramex_plan"
        self._end(result, "FAILED", C.COLOR_ERROR)
        if not self._keep(result):
            self._reason(explain(result.result), C.COLOR_ERROR)
        if self._display.verbosity >= 3:
            self._handle_exception(result.result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Complete the line and say what Ansible said of the connection."""
        self._done(result)
        self._end(result, "UNREACHABLE", C.COLOR_UNREACHABLE)
        self._reason(explain(result.result), C.COLOR_UNREACHABLE)

    def v2_runner_retry(self, result: Any) -> None:
        """Say that a task is tried again."""
        left = int(result.result.get("retries", 0)) - int(result.result.get("attempts", 0))
        self._line(f"  {self.host_label(result)}: {title(result.task)}: not yet, {left} tries left", C.COLOR_DEBUG)

    # Items of a loop show in the task's own line; failed ones in its reason.

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show the item where -v asks for it."""
        if self._run_is_verbose(result):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Say nothing yet: the task's line follows."""

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Say nothing: the task's line follows."""

    # The end

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print a line of counts for each host, the slowest tasks, then the tables."""
        self._process = 0
        self._heading = ""
        self._line("")
        hosts = sorted(stats.processed)
        failed = False
        for host in hosts:
            counts = stats.summarize(host)
            bad = bool(counts["failures"] or counts["unreachable"])
            failed = failed or bad
            names = (("ok", "ok"), ("changed", "changed"), ("unreachable", "unreachable"), ("failures", "failed"))
            text = " ".join(f"{name}={counts[key]}" for key, name in names)
            color = C.COLOR_ERROR if bad else C.COLOR_CHANGED if counts["changed"] else C.COLOR_OK
            self._line(f"{host}: {text} in {time.monotonic() - self._begun:.0f} s", color)
        if slowest := self._spent.line():
            self._line(slowest)
        if not hosts:
            source = " ".join(map(str, context.CLIARGS.get("inventory") or ()))
            self._line(
                f"Nothing was done: the inventory {source} has no host in the groups of the play.", C.COLOR_ERROR
            )
        elif failed and not self._refused:
            self._line(AGAIN, C.COLOR_ERROR)
        for name, titles in (("apps", APPS), ("status", STATUS), ("tasks", TASKS), ("certificates", CERTIFICATES)):
            lines = table(self._report[name], titles)
            if lines:
                self._line("")
                for line in lines:
                    self._line(line)
        self._problems()

    def _problems(self) -> None:
        """Print what is wrong with all hosts, last: it is what is to be read."""
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        found = problem_lines(self._report["problems"], width)
        wrong = any(row["kind"] == "wrong" for row in self._report["problems"])
        for line in ["", *found] if found else []:
            self._line(line, C.COLOR_ERROR if wrong else C.COLOR_WARN)

    # Printing

    def _handle_warnings(self, res: Any) -> None:
        """End the open line before warnings, which Ansible prints itself."""
        if res.get("warnings") or res.get("deprecations"):
            self._close()
        super()._handle_warnings(res)

    def _close(self) -> None:
        if self._open:
            self._open = None
            self._display.display("")

    def _head(self) -> None:
        self._close()
        if self._heading:
            self._display.display("\n" + self._heading)
            self._heading = ""

    def _line(self, text: str, color: str | None = None) -> None:
        self._head()
        self._display.display(text, color=color)
        sys.stdout.flush()

    def _reason(self, lines: list[str], color: str) -> None:
        for line in lines:
            self._line(f"    {line}" if line else "", color)


def bare(action: str) -> str:
    """An action's name without its collection."""
    return str(action).rsplit(".", 1)[-1]


def silent(task: Any) -> bool:
    """Whether a task is of no interest to people unless it fails."""
    return bare(task.action) in SILENT


def title(task: Any) -> str:
    """The task's name without its role's, which the play says already."""
    return str(task.get_name()).strip().split(" : ", 1)[-1]
