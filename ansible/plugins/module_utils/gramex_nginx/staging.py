"""Test a wanted nginx configuration without touching the live one.

The wanted tree is a copy of /etc/nginx with our files changed. ``nginx -t`` sees it at /etc/nginx, in a mount
namespace of its own, so that every absolute include and link means what it will mean later. Where namespaces are
refused (a container without CAP_SYS_ADMIN) the copy is tested in place: paths to the live tree are rewritten in it
first. That knows includes and links by their text only, which is enough for Debian's layout. The live folder is not
touched either way.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .command import run
from .record import CONF, TLS
from .swap import Change, apply

WORK = Path(
    "/run/gramex-nginx.work"
)  # private keys pass through: in memory where /run is, and never readable by others

_SCRIPT = 'mount --bind "$1" "$3" && mount --bind "$2" "$4" && echo mounted && exec nginx -t'
_STAMP = re.compile(r"^(nginx: )?(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?(?=\[)(\[\w+\] )(\d+#\d+: )?")
_BAD = re.compile(r"\[(emerg|alert|crit|error)\]")
_CONFLICT = re.compile(r'conflicting server name "([^"]*)" on (\S+), ignored')


def complaints(text: str) -> list[str]:
    """Lines of nginx's output or log that say why it refused, without times and process numbers."""
    return [_STAMP.sub(r"\3", line.strip()) for line in text.splitlines() if _BAD.search(line)]


class Staging:
    """A private copy of the configuration (`conf`) and of the certificates (`tls`) of this host."""

    def __init__(self) -> None:
        self.conf, self.tls = WORK / "nginx", WORK / "tls"
        self.namespace = True  # was the last test made in a namespace?

    def __enter__(self) -> Staging:
        shutil.rmtree(WORK, ignore_errors=True)  # of a run that was killed
        WORK.mkdir(mode=0o700)
        if CONF.is_dir():
            shutil.copytree(CONF, self.conf, symlinks=True)
        if TLS.is_dir():
            shutil.copytree(TLS, self.tls, symlinks=True)
        self.tls.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(WORK, ignore_errors=True)

    def at(self, path: Path) -> Path:
        """Where a live path is in the staging folder; a path outside of what is staged stays as it is."""
        for live, staged in ((CONF, self.conf), (TLS, self.tls)):
            if live in path.parents:
                return staged / path.relative_to(live)
        return path

    def put(self, item: Change) -> None:
        """Make a change in the staging folder instead of in the live one."""
        apply([Change(self.at(item.path), None, item.after, item.mode)])

    def keep_certificates(self, domains: set[str]) -> None:
        """Drop the certificates of all other domains from the staging folder."""
        for path in self.tls.iterdir():
            if path.name not in domains:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def test(self, ours: set[str]) -> list[str]:
        """Return what nginx has against the staged configuration; an empty list means that it will load.

        ours: server names of our sites. Two servers with the same one are no error for nginx: it ignores the second.
        """
        made = _ensure(TLS)
        try:
            output, good = self._in_namespace()
            if output is None:
                output, good = self._rewritten()
        finally:
            for folder in made:
                folder.rmdir()
        output = output.replace(str(self.conf), str(CONF)).replace(str(self.tls), str(TLS))
        if not good:
            return complaints(output) or output.strip().splitlines()[-5:]
        return [
            f"server name {name} is served on {where} by another site as well"
            for name, where in sorted(set(_CONFLICT.findall(output)))
            if name in ours
        ]

    def _in_namespace(self) -> tuple[str | None, bool]:
        places = [str(path) for path in (self.conf, self.tls, CONF, TLS)]
        code, output, errors = run("unshare", "--mount", "--propagation", "private", "sh", "-c", _SCRIPT, "sh", *places)
        self.namespace = "mounted" in output
        return (errors, code == 0) if self.namespace else (None, False)

    def _rewritten(self) -> tuple[str, bool]:
        for path in self.conf.rglob("*"):
            if path.is_symlink():
                target = Path(os.readlink(path))  # noqa: PTH115 -- the text of the link
                if self.at(target) != target:
                    path.unlink()
                    path.symlink_to(self.at(target))
            elif path.is_file():
                text = path.read_bytes()
                for live, staged in ((CONF, self.conf), (TLS, self.tls)):
                    text = text.replace(f"{live}/".encode(), f"{staged}/".encode())
                path.write_bytes(text)
        code, _, errors = run("nginx", "-t", "-c", str(self.conf / "nginx.conf"))
        return errors, code == 0


def _ensure(folder: Path) -> list[Path]:
    """Make the mount point; returns the folders that were made, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return missing
