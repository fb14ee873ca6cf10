"""Judges an app without running it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FIT, UNFIT = 0, 2  # exit codes


def run(words: Sequence[str], options: Mapping[str, Any]) -> int:
    """Check the app in the folder that `words` names, the current one by default, and print what is wrong with it.

    `options` are those of the command; so far ``config`` is the only check, and it is always done. Returns the exit
    code: 0 if the app is fit to deploy, 2 if not. Warnings alone do not make it unfit.
    """
    from gramex.check.configuration import check_configuration

    folder = Path(words[0] if words else ".").absolute()
    sys.dont_write_bytecode = True  # the app's modules are imported, and nothing is left in its folder
    if folder.is_dir():
        os.chdir(folder)  # as it is when the app starts
    findings = check_configuration(folder)
    for finding in findings:
        print(finding)
    errors = sum(finding.error for finding in findings)
    warnings = len(findings) - errors
    counted = ", ".join(
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((errors, "error"), (warnings, "warning"))
        if count
    )
    verdict = "not fit to deploy" if errors else "fit to deploy"
    print(f"{folder}: {verdict}{f': {counted}' if counted else ''}", flush=True)
    return UNFIT if errors else FIT
