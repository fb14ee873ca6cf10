"""What a run prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HEAD = "- name: Things\n  hosts: {hosts}\n  gather_facts: false\n  tasks:\n"
ROWS = """
    - name: Pretend
      ansible.builtin.set_fact:
        gramex_plan: {apps: [{name: site, url: "https://localhost/", state: present}]}
        gramex_result: [{name: site, release: R1, state: running, boot: false}]
        nginx_result: [{domain: localhost, fingerprint: "AA:BB", expires: 2030-01-01}]
    - name: Report what runs
      gramex_report:
"""


def command(folder: Path, tasks: str, hosts: str) -> tuple[list[str], dict[str, str]]:
    """How to run tasks on hosts that are all this machine."""
    names = ",".join(hosts.split(":"))
    folder.joinpath("play.yml").write_text(HEAD.replace("{hosts}", hosts) + tasks)
    words = ["ansible-playbook", "-i", f"{names},", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return [*words, str(folder / "play.yml")], environment


def run(folder: Path, tasks: str, *arguments: str, hosts: str = "here") -> str:
    """What a run of tasks prints, with every time as T."""
    words, environment = command(folder, tasks, hosts)
    done = subprocess.run(
        [*words, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    printed = re.sub(r"(?m)^Slowest: .*\n", "", done.stdout)  # which task that is, is a matter of luck
    return re.sub(r"\d+\.\d s", "T s", re.sub(r"in \d+ s", "in T s", printed)).replace(" (T s)", "")


def test_sentences_and_tables(tmp_path: Path) -> None:
    tasks = """
    - name: Write a file
      ansible.builtin.copy: {dest: FILE, content: "x", mode: "0600"}
    - name: Do what nobody needs
      ansible.builtin.command: "true"
      when: false
""".replace("FILE", str(tmp_path / "x"))
    assert run(tmp_path, tasks + ROWS).splitlines() == [
        "",
        "Things",
        "  here: Write a file ... changed",
        "  here: Do what nobody needs ... not needed",
        "  here: Report what runs ... ok",
        "",
        "here: ok=3 changed=1 unreachable=0 failed=0 in T s",
        "",
        "App   URL                 Release  Service  Starts at boot",
        "site  https://localhost/  R1       running  does not start at boot",
        "",
        "Certificate of  Valid until  SHA-256 fingerprint",
        "localhost       2030-01-01   AA:BB",
    ]


def test_failures_are_text(tmp_path: Path) -> None:
    tasks = """
    - name: Look
      ansible.builtin.command: ls /nowhere
      ignore_errors: true
    - name: Look at many
      ansible.builtin.command: ls {{ item }}
      loop: [/, /nowhere]
    - name: Never come here
      ansible.builtin.command: "true"
"""
    printed = run(tmp_path, tasks)
    assert "  here: Look ... failed, which does not matter here\n" in printed
    reason = (
        "  here: Look at many ... FAILED\n"
        "    /nowhere:\n"
        "      non-zero return code\n"
        "      ls: cannot access '/nowhere': No such file or directory\n"
        "      Exit code 2.\n"
        "\n"
        "here: ok=1 changed=1 unreachable=0 failed=1 in T s\n"
        "Mend it and run the same command again: it goes on from here.\n"
    )
    assert printed.endswith(reason), printed
    assert '{"' not in printed


def test_a_hidden_result_stays_hidden(tmp_path: Path) -> None:
    tasks = """
    - name: Tell
      ansible.builtin.command: ls /hush-4711
      no_log: true
"""
    printed = run(tmp_path, tasks, "-vvv")
    assert "Its output is hidden" in printed
    assert "here: Tell" in printed
    assert "No such file" not in printed


def test_diff_and_check(tmp_path: Path) -> None:
    file = tmp_path / "x"
    tasks = f"""
    - name: Write a file
      ansible.builtin.copy: {{dest: {file}, content: "new\\n", mode: "0600"}}
"""
    printed = run(tmp_path, tasks, "--check", "--diff")
    assert "Things (check mode: nothing is changed)\n" in printed
    assert "\n+new\n" in printed
    assert "  here: Write a file: changed\n" in printed
    assert not file.exists()


def test_many_hosts(tmp_path: Path) -> None:
    tasks = """
    - name: Do it
      ansible.builtin.command: "true"
      changed_when: false
"""
    printed = run(tmp_path, tasks + ROWS, hosts="web1:web2")
    for host in ("web1", "web2"):
        assert re.search(rf"^  {host}: Do it( \.\.\.|:) ok$", printed, re.M), printed
        assert re.search(rf"^{host}  site  https", printed, re.M)
        assert f"{host}: ok=3 changed=0" in printed


def test_the_slow_ones_show(tmp_path: Path) -> None:
    tasks = """
    - name: Be slow
      ansible.builtin.command: sleep {{ 0.7 if inventory_hostname == "web1" else 1.2 }}
    - name: Be quick
      ansible.builtin.command: sleep 0.1
    - name: Keep something
      ansible.builtin.set_fact: {kept: "{{ lookup('ansible.builtin.pipe', 'sleep 0.4') }}"}
    - name: Have no need to
      ansible.builtin.command: sleep 60
      when: false
"""
    words, environment = command(tmp_path, tasks, "web1:web2")
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert re.search(r"failed=0 in \d+ s\nSlowest: Be slow \d+\.\d s, Be quick \d+\.\d s", done.stdout), done.stdout
    assert "Keep something" not in done.stdout


def test_an_inventory_without_our_groups(tmp_path: Path) -> None:
    words, environment = command(tmp_path, ROWS, "here")
    tasks = (tmp_path / "play.yml").read_text().replace("hosts: here", "hosts: gramex:proxy")
    (tmp_path / "play.yml").write_text(tasks)
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "no host of the inventory is in gramex or proxy" in done.stdout
    assert "Nothing was done" in done.stdout


def test_a_run_that_is_stopped_says_what_to_do(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    tasks = f"""
    - name: Wait
      ansible.builtin.shell: touch {begun}; exec sleep 20
"""
    words, environment = command(tmp_path, tasks, "here")
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as play:
        limit = time.monotonic() + 60
        while not begun.exists() and play.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        play.send_signal(signal.SIGINT)
        printed, _nothing = play.communicate(timeout=60)
    assert begun.exists()
    assert "here: Wait ..." in printed
    assert "Stopped before the end. Run the same command again: it mends what was begun." in printed
    assert play.returncode != 0
