"""Runs a task of an app by the clock where there is no systemd, and keeps how runs ended everywhere.

Usage: task.py run NAME | missed | began NAME | ended NAME. Written by the gramex role.
run: once, now, as the app's user, with an end, and never beside a run that goes on. missed: what was due while the host
was down. began, ended: systemd tells of a run.
"""

import fcntl
import grp
import json
import os
import pwd
import random
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import cron
import history

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE.parent / "schedule.json").read_text(encoding="utf-8"))
HISTORY = Path(ABOUT["home"], "tasks")
GRACE = 15  # seconds that a task may take to end when it is told to
# The environment file is read by a shell, as the init script does it; the task's own text is in a file.
START = 'set -a; . "$1"; set +a; exec /bin/sh "$2"'


def run(name, wait):
    """Run a task and return its exit code; 0 at once where it runs already, 75 where the app is not there."""
    task = next((task for task in ABOUT["tasks"] if task["name"] == name), None)
    if task is None:
        names = ", ".join(task["name"] for task in ABOUT["tasks"])
        sys.exit(f"{ABOUT['app']} has no task {name}. It has: {names}")
    HISTORY.mkdir(mode=0o755, exist_ok=True)
    with (HISTORY / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            history.skip(HISTORY / name, time.time())
            say(name, "was due, but the run before goes on: left out")
            return 0
        if wait and task["jitter"]:
            time.sleep(random.uniform(0, task["jitter"]))  # noqa: S311 no secret
        history.begin(HISTORY / name, time.time())
        code, result = execute(task)
        history.end(HISTORY / name, time.time(), code, result)
    if result != "success":
        say(name, f"failed: {result}, exit code {code}")
    return code


def execute(task):
    """Run the command as the app's user; what it leaves running is killed with it."""
    user = pwd.getpwnam(task["user"])
    group = grp.getgrnam(ABOUT["user"]).gr_gid
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": ABOUT["data"],
        "LC_ALL": "C.UTF-8",
        "GRAMEXDATA": ABOUT["data"],
        "GRAMEX_INSTANCE": f"task-{task['name']}",
        "PYTHONUNBUFFERED": "1",
    }
    command = ["/bin/sh", "-c", START, "sh", f"{ABOUT['config']}/env", f"{ABOUT['config']}/tasks/{task['name']}"]
    with output() as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user.pw_uid,
            group=group,
            extra_groups=os.getgrouplist(user.pw_name, group),
            umask=0o027,
        )
        result = "exit-code"
        try:
            code = process.wait(task["timeout"])
        except subprocess.TimeoutExpired:
            result = "timeout"
            signal_all(process, signal.SIGTERM)
            try:
                code = process.wait(GRACE)
            except subprocess.TimeoutExpired:
                code = None
        signal_all(process, signal.SIGKILL)
        code = process.wait() if code is None else code
    if code < 0:
        return 128 - code, result if result == "timeout" else "signal"
    return code, "success" if code == 0 and result != "timeout" else result


def signal_all(process, number):
    """Tell a process and what it started; gone is as well."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def output():
    """The app's log, which its processes write too."""
    place = Path(f"/var/log/gramex/{ABOUT['app']}.log")
    place.parent.mkdir(mode=0o755, exist_ok=True)
    handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    if os.fstat(handle).st_size == 0:
        os.fchown(handle, pwd.getpwnam(ABOUT["user"]).pw_uid, grp.getgrnam("adm").gr_gid)
    return os.fdopen(handle, "ab")


def say(name, text):
    """Note something in the app's log; cron mails what is printed, to whoever asked for mail."""
    line = f"{datetime.now():%Y-%m-%d %H:%M:%S} gramex-{ABOUT['app']}:{name} {text}"
    with output() as log:
        log.write(f"{line}\n".encode())
    print(line, file=sys.stderr)


def missed():
    """Run, one after another, what was due since the last run that took place and is to be caught up with."""
    since = (HERE.parent / "schedule.json").stat().st_mtime
    for task in ABOUT["tasks"]:
        due = cron.parse(task["cron"]).before(datetime.now())
        runs = [run["began"] for run in history.read(HISTORY / task["name"]) if run["result"] != "overlap"]
        if task["catch_up"] and due and due.timestamp() > max([since, *runs]):
            run(task["name"], wait=True)


def ended(name):
    """Note what systemd says of a run that ended; a number where it exited, a signal's name where it was killed."""
    status = os.environ.get("EXIT_STATUS", "")
    code = int(status) if status.isdigit() else None
    if code is None and status:
        code = 128 + getattr(signal, f"SIG{status}", 0)
    history.end(HISTORY / name, time.time(), code, os.environ.get("SERVICE_RESULT", ""))


def main(words):
    """Return the exit code."""
    if words[:1] == ["run"] and len(words) in (2, 3):
        return run(words[1], wait=words[2:] == ["--by-the-clock"])
    if words == ["missed"]:
        missed()
    elif len(words) == 2 and words[0] == "began":
        history.begin(HISTORY / words[1], time.time())
    elif len(words) == 2 and words[0] == "ended":
        ended(words[1])
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
