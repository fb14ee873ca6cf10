#!/usr/bin/env python3
"""Make the bundle that installs apps on hosts without a network: `make bundle`, or `tools/bundle.py --help`.

It holds the wheels of the hashed lock for the hosts' Python, those that apps require, and the packages of the operating
system with all that they depend on. Made on a Debian machine with a network, as any user; hosts need the same release
of Debian unless --suite names another one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "ansible" / "plugins" / "module_utils"))

import yaml  # noqa: E402
from gramex_bundle.archive import FORMAT, MANIFEST, SUMS, check  # noqa: E402  needs the path above
from gramex_windows.controller import environment, interpreter, lock  # noqa: E402

# What the roles install on a host: interpreter and environments, the proxy, certificates, and what Ansible's apt needs.
PACKAGES = ("python3", "python3-venv", "python3-apt", "nginx", "openssl", "ca-certificates")
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
# Wheels run on this glibc and newer ones: bookworm has 2.36.
GLIBC = range(36, 4, -1)
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
WINDOWS = "windows"
DEFAULTS = ROOT / "ansible" / "roles" / "winservice" / "defaults" / "main.yml"
PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)")
SECONDS = 900


def die(text: str) -> None:
    """End with one line for the user."""
    sys.exit(f"gramex: {text}")


def run(command: Sequence[str | Path], what: str) -> str:
    """Return what a command prints; end with its last line where it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no output"]
        die(f"{what}: {' / '.join(said[-3:])}")
    return done.stdout


def own_suite() -> str:
    """Return the Debian release of this machine, '' where it has none."""
    release = Path("/etc/os-release")
    found = (
        re.search(r'(?m)^VERSION_CODENAME="?(\w+)', release.read_text(encoding="utf-8")) if release.exists() else None
    )
    return found[1] if found else ""


class Apt:
    """apt for a host that has nothing installed, in folders of its own, with this machine's sources."""

    def __init__(self, folder: Path, suite: str, architecture: str) -> None:
        """Write the sources for `suite`; nothing of this machine's apt is touched."""
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").touch()
        for source in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
            if source.suffix in (".list", ".sources") and source.is_file():
                text = re.sub(rf"\b{own_suite()}\b", suite, source.read_text(encoding="utf-8"))
                (folder / "sources" / source.name).write_text(text, encoding="utf-8")
        self.folder = folder
        self.options = [
            f"-o{name}={value}"
            for name, value in {
                "Dir::State": folder,
                "Dir::State::lists": folder / "lists",
                "Dir::State::status": folder / "status",
                "Dir::Cache": folder / "cache",
                "Dir::Etc::sourcelist": folder / "sources.list",
                "Dir::Etc::sourceparts": folder / "sources",
                "APT::Architecture": architecture,
                "APT::Architectures": architecture,
                "APT::Install-Recommends": "false",
                "APT::Sandbox::User": "",
                "Debug::NoLocking": "1",
            }.items()
        ]

    def download(self, packages: Sequence[str]) -> list[Path]:
        """Fetch packages and all that they depend on."""
        run(["apt-get", *self.options, "-q", "update"], "the lists of packages cannot be fetched")
        command = ["apt-get", *self.options, "-q", "-y", "--download-only", "install", *packages]
        run(command, "packages cannot be fetched")
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))

    def index(self, debs: Sequence[Path]) -> str:
        """Return the index of a flat repository: what the mirror says of each package, with the file's own place."""
        places = {}
        for deb in debs:
            name, version, _ = deb.name.removesuffix(".deb").split("_")
            places[name, urllib.parse.unquote(version)] = deb.name
        wanted = [f"{name}={version}" for name, version in places]
        stanzas = []
        for stanza in run(["apt-cache", *self.options, "show", *wanted], "no index of packages").strip().split("\n\n"):
            told = dict(re.findall(r"(?m)^(Package|Version): (.*)$", stanza))
            place = places.pop((told["Package"], told["Version"]), None)
            if place:  # a mirror may list the same package twice
                stanzas.append(re.sub(r"(?m)^Filename: .*$", f"Filename: ./{place}", stanza))
        if places:
            die(f"the mirror's lists say nothing of {', '.join(places.values())}")
        return "\n\n".join(stanzas) + "\n"


def wheels(into: Path, python: str, machine: str, requirements: Sequence[Path]) -> list[Path]:
    """Fetch the wheels of the hashed lock, and what `requirements` name beside them, for a host's Python."""
    lock = ROOT / "locks" / "runtime.txt"
    target = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    target += [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    target += [f"--platform=manylinux2014_{machine}", f"--platform=linux_{machine}"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--dest", into, *target]
    run([*pip, "--no-deps", "--require-hashes", "-r", lock], "the runtime's wheels cannot be fetched")
    if requirements:
        constraints = into.parent / "constraints.txt"
        pins = PIN.findall(lock.read_text(encoding="utf-8"))
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        files = [f"--requirement={each}" for each in requirements]
        run([*pip, f"--constraint={constraints}", *files], "the apps' requirements cannot be fetched as wheels")
    return sorted(into.glob("*.whl"))


def windows(place: Path, given: argparse.Namespace) -> tuple[dict[str, Path], dict[str, object]]:
    """Fetch interpreter and wheels for Windows hosts into the folder `place`; return files and manifest."""
    told = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    where, digest = given.python or told["winservice_python"], given.sha256 or told["winservice_python_sha256"]
    (place / "wheels").mkdir()
    try:
        python = interpreter.get(where, digest, Path.cwd(), place)
        pinned = lock.windows((ROOT / "locks" / "runtime.txt").read_text(encoding="utf-8"), python.version)
        names = [str(each.resolve()) for each in given.requirements]
        more = environment.resolve(names, place, pinned, python, place, None) if names else ""
    except (interpreter.PythonError, environment.BuildError, ValueError) as error:
        die(str(error))
    (place / "all.txt").write_text(pinned + more, encoding="utf-8")
    print(f"gramex: fetching wheels for Python {python.dotted} on Windows", flush=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "--quiet",
        "--dest",
        place / "wheels",
    ]
    target = ["--platform", "win_amd64", "--implementation", "cp", "--python-version", python.dotted]
    hashed = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", place / "all.txt"]
    run([*pip, *target, *hashed], "the wheels cannot be fetched")
    found = sorted((place / "wheels").glob("*.whl"))
    manifest = {"python": python.dotted, "interpreter": "python.zip", "wheels": [wheel.name for wheel in found]}
    return {f"wheels/{each.name}": each for each in found} | {"python/python.zip": python.place}, manifest


def debian(place: Path, given: argparse.Namespace) -> tuple[dict[str, Path], dict[str, object]]:
    """Fetch wheels and packages for Debian hosts into the folder `place`; return files and manifest."""
    python = PYTHONS[given.suite]
    print(f"gramex: fetching wheels for Python {python}", flush=True)
    found = wheels(place / "wheels", python, MACHINES[given.arch], given.requirements)
    print(f"gramex: fetching packages of Debian {given.suite}", flush=True)
    apt = Apt(place / "apt", given.suite, given.arch)
    debs = apt.download(PACKAGES)
    (place / "Packages").write_text(apt.index(debs), encoding="utf-8")
    manifest = {"python": python, "wheels": [wheel.name for wheel in found], "packages": list(packages(debs))}
    files = {f"wheels/{each.name}": each for each in found} | {f"debs/{each.name}": each for each in debs}
    return {**files, "debs/Packages": place / "Packages"}, manifest


def pack(output: Path, files: dict[str, Path]) -> None:
    """Write the archive: sums first, then every file, with no trace of this machine."""
    sums = "".join(
        f"{hashlib.sha256(place.read_bytes()).hexdigest()}  {name}\n" for name, place in sorted(files.items())
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    aside = output.with_name(f".{output.name}.new")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(aside, "w", format=tarfile.GNU_FORMAT) as tar:
        (Path(folder) / SUMS).write_text(sums, encoding="utf-8")
        for name, place in ((SUMS, Path(folder) / SUMS), *sorted(files.items())):
            member = tarfile.TarInfo(name)
            member.size, member.mode = place.stat().st_size, 0o644
            with place.open("rb") as file:
                tar.addfile(member, file)
    check(aside)
    aside.rename(output)


def packages(debs: Sequence[Path]) -> Iterator[str]:
    """Return NAME VERSION of packages."""
    for deb in debs:
        name, version, _ = deb.name.split("_")
        yield f"{name} {urllib.parse.unquote(version)}"


def main() -> None:
    """Read the command line and make the bundle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "--suite", default=own_suite(), choices=[*PYTHONS, WINDOWS], help="what the hosts run (this machine's Debian)"
    )
    parser.add_argument("--arch", default="amd64", choices=MACHINES, help="architecture of the hosts (amd64)")
    parser.add_argument(
        "--requirements",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an app's requirements.txt; may be repeated",
    )
    parser.add_argument(
        "--python", metavar="PLACE", help="for Windows: URL or file, as winservice_python (its default)"
    )
    parser.add_argument("--sha256", metavar="DIGITS", help="for Windows: its SHA-256, as winservice_python_sha256")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the bundle (build/gramex-bundle-SUITE-ARCH.tar)")
    given = parser.parse_args()
    if given.suite != WINDOWS and not own_suite():
        die("a bundle for Debian is made on Debian, whose apt fetches the packages")
    if given.suite == WINDOWS and given.arch != "amd64":
        die("--arch: Windows hosts are amd64")
    for each in given.requirements:
        if not each.is_file():
            die(f"--requirements: there is no file {each}")
    output = given.output or ROOT / "build" / f"gramex-bundle-{given.suite}-{given.arch}.tar"
    with tempfile.TemporaryDirectory(prefix="gramex-bundle-") as name:
        place = Path(name)
        files, more = windows(place, given) if given.suite == WINDOWS else debian(place, given)
        manifest = {"format": FORMAT, "suite": given.suite, "architecture": given.arch, **more}
        (place / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        pack(output, {**files, MANIFEST: place / MANIFEST})
    shown = output.relative_to(Path.cwd()) if output.is_relative_to(Path.cwd()) else output
    variable = "winservice_bundle" if given.suite == WINDOWS else "gramex_bundle"
    print(f"gramex: made {shown}: {len(files)} files, {output.stat().st_size / 1e6:.0f} MB")
    print(f"gramex: use it: ansible-playbook site.yml -e {variable}={output.resolve()}")


if __name__ == "__main__":
    main()
