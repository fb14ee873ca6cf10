"""Doubles of PowerShell: a Python function in place of each script and module of Ansible's that the role uses.

What is real here: files and folders of the Wine prefix, programs, and services in Wine's service manager. What is a
book: rights, firewall rules, scheduled tasks, failure actions, which Wine has not. Options are checked against the
modules' own documentation, which the test wrote to documentation.json. A module without a function here fails.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

FOLDER = Path()  # documentation.json, log.jsonl and book.json
DRIVE = Path("/wine/drive_c")
PYTHON = r"C:\Program Files\Python311\python.exe"  # for what only Windows' own interface can tell
SECONDS = 300
SIDS = {"S-1-5-32-544", "S-1-5-18", "S-1-5-19", "S-1-5-32-545"}
# What the modules themselves insist on, beyond their documentation: read in their source.
TASK_ACCOUNTS = {"SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE"}
TRIGGERS = {
    "daily": {"start_boundary"},
    "monthly": {"start_boundary", "days_of_month"},
    "time": {"start_boundary"},
    "weekly": {"start_boundary", "days_of_week"},
}
# What win_copy's action plugin says to its own module.
PRIVATE = {"files", "directories", "symlinks"}
Answer = dict[str, Any]


class Refused(Exception):
    """The module fails with this message."""


def posix(path: str) -> Path:
    """Where Wine keeps a path of Windows."""
    where = PureWindowsPath(re.sub("(?i)%temp%", r"C:\\windows\\temp", path))
    if where.drive.upper() != "C:":
        raise Refused(f"double: {path} is not on drive C:")
    return DRIVE.joinpath(*where.parts[1:])


def wine(words: list[str], given: bytes = b"", folder: Path = DRIVE) -> "subprocess.CompletedProcess[bytes]":
    """Run a program under Wine. Its output goes to pipes: a file would end it."""
    return subprocess.run(["wine", *words], input=given, capture_output=True, cwd=folder, timeout=SECONDS)


def windows(code: str, *arguments: str) -> Any:
    """Run Python code under Wine, where pywin32 is, and return what it prints as JSON."""
    done = wine([PYTHON, "-c", code, *arguments])
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return json.loads(done.stdout)


class Book:
    """What Wine cannot keep, in a file."""

    def __init__(self, kind: str) -> None:
        self.kind, self.place = kind, FOLDER / "book.json"
        self.all = json.loads(self.place.read_text()) if self.place.exists() else {}

    def get(self, key: str) -> Any:
        return self.all.get(self.kind, {}).get(key)

    def put(self, key: str, value: Any, check: bool) -> bool:
        """Keep a value, None for none; return whether that was a change."""
        if self.get(key) == value:
            return False
        if not check:
            kept = self.all.setdefault(self.kind, {})
            kept.pop(key) if value is None else kept.update({key: value})
            self.place.write_text(json.dumps(self.all, indent=1))
        return True


def action(name: str, params: dict[str, Any], data: bytes) -> tuple[int, bytes, bytes]:
    """Run what Ansible names: one of its scripts, or a module."""
    if name == "winrm_put_file.ps1":
        place, content = posix(params["Path"]), b"".join(base64.b64decode(line) for line in data.split())
        place.write_bytes(content)
        log(script=name, path=params["Path"], size=len(content))
        return 0, json.dumps({"sha1": hashlib.sha1(content).hexdigest()}).encode(), b""
    if name == "powershell_mkdtemp.ps1":
        place = posix(params["Directory"]) / params["Name"]
        place.mkdir(parents=True)
        return 0, rf"{params['Directory']}\{params['Name']}".replace("%TEMP%", r"C:\windows\temp").encode(), b""
    if name != "module_wrapper.ps1":
        return 1, b"", f"double: the script {name} is not mapped".encode()
    told = next(each["Value"] for each in params["Variables"] if each["Name"] == "complex_args")
    return 0, json.dumps(module(told)).encode(), b""


def script(text: str) -> tuple[int, bytes, bytes]:
    """Run the one kind of script that Ansible sends bare: it removes its temporary folder."""
    found = re.search(r"Remove-Item '([^']+)' -Force -Recurse", text)
    if not found or "ansible-tmp" not in found[1]:
        return 1, b"", b"double: this script is not mapped"
    shutil.rmtree(posix(found[1]))
    return 0, b"", b""


def module(told: dict[str, Any]) -> Answer:
    """Run the double of a module with checked options; what there is none of fails."""
    name, check = told["_ansible_module_name"], bool(told["_ansible_check_mode"])
    given = {key: value for key, value in told.items() if not key.startswith("_ansible")}
    log(module=name, given=given, check=check)
    double = DOUBLES.get(name)
    if double is None:
        return {"failed": True, "changed": False, "msg": f"double: there is none of {name}"}
    try:
        options = json.loads((FOLDER / "documentation.json").read_text())[name]
        return {"changed": False, **double(options_of(given, options, name), check)}
    except Refused as refused:
        return {"failed": True, "changed": False, "msg": str(refused)}


def options_of(given: dict[str, Any], options: dict[str, Any], what: str) -> dict[str, Any]:
    """Return options with their defaults. Raises Refused for what the documentation does not know."""
    names = {alias: name for name, rule in options.items() for alias in (name, *rule.get("aliases", ()))}
    made = {name: rule.get("default") for name, rule in options.items()}
    for key, value in given.items():
        if what.endswith("win_copy") and (key.startswith("_") or key in PRIVATE):
            made[key] = value
            continue
        if key not in names:
            raise Refused(f"double: {what} has no option {key}")
        rule = options[names[key]]
        every = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        if rule.get("choices") and not {str(each) for each in every} <= {str(each) for each in rule["choices"]}:
            raise Refused(f"double: {what}: {key} is none of {rule['choices']}: {value}")
        if rule.get("suboptions"):
            value = [options_of(each, rule["suboptions"], f"{what}.{key}") for each in value]
        made[names[key]] = value
    for name, rule in options.items():
        if rule.get("required") and made[name] is None:
            raise Refused(f"double: {what}: {name} is missing")
    return made


def log(**entry: Any) -> None:
    """Remember what came in, for the test."""
    with (FOLDER / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")


def double_of_setup(given: Answer, _check: bool) -> Answer:
    """Facts of the platform, from Wine's own words."""
    told = wine(["cmd", "/c", "ver & echo %PROCESSOR_ARCHITECTURE% & hostname"]).stdout.decode().split()
    version = next(word for word in told if re.fullmatch(r"\d+\.\d+\.\d+.*", word))
    sixty_four = "AMD64" in told
    facts = {
        "distribution": {"distribution_version": version},
        "platform": {
            "architecture": "64-bit" if sixty_four else "32-bit",
            "architecture2": "x86_64" if sixty_four else "i386",
            "hostname": told[-1],
        },
    }
    asked = [name for name in given["gather_subset"] if not name.startswith("!")]
    return {"ansible_facts": {f"ansible_{name}": value for each in asked for name, value in facts[each].items()}}


def double_of_slurp(given: Answer, _check: bool) -> Answer:
    """The content of a real file."""
    place = posix(given["src"])
    if not place.is_file():
        raise Refused(f"Path {given['src']} is not found.")
    return {"content": base64.b64encode(place.read_bytes()).decode(), "encoding": "base64", "source": given["src"]}


def double_of_win_file(given: Answer, check: bool) -> Answer:
    """Real folders, made and removed."""
    place = posix(given["path"])
    if given["state"] == "directory":
        changed = not place.is_dir()
        if changed and not check:
            place.mkdir(parents=True)
        return {"changed": changed}
    if given["state"] != "absent":
        raise Refused(f"double: win_file with state {given['state']} is not mapped")
    changed = place.exists()
    if changed and not check:
        shutil.rmtree(place)
    return {"changed": changed}


def double_of_win_copy(given: Answer, check: bool) -> Answer:
    """Real files: compared, and put where they belong."""
    if given["_copy_mode"] == "query":
        folder = posix(given["dest"])
        wanted = [each for each in given["files"] if sha1(folder / each["dest"]) != each["checksum"]]
        return {"files": wanted, "directories": given["directories"], "symlinks": given["symlinks"]}
    if given["_copy_mode"] != "single":
        raise Refused(f"double: win_copy with {given['_copy_mode']} is not mapped")
    target = posix(given["dest"])
    if not target.parent.is_dir():
        raise Refused(f"Destination path {given['dest']} does not exist")
    shutil.copyfile(posix(given["src"]), target)
    return {"changed": True, "checksum": sha1(target)}


def sha1(place: Path) -> str:
    return hashlib.sha1(place.read_bytes()).hexdigest() if place.is_file() else ""


def double_of_win_unzip(given: Answer, check: bool) -> Answer:
    """A real archive, unpacked."""
    if given["creates"] and posix(given["creates"]).exists():
        return {"skipped": True}
    source = posix(given["src"])
    if not source.is_file():
        raise Refused(f"File '{given['src']}' does not exist.")
    if not check:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(posix(given["dest"]))
        if given["delete_archive"]:
            source.unlink()
    return {"changed": True, "removed": bool(given["delete_archive"])}


def double_of_win_command(given: Answer, check: bool) -> Answer:
    """A real program under Wine."""
    if check:
        return {"skipped": True}
    done = wine(given["argv"], (given["stdin"] or "").encode())
    answer = {"changed": True, "rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}
    return {**answer, "failed": True, "msg": "non-zero return code"} if done.returncode else answer


def account(name: str) -> None:
    """An account that Windows would know: a group by its SID, or the virtual account of a service that is there."""
    kind, _, service = name.rpartition("\\")
    if name not in SIDS and not (kind == "NT SERVICE" and (registered(service) or {}).get("exists")):
        raise Refused(f"{name} is not a valid user or group on the host machine or domain")


QUERY = """
import json, sys, win32service as s, pywintypes
manager = s.OpenSCManager(None, None, s.SC_MANAGER_ALL_ACCESS)
try:
    service = s.OpenService(manager, sys.argv[1], s.SERVICE_ALL_ACCESS)
except pywintypes.error as error:
    print(json.dumps({"exists": False, "error": error.args[0]}))
    sys.exit()
wanted = json.loads(sys.argv[2])
modes = {"auto": 2, "manual": 3, "disabled": 4}
if wanted:
    s.ChangeServiceConfig(service, s.SERVICE_NO_CHANGE, modes.get(wanted.get("start_mode"), s.SERVICE_NO_CHANGE),
                          s.SERVICE_NO_CHANGE, None, None, False, None, wanted.get("username"), None, None)
found = s.QueryServiceConfig(service)
print(json.dumps({"exists": True, "start_mode": {v: k for k, v in modes.items()}.get(found[1]), "username": found[7],
                  "path": found[3]}))
"""


def registered(name: str, **wanted: Any) -> Answer:
    """What Wine's service manager says of a service, after changing what is `wanted` of it."""
    return windows(QUERY, name, json.dumps(wanted))


def double_of_win_service(given: Answer, check: bool) -> Answer:
    """A real service: account and start mode go to Wine's service manager, failure actions into the book."""
    unmapped = {"state", "path", "password", "dependencies"} & {key for key, value in given.items() if value}
    if unmapped:
        raise Refused(f"double: win_service with {', '.join(sorted(unmapped))} is not mapped")
    found = registered(given["name"])
    if not found["exists"]:
        raise Refused(f"The service '{given['name']}' does not exist")
    wanted = {key: given[key] for key in ("username", "start_mode") if given[key] and found[key] != given[key]}
    if wanted and not check:
        found = registered(given["name"], **wanted)
    actions = [given["failure_actions"], given["failure_reset_period_sec"]]
    changed = Book("failure actions").put(given["name"], actions, check)
    return {"changed": bool(wanted) or changed, **found}


def double_of_win_acl(given: Answer, check: bool) -> Answer:
    """Rights in the book, for a path that is there and an account that Windows would know."""
    if not posix(given["path"]).exists():
        raise Refused(f"{given['path']} file or directory does not exist on the host")
    account(given["user"])
    told = [given[key] for key in ("rights", "type")]
    value = told if given["state"] == "present" else None
    return {"changed": Book("rights").put(f"{given['path']} {given['user']}", value, check)}


def double_of_win_acl_inheritance(given: Answer, check: bool) -> Answer:
    """Whether a path takes over its parent's rights, in the book."""
    if not posix(given["path"]).exists():
        raise Refused(f"{given['path']} file or directory does not exist")
    return {"changed": Book("inheritance").put(given["path"], given["state"], check)}


def double_of_win_firewall_rule(given: Answer, check: bool) -> Answer:
    """A rule in the book."""
    value = {k: v for k, v in given.items() if v is not None} if given["state"] == "present" else None
    return {"changed": Book("firewall").put(given["name"], value, check)}


def double_of_win_scheduled_task(given: Answer, check: bool) -> Answer:
    """A task in the book."""
    if given["state"] == "present":
        if given["logon_type"] == "service_account" and given["username"] not in TASK_ACCOUNTS:
            raise Refused("username must be SYSTEM, LOCAL SERVICE or NETWORK SERVICE when logon_type=service_account")
        for each in given["triggers"]:
            if lacking := TRIGGERS[each["type"]] - {key for key, value in each.items() if value}:
                raise Refused(f"a {each['type']} trigger needs {', '.join(sorted(lacking))}")
    value = {k: v for k, v in given.items() if v is not None} if given["state"] == "present" else None
    return {"changed": Book("tasks").put(rf"{given['path']}\{given['name']}", value, check)}


DOUBLES: dict[str, Callable[[Answer, bool], Answer]] = {
    "ansible.windows.setup": double_of_setup,
    "ansible.windows.slurp": double_of_slurp,
    "ansible.windows.win_acl": double_of_win_acl,
    "ansible.windows.win_acl_inheritance": double_of_win_acl_inheritance,
    "ansible.windows.win_command": double_of_win_command,
    "ansible.windows.win_copy": double_of_win_copy,
    "ansible.windows.win_file": double_of_win_file,
    "ansible.windows.win_service": double_of_win_service,
    "community.windows.win_firewall_rule": double_of_win_firewall_rule,
    "community.windows.win_scheduled_task": double_of_win_scheduled_task,
    "community.windows.win_unzip": double_of_win_unzip,
}
