"""The service class: tells Windows what the server is doing, and the server what Windows wants."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

try:
    from win32serviceutil import ServiceFramework
except ImportError:  # not on Windows, or pywin32 is not installed: `setup` says so
    ServiceFramework = object

# winsvc.h; pywin32 has them too, where it is.
STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
CONTROL_PRESHUTDOWN, ACCEPT_PRESHUTDOWN = 0x0F, 0x100
SPECIFIC_ERROR = 1066  # the exit code is in the other field
STEP = 1.0  # seconds between two words to Windows while something takes its time
HINT = 10_000  # milliseconds in which Windows can expect the next one


class GramexService(ServiceFramework):
    """Runs the app in a folder as a Windows service. Subclasses name other services, and may set another port.

    `setup` installs and controls it from a command line.
    """

    _svc_name_ = "GramexApp"
    _svc_display_name_ = "Gramex Application"
    _svc_description_ = "Serves a Gramex application"
    _svc_port_: ClassVar[int | str | None] = None  # unless an option or the app says otherwise

    @classmethod
    def setup(
        cls,
        cmd: str | Sequence[str],
        user: str | None = None,
        password: str | None = None,
        startup: str | None = None,
        cwd: str | None = None,
        wait: float | None = None,
    ) -> None:
        """Do what a command line says: install, update, remove, start or stop the service.

        `cmd` holds the words behind the program's name; what its options do not say is taken from the arguments.
        `wait` is how many seconds start and stop wait until it is done.

        Raises:
            SystemExit: it could not be done. A line about it is on standard error; the code is 1, or 2 for a mistake
                in the command line.
        """
        from gramex.winservice.command import carry_out

        words = [cmd] if isinstance(cmd, str) else list(cmd)
        code = carry_out(cls, words, user=user, password=password, startup=startup, cwd=cwd, wait=wait)
        if code:
            raise SystemExit(code)

    def __init__(self, args: Sequence[str]) -> None:
        """Windows starts the service; `args` begins with its name."""
        super().__init__(args)
        self.state = START_PENDING
        self.failure = ""
        self.folder = Path.cwd()
        self.options: tuple[str, ...] = ()
        self._lock = threading.RLock()

    # What Windows calls

    def SvcRun(self) -> None:
        """Serve until told to stop. Windows hears of each step, and at the end why it was."""
        self._begin(START_PENDING)
        code = 1
        try:
            self._prepare()
            self._log(f"{self._svc_name_} starts in {self.folder} {' '.join(self.options)}".rstrip())
            code = self.SvcDoRun() or 0
        except BaseException as error:
            self._explain(error)
        if code:
            self._fail(code)
        with self._lock:
            self.state = STOPPED  # pywin32 says so when this returns; nothing may contradict it after that
        self._log(f"{self._svc_name_} stopped")
        self._record(f"{self._svc_name_} stopped")

    def SvcDoRun(self) -> int:
        """Run the server of the app. Returns its exit code."""
        from gramex.arguments import nest, split
        from gramex.config import load
        from gramex.server import run

        options = nest(split(self.options)[1])
        if self._svc_port_ is not None:
            options.setdefault("listen", {}).setdefault("port", int(self._svc_port_))
        return run(load(self.folder, options), lambda: load(self.folder, options), self)

    def SvcStop(self) -> None:
        """Windows wants the service to stop: let the server finish what began."""
        from gramex.server import stop

        self._begin(STOP_PENDING)
        stop()

    SvcShutdown = SvcStop

    def SvcOther(self, control: int) -> None:
        """Windows is about to shut down, and gives more time than it does later."""
        if control == CONTROL_PRESHUTDOWN:
            self.SvcStop()

    def SvcInterrogate(self) -> None:
        """Windows wants to hear the state again."""
        with self._lock:
            self.ReportServiceStatus(self.state, HINT)

    def GetAcceptedControls(self) -> int:
        """Return what Windows may ask."""
        return super().GetAcceptedControls() | ACCEPT_PRESHUTDOWN

    # What the server calls

    def ready(self) -> None:
        """The server accepts connections."""
        with self._lock:
            if self.state == START_PENDING:
                self.state = RUNNING
                self.ReportServiceStatus(RUNNING)
        self._record(f"{self._svc_name_} serves {self.folder}")

    def failed(self, reason: str) -> None:
        """The server cannot start."""
        self.failure = reason

    def _prepare(self) -> None:
        """Go to the app's folder, and open the log there.

        Raises:
            ServiceError: the service was not installed by us.
            OSError: the folder is gone.
        """
        from gramex.winservice.errors import ServiceError
        from gramex.winservice.output import open_output
        from gramex.winservice.settings import read

        try:
            settings = read(self._svc_name_)
            self.folder, self.options = Path(settings.folder), settings.options
            os.chdir(self.folder)
        except (ServiceError, OSError):
            open_output([])
            raise
        path = open_output([self.folder])
        if path.parent != self.folder:
            self._record(f"{self._svc_name_} cannot write into {self.folder}: its output is in {path}", error=True)

    def _explain(self, error: BaseException) -> None:
        """Remember why the service failed; with a traceback in the log where that is no user's mistake."""
        from gramex.arguments import UsageError
        from gramex.config import ConfigError
        from gramex.winservice.errors import ServiceError

        if isinstance(error, ConfigError):
            self.failure = "; ".join(str(problem) for problem in error.problems)
        elif isinstance(error, OSError) and error.filename:
            self.failure = f"{error.filename}: {error.strerror}"
        elif isinstance(error, (UsageError, ServiceError, OSError, SystemExit)):
            self.failure = str(error)
        else:
            self.failure = f"{type(error).__name__}: {error}"
            self._log("".join(traceback.format_exception(error)).rstrip())

    def _fail(self, code: int) -> None:
        """Tell Windows that the service failed, and end the process: what it would tell itself is that all was well."""
        done = "did not start" if self.state == START_PENDING else "failed"
        reason = f"{self._svc_name_} {done}: {self.failure or f'exit code {code}'}"
        self._log(reason)
        self._record(reason, error=True)
        with self._lock:
            self.state = STOPPED
            self.ReportServiceStatus(STOPPED, 0, SPECIFIC_ERROR, code)
        os._exit(code)

    def _begin(self, state: int) -> None:
        """Tell Windows that the service is on its way into a state, again and again until it is there."""
        with self._lock:
            if self.state == STOP_PENDING:  # it was told before
                return
            self.state = state
            self.ReportServiceStatus(state, HINT)
        threading.Thread(target=self._repeat, args=(state,), daemon=True).start()

    def _repeat(self, state: int) -> None:
        while True:
            time.sleep(STEP)
            with self._lock:
                if self.state != state:
                    return
                self.ReportServiceStatus(state, HINT)

    def _log(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def _record(self, text: str, error: bool = False) -> None:
        """Write into Windows' event log, which may be full or refuse us."""
        with contextlib.suppress(Exception):
            import servicemanager

            log: Any = servicemanager.LogErrorMsg if error else servicemanager.LogInfoMsg
            log(text)
