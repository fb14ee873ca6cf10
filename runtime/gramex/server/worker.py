"""One of the processes that a supervisor starts: how it becomes ``gramex`` with the sockets it inherits."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

PARENT = "GRAMEX_SUPERVISOR"  # variable with the supervisor's process id
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD") if hasattr(signal, name))
FIRST = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
PR_SET_PDEATHSIG = 1  # prctl(2)
SAFE = 200  # descriptors from here on are not among those that the program expects


def is_supervised() -> bool:
    """True if our own supervisor started this process. Programs that it starts inherit the variable, not the parent."""
    return hasattr(os, "getppid") and os.environ.get(PARENT) == str(os.getppid())


def spawn(descriptors: Sequence[int], environment: Mapping[str, str]) -> int:
    """Run this program's command line again in a new process, with sockets as a service manager passes them.

    Returns its process id. For a process with one thread: nothing is used after the fork but system calls.
    """
    import ctypes

    parent = os.getpid()
    command = [sys.executable, *sys.orig_argv[1:]]
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    # A handler of the supervisor must not run in the child, nor before the supervisor knows the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return child
    try:
        os.setpgid(0, 0)  # Ctrl-C is for the supervisor, which passes it on once
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # no process is left where the supervisor is killed
        if os.getppid() != parent:
            os._exit(1)
        # Two steps: a place may be the number of another socket.
        copies: list[int] = []
        for number in descriptors:
            copy = SAFE + len(copies)
            os.dup2(number, copy, inheritable=False)
            copies.append(copy)
        for place, copy in enumerate(copies, FIRST):
            os.dup2(copy, place, inheritable=True)
        own = {PARENT: str(parent), "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(copies))}
        os.execve(sys.executable, command, {**environment, **own})  # noqa: S606  the program that runs already
    finally:
        with contextlib.suppress(OSError):
            os.write(2, b"gramex: a process could not be started\n")
        os._exit(127)
