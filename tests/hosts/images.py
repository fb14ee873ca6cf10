"""Make the base images of the test hosts from Debian packages, or from a registry where mmdebstrap cannot run."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hosts import engine

REPOSITORY = "gramex-test/debian"
LABEL = "gramex.test.key"
AUTHORITIES = Path("/usr/local/share/ca-certificates")
BUILD_SECONDS = 600
AT_ONCE = 2

# A server as Debian's installer leaves it, as far as a container can be one.
SERVER = ("ca-certificates", "python3", "iproute2", "procps", "cron")
# What the README asks of a newcomer, and no more. git recommends ca-certificates.
NEWCOMER = ("ca-certificates", "git", "make", "python3")


@dataclass(frozen=True, slots=True)
class Image:
    """A base image: `suite` of Debian, what is installed in it, and the command that is process 1."""

    suite: str
    kind: str
    packages: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def tag(self) -> str:
        return f"{REPOSITORY}:{self.suite}-{self.kind}"

    @property
    def key(self) -> str:
        """Changes with whatever goes into the image: its recipe and this machine's authorities."""
        digest = hashlib.sha256(repr([_bootstrap(self), _changes(self)]).encode())
        for authority in authorities():
            digest.update(authority.read_bytes())
        return digest.hexdigest()[:16]


def _systemd(suite: str) -> Image:
    return Image(suite, "systemd", ("systemd", "systemd-sysv", "dbus", *SERVER), ("/sbin/init",))


def _bare(suite: str) -> Image:
    return Image(suite, "bare", NEWCOMER, ("bash",))


IMAGES = (
    _systemd("bookworm"),
    _systemd("trixie"),
    _bare("bookworm"),
    _bare("trixie"),
    Image("bookworm", "sysv", ("sysvinit-core", "sysv-rc", "initscripts", *SERVER), ("/sbin/init",)),
)
# Runs Windows programs. A gigabyte: made only by the tests that want it, with `ensure((WINE,))`.
WINE = Image("bookworm", "wine", ("wine", "wine64", "ca-certificates", "procps", "python3"), ("bash",))


def authorities() -> list[Path]:
    """Extra certificate authorities of this machine: containers need them where a proxy opens TLS."""
    return sorted(AUTHORITIES.rglob("*.crt"))


def ensure(wanted: tuple[Image, ...] = IMAGES) -> list[str]:
    """Make what is missing or outdated of `wanted`; return the tags that were made.

    Raises engine.Missing with one line when an image cannot be made.
    """
    stale = [image for image in wanted if _label(image.tag) != image.key]
    if not stale:
        return []
    make = _choose_maker()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda image: _replace(image, make), stale))
    return [image.tag for image in stale]


def _choose_maker():
    """mmdebstrap for root on Debian: no registry needed. Elsewhere the registry's Debian images."""
    if os.geteuid() == 0 and engine.is_debian():
        if not shutil.which("mmdebstrap"):
            engine.install(("mmdebstrap",))
        return _from_packages
    return _from_registry


def _replace(image: Image, make) -> None:
    """Make `image`; then take away the one that had its tag, unless a container still uses it."""
    old = _inspect(image.tag).get("Id")
    make(image)
    if old and old != _inspect(image.tag).get("Id"):
        subprocess.run(["docker", "image", "rm", old], capture_output=True, timeout=60)


def _inspect(tag: str) -> dict:
    answer = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, timeout=60)
    return json.loads(answer.stdout)[0] if answer.returncode == 0 else {}


def _label(tag: str) -> str | None:
    return (_inspect(tag).get("Config", {}).get("Labels") or {}).get(LABEL)


def _bootstrap(image: Image) -> list[str]:
    """The mmdebstrap command of an image, without the name of the archive that it writes."""
    hooks = []
    if authorities():
        hooks += [f"--customize-hook=sync-in {AUTHORITIES} {AUTHORITIES}"]
        hooks += ['--customize-hook=chroot "$1" update-ca-certificates']
    return (
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(image.packages)}"]
        + ['--aptopt=APT::Install-Recommends "false"']
        + [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale")]
        + [*hooks, image.suite]
    )


def _changes(image: Image) -> list[str]:
    """What the image says about itself: environment and process 1."""
    return ["ENV container=docker", f"CMD {json.dumps(image.command)}"]


def _from_packages(image: Image) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        _run(image, [*_bootstrap(image), archive.name])
        changes = [f"--change={change}" for change in (*_changes(image), f"LABEL {LABEL}={image.key}")]
        _run(image, ["docker", "import", *changes, archive.name, image.tag])


def _from_registry(image: Image) -> None:
    steps = [
        f"FROM debian:{image.suite}-slim",
        *_changes(image),
        "COPY authorities /usr/local/share/ca-certificates",
        "RUN apt-get update && apt-get install -y --no-install-recommends "
        + " ".join(image.packages)
        + " && update-ca-certificates && rm -rf /var/lib/apt/lists/*",
        # Debian's own container images refuse service starts by packages; a server does not.
        "" if image.kind == "bare" else "RUN rm -f /usr/sbin/policy-rc.d",
        f"LABEL {LABEL}={image.key}",
    ]
    with tempfile.TemporaryDirectory() as context:
        folder = Path(context, "authorities")
        folder.mkdir()
        for authority in authorities():
            shutil.copy(authority, folder)
        Path(context, "Dockerfile").write_text("\n".join(steps) + "\n", encoding="utf-8")
        _run(image, ["docker", "build", "-q", "-t", image.tag, context])


def _run(image: Image, command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=BUILD_SECONDS, errors="replace"
    )
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise engine.Missing(f"image {image.tag} cannot be made: {command[0]}: {' / '.join(lines[-3:])}")
