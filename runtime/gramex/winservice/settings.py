r"""What a service needs to know when it starts, kept in the registry: Services\NAME\Parameters.

Everybody on the machine may read it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gramex.winservice.errors import ServiceError

KEY = "SYSTEM\\CurrentControlSet\\Services\\{}\\Parameters"


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` is the app's, `module` the name or file of the module with the service's class `type`.

    `options` are those of the server, as on a command line.
    """

    module: str
    type: str
    folder: str
    options: tuple[str, ...] = ()


def place_of(cls: type) -> tuple[str, str]:
    """Return where a class is: the name of its module in our package, else the module's file; and its own name."""
    module = cls.__module__
    if module.partition(".")[0] == "gramex":
        return "gramex.winservice", cls.__qualname__
    file = getattr(sys.modules[module], "__file__", None)
    if not file or "." in cls.__qualname__:
        raise ServiceError(f"{cls.__qualname__}: a service's class must stand in a file, not inside something else")
    return str(Path(file).resolve()), cls.__qualname__


def find_class(settings: Settings) -> type:
    """Import the class of a service. Raises whatever the import of an app's own module raises."""
    if settings.module == "gramex.winservice":
        return getattr(importlib.import_module(settings.module), settings.type)
    file = Path(settings.module)
    sys.path.insert(0, str(file.parent))  # as if Python ran it
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return getattr(module, settings.type)


def write(name: str, settings: Settings) -> None:
    """Keep the settings of a service that is installed."""
    import win32api
    import win32con

    key = win32api.RegCreateKey(win32con.HKEY_LOCAL_MACHINE, KEY.format(name))
    try:
        for value in ("module", "type", "folder"):
            win32api.RegSetValueEx(key, value, 0, win32con.REG_SZ, getattr(settings, value))
        win32api.RegSetValueEx(key, "options", 0, win32con.REG_MULTI_SZ, list(settings.options))
    finally:
        win32api.RegCloseKey(key)


def read(name: str) -> Settings:
    """Return the settings of a service.

    Raises:
        ServiceError: it has none: it was not installed by us.
    """
    import pywintypes
    import win32api
    import win32con

    def value(name: str) -> Any:
        return win32api.RegQueryValueEx(key, name)[0]

    try:
        key = win32api.RegOpenKey(win32con.HKEY_LOCAL_MACHINE, KEY.format(name), 0, win32con.KEY_READ)
        try:
            return Settings(value("module"), value("type"), value("folder"), tuple(value("options") or ()))
        finally:
            win32api.RegCloseKey(key)
    except pywintypes.error:
        raise ServiceError(f"{name} was not installed by gramex. Remove it and install it again") from None
