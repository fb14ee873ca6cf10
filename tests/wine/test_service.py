"""The Windows service, with genuine Windows Python and pywin32: verified on Wine, not on Windows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wine.prefix import HOME, PACKAGES, Done, Machine, eventually, posix

ROOT = Path(__file__).resolve().parents[2]
APPS = Path(__file__).parent / "apps"
SITE = "C:\\Müllers apps\\größe"
SLOW = "C:\\Müllers apps\\neu"
# The file of Gramex' page on deployment, word for word.
PROJECT = (APPS / "yourproject_service.txt").read_text(encoding="utf-8")
STATE = "import sys, win32serviceutil as u; print(u.QueryServiceStatus(sys.argv[1])[1])"
CLEAN = r"""
import win32api, win32con, win32serviceutil
services = win32api.RegOpenKey(win32con.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services")
for name in [entry[0] for entry in win32api.RegEnumKeyEx(services)]:
    try:
        win32api.RegQueryValueEx(win32api.RegOpenKey(services, name + r"\Parameters"), "module")
    except win32api.error:
        continue  # none of ours
    try:
        win32serviceutil.StopService(name)
        win32serviceutil.WaitForServiceStatus(name, 1, 20)
    except win32api.error:
        pass
    win32serviceutil.RemoveService(name)
"""
BATCH = """
import contextlib, io, json, sys
from gramex.cli import main
answers = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(["service", *words])
    answers.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""
CONFIG = """
import json, win32service as s
manager = s.OpenSCManager(None, None, s.SC_MANAGER_CONNECT)
config = s.QueryServiceConfig(s.OpenService(manager, 'GramexApp', s.SERVICE_QUERY_CONFIG))
print(json.dumps({"program": config[3], "account": config[7]}))
"""
KEY = "import win32api; win32api.RegOpenKey(-2147483646, r'SYSTEM\\CurrentControlSet\\Services\\YourServiceID')"
STATES = {"1": "stopped", "2": "starting", "3": "stopping", "4": "running"}


@pytest.fixture(scope="module", autouse=True)
def apps(machine: Machine) -> None:
    machine.copy(ROOT / "examples" / "site", SITE)
    machine.copy(APPS / "slow", SLOW)


@pytest.fixture(autouse=True)
def clean(machine: Machine) -> Iterator[None]:
    """Leave no service behind for the next test, also where this one failed."""
    yield
    machine.python("-c", CLEAN)


def service(machine: Machine, *words: str, **how) -> Done:
    return machine.gramex("service", *words, **how)


def services(machine: Machine, *commands: list[str], cwd: str = "C:\\") -> list[Done]:
    """Run several `gramex service` commands in one process: to start Python takes longer than they do."""
    answer = machine.python("-c", BATCH, json.dumps(commands), cwd=cwd, seconds=120)
    assert answer.code == 0, answer
    return [Done(*each) for each in json.loads(answer.out)]


def state(machine: Machine, name: str = "GramexApp") -> str:
    return STATES.get(machine.python("-c", STATE, name).out.strip(), "none")


def refused(done: Done, *words: str) -> None:
    """Assert that a command said in one line why it could not be done."""
    assert done.code == 1, done
    (line,) = done.err.splitlines()
    assert all(word in line for word in words), line
    assert "Traceback" not in done.err + done.out


def done(answer: Done) -> None:
    assert (answer.code, answer.err) == (0, ""), answer


def test_what_cannot_be_done_is_one_line(machine: Machine) -> None:
    for answer in services(machine, ["start"], ["stop"], ["remove"], ["update"]):
        refused(answer, "GramexApp is not installed")  # 1060
    install = ["install", "--listen.port=9001"]
    first, again, stop, start, twice = services(machine, install, install, ["stop"], ["start"], ["start"], cwd=SITE)
    done(first)
    refused(again, "GramexApp is installed already")  # 1073
    refused(stop, "GramexApp is not running")  # 1062
    done(start)
    refused(twice, "GramexApp is running already")  # 1056
    update, stop, disabled = services(machine, ["update", "--startup=disabled"], ["stop"], ["start"])
    done(update)
    done(stop)
    refused(disabled, "GramexApp is disabled")  # 1058
    done(service(machine, "remove"))
    refused(service(machine, "remove"), "GramexApp is not installed")


def test_a_stop_lets_a_request_finish(machine: Machine) -> None:
    done(service(machine, "install", "--listen.port=9001", cwd=SLOW))
    done(service(machine, "start"))
    answers: list[object] = []
    asking = threading.Thread(target=lambda: answers.append(machine.get(9001, "/slow", 120)))
    asking.start()
    eventually(lambda: machine.shell(f"ls '{posix(SLOW)}/begun' 2>/dev/null || true"))
    stops: list[Done] = []
    stopping = threading.Thread(target=lambda: stops.append(service(machine, "stop", seconds=120)))
    stopping.start()
    eventually(lambda: state(machine) == "stopping")
    with pytest.raises(OSError, match="refused"):
        machine.get(9001, "/where")
    assert not answers
    assert not stops
    machine.shell(f"touch '{posix(SLOW)}/go'")
    asking.join(60)
    stopping.join(60)
    assert answers == [(200, "finished")]
    done(stops[0])
    assert state(machine) == "stopped"
    log = machine.read(f"{SLOW}\\service.log")
    assert "Stopping: up to 30 s for 1 connections" in log
    assert log.rstrip().endswith("GramexApp stopped")


def test_two_services_one_of_them_the_page_s(machine: Machine) -> None:
    folder = "C:\\приложение 2"
    machine.write(f"{folder}\\yourproject_service.py", PROJECT)

    def project(*words: str) -> Done:
        return machine.python("yourproject_service.py", *words, cwd=folder)

    done(project("install", f"--cwd={SLOW}"))
    done(service(machine, "install", "--startup", "auto", "--", "--listen.port=9001", cwd=SITE))
    done(project("start"))
    done(service(machine, "start"))
    status, page = machine.get(9001)
    assert status == 200
    assert "<html" in page
    assert machine.get(9001, "/service.log")[0] == 403
    status, text = machine.get(8123, "/where")
    assert status == 200
    assert json.loads(text)["folder"] == json.loads(text)["configured"] == SLOW

    machine.restart()
    assert eventually(lambda: machine.get(9001)[0] == 200)
    assert state(machine) == "running"
    assert state(machine, "YourServiceID") == "stopped"  # starts manually
    done(project("start"))
    assert machine.get(8123, "/where")[0] == 200
    done(service(machine, "remove"))  # stops it first
    with pytest.raises(OSError, match="refused"):
        machine.get(9001)
    assert machine.get(8123, "/where")[0] == 200
    done(project("stop"))
    done(project("remove"))
    refused(project("remove"), "YourServiceID is not installed")
    assert "(2, 'RegOpenKeyEx'" in machine.python("-c", KEY).err  # nothing is left of it


def test_a_start_that_fails_says_why(machine: Machine) -> None:
    two = "--name=zwei ä"
    *fine, busy = services(
        machine,
        ["install", "--name=one", "--listen.port=9001", f"--cwd={SITE}"],
        ["install", two, "--listen.port=9001", f"--cwd={SLOW}"],
        ["start", "--name=one"],
        ["start", two],
    )
    for answer in fine:
        done(answer)
    refused(busy, "zwei ä did not start: Port 9001 is busy", f"{SLOW}\\service.log")
    assert "zwei ä did not start: Port 9001 is busy" in machine.read(f"{SLOW}\\service.log")

    broken = "C:\\broken"
    machine.write(f"{broken}\\gramex.yaml", "app: {listen: {drain: never}}\n")
    *fine, mistake = services(
        machine,
        ["update", two, "--listen.port=9002"],
        ["start", two],
        ["stop", two],
        ["update", two, f"--cwd={broken}"],
        ["start", two],
    )
    for answer in fine:
        done(answer)
    refused(mistake, "gramex.yaml:1", "app.listen.drain: must be a number")
    machine.shell(f"rm -r '{posix(broken)}'")
    refused(service(machine, "start", two), f"there is no folder {broken}")

    machine.write("C:\\own\\own_service.py", PROJECT.replace("'YourServiceID'", "'Own'"))
    done(machine.python("own_service.py", "install", f"--cwd={SLOW}", cwd="C:\\own"))
    machine.write("C:\\own\\own_service.py", "import nothing_like_that\n")
    refused(service(machine, "start", "--name=Own"), "Own did not start: ModuleNotFoundError", "nothing_like_that")
    assert "Traceback" in machine.read(f"{SLOW}\\service.log")


def test_a_service_uses_the_environment_that_installed_it(machine: Machine) -> None:
    environment = "C:\\Müllers apps\\venv"
    python = f"{environment}\\Scripts\\python.exe"
    assert machine.python("-m", "venv", "--without-pip", environment).code == 0
    machine.shell(f"mv '{posix(PACKAGES)}'/* '{posix(environment)}/Lib/site-packages/'")
    try:
        done(machine.run(python, "-m", "gramex", "service", "install", "--listen.port=9001", cwd=SLOW))
        # On Windows, unlike Wine, the environment's own python.exe cannot be a service: it starts another process.
        program = json.loads(machine.run(python, "-c", CONFIG).out)["program"]
        assert program.startswith(f'"{HOME}\\python.exe" ')
        wrong = {"PYTHONPATH": "C:\\elsewhere", "PYTHONHOME": "C:\\elsewhere"}
        machine.restart(env=wrong)  # as if the machine's own variables said so
        done(machine.run(python, "-I", "-m", "gramex", "service", "start"))
        answer = json.loads(machine.get(9001, "/where")[1])
        assert answer["prefix"] == answer["child"] == environment
        assert answer["gramex"].startswith(environment)
        assert "printed: größe ☃" in machine.read(f"{SLOW}\\service.log")
        done(machine.run(python, "-m", "gramex", "service", "remove"))
    finally:
        machine.shell(f"mv '{posix(environment)}'/Lib/site-packages/* '{posix(PACKAGES)}/'")
    assert HOME in machine.gramex("--version").out


def test_an_account_needs_a_password_that_is_never_shown(machine: Machine) -> None:
    refused(service(machine, "install", "--user=ann", cwd=SITE), ".\\ann needs a password", "--password=-")
    answer = service(machine, "install", "--user=ann", "--password=-", cwd=SITE, text="geheim\r\n")
    assert answer.code == 0, answer
    assert "geheim" not in answer.out + answer.err
    answer = service(machine, "update", "--user=DOMAIN\\bob", env={"GRAMEX_SERVICE_PASSWORD": "geheim"})
    assert answer.code == 0, answer
    assert json.loads(machine.python("-c", CONFIG).out)["account"] == "DOMAIN\\bob"
    assert "geheim" not in machine.shell("cat /wine/*.reg")
