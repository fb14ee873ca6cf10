"""Reads a lock file as Windows does: pip applies the markers of the machine that it runs on, which is another one."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement

PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+==[^\s\\;]+)[^\S\n]*(;[^\\\n]*)?((?:\\\n[^\\\n]*)*)")


def environment(version: tuple[int, int]) -> dict[str, str]:
    """Return the markers' names on x64 Windows with CPython `version`."""
    dotted = ".".join(map(str, version))
    return {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
        "platform_release": "10",
        "platform_version": "10.0",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "implementation_version": f"{dotted}.0",
        "python_version": dotted,
        "python_full_version": f"{dotted}.0",
        "extra": "",
    }


def windows(text: str, version: tuple[int, int]) -> str:
    """Return what of a lock's text is for Windows, without markers. Raises ValueError for a line that is none."""
    told = environment(version)
    lines = []
    for pin, marker, rest in PIN.findall(text):
        try:
            wanted = Requirement(f"{pin}{marker}")
        except InvalidRequirement as error:
            raise ValueError(f"{pin}: {error}") from error
        if wanted.marker is None or wanted.marker.evaluate(told):
            lines.append(f"{pin} {rest}".rstrip() + "\n")
    return "".join(lines)


def pins(text: str) -> list[str]:
    """Return NAME==VERSION of each line of what `windows` returned."""
    return [found[0] for found in PIN.findall(text)]
