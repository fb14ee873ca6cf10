"""What runs on a test host: releases, colours and processes of an app."""

from system.target import Target


def colour(target: Target, app: str) -> str:
    """The colour that serves. Under systemd no other one may run, or the names of all that run come back."""
    if target.init == "systemd":
        command = f"systemctl list-units --plain --no-legend --state=active 'gramex-{app}@*' | cut -d' ' -f1"
        return ",".join(sorted({unit.split("@")[1].split("-")[0] for unit in target.output(command).split()}))
    return target.output(f"cat /srv/gramex/{app}/active")


def processes(target: Target, app: str) -> list[str]:
    """Process ids of the app."""
    # Not pgrep, which a minimal system lacks.
    command = f"find /proc -maxdepth 1 -name '[0-9]*' -user gramex-{app} -printf '%f\\n' 2>/dev/null"
    return sorted(target.run(command).stdout.split())


def releases(target: Target, app: str) -> list[str]:
    """Names of the releases on the host, the oldest first."""
    return sorted(target.output(f"ls /srv/gramex/{app}/releases").split())


def runs(target: Target, program: str) -> bool:
    """Does any process of this name run? Asked without tools that a minimal system lacks."""
    return bool(target.run(f"grep -lx {program} /proc/[0-9]*/comm 2>/dev/null").stdout)
