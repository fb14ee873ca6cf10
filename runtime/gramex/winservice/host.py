r"""The program that Windows starts for a service: ``BASE\python.exe -I -S host.py PYTHON NAME``.

BASE is the Python itself: the python.exe of a virtual environment starts another process, which Windows does not know
as the service (error 1053). PYTHON is the one that the service was installed with, whose packages are used. Nothing of
the machine's PYTHON... variables is.
"""

from __future__ import annotations

import os
import sys


def enter_environment(python: str) -> None:
    """Use the packages that `python` has, as if it ran this program."""
    home = os.path.dirname(os.path.dirname(python))  # noqa: PTH120  nothing else is imported yet
    sys.executable = python
    if os.path.isfile(os.path.join(home, "pyvenv.cfg")):  # noqa: PTH113, PTH118
        sys.prefix = sys.exec_prefix = home
    import site

    site.main()
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    if ours not in sys.path:  # a user's own packages, or a clone of the repository
        site.addsitedir(ours)


def serve(name: str) -> None:
    """Be the service `name` until Windows stops it."""
    import servicemanager

    from gramex.server import bound_exit

    servicemanager.Initialize(name, None)
    servicemanager.PrepareToHostSingle(service_class(name))
    servicemanager.StartServiceCtrlDispatcher()
    bound_exit(0)


def service_class(name: str) -> type:
    """Return the class of a service; where it cannot be had, one whose start says why."""
    from gramex.winservice.service import GramexService
    from gramex.winservice.settings import find_class, read

    try:
        found = find_class(read(name))
    except Exception as error:
        reason = error

        def fail(self: GramexService) -> int:
            raise reason

        return type("Failing", (GramexService,), {"_svc_name_": name, "SvcDoRun": fail})
    return found if found._svc_name_ == name else type(found.__name__, (found,), {"_svc_name_": name})  # type: ignore[attr-defined]


if __name__ == "__main__":
    enter_environment(sys.argv[1])
    serve(sys.argv[2])
