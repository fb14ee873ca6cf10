"""Fetches a commit of a git repository to the controller, once, and lays out its files in a folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .keep import Kept
from .tree import SourceError

SECONDS = 600
COMMIT = re.compile(r"[0-9a-f]{7,40}")
POINTER = b"version https://git-lfs.github.com/spec/"
SAFE = ["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "core.autocrlf=false"]
# What git sets for its hooks would lead it to another repository; what waits for a password would wait for ever.
OTHERS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C.UTF-8"}


class NoVersion(SourceError):
    """The repository has no such branch, tag or commit."""

    def __init__(self, text: str, names: Iterable[str]) -> None:
        super().__init__(text)
        self.names = list(names)


@dataclass(frozen=True)
class Repository:
    """A repository at `url`, of which `kept` holds what was fetched."""

    url: str
    kept: Kept

    def fetch(self, version: str | None, run: str = "") -> tuple[Path, str]:
        """Return the folder and the commit of a branch, tag or commit; of the repository's own branch if None.

        All that one `run` asks for is the same commit, though the branch moves meanwhile. Raises SourceError, and
        NoVersion where there is no such version.
        """
        with self.kept.alone():
            commit = self._told(version, run) or self._get(version)
            self._tell(version, run, commit)
            folder = self.kept.folder / commit
            if not folder.is_dir():
                self._lay_out(commit, folder)
            self.kept.use(commit)
        return folder, commit

    def _get(self, version: str | None) -> str:
        """Have the commit of a version here, and return it."""
        if version and re.fullmatch(r"[0-9a-f]{40}", version) and self._has(version):
            return version
        listed = [line.partition("\t") for line in self._git("ls-remote", "--", self.url).splitlines()]
        refs = {name: commit for commit, _, name in listed}
        name = find(refs, version or "HEAD", self.shown)
        if not name and not (version and COMMIT.fullmatch(version)):
            if not refs:
                raise SourceError(f"the repository {self.shown} is empty")
            raise self._none(version, refs)
        commit = refs.get(f"{name}^{{}}", refs[name]) if name else str(version)
        if name and self._has(commit):
            return commit
        if (name or len(commit) == 40) and self._try("fetch", "--depth=1", "--no-tags", "--", self.url, name or commit):
            return self._git("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
        # A server may not give one commit alone, and nobody knows what a part of its name stands for.
        everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        self._git("fetch", "--no-tags", *self._unshallow(), "--", self.url, *everything)
        if not self._has(commit):
            raise self._none(version, refs)
        return self._git("rev-parse", "--verify", f"{commit}^{{commit}}").strip()

    def _none(self, version: str | None, refs: Iterable[str]) -> NoVersion:
        names = [re.sub(r"^refs/\w+/", "", ref) for ref in refs if ref.startswith(("refs/heads/", "refs/tags/"))]
        text = f"there is no branch, tag or commit `{version}` in {self.shown}"
        return NoVersion(text if version else f"{self.shown} does not say which branch is its own: name one", names)

    def _unshallow(self) -> list[str]:
        return ["--unshallow"] if (self.place / "shallow").exists() else []

    def _lay_out(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into a folder."""
        modules = [line for line in self._git("ls-tree", "-r", "-z", commit).split("\0") if line.startswith("160000")]
        if modules:
            raise SourceError(
                f"{self.shown} has a submodule, {modules[0].partition(chr(9))[2]}, and submodules are not fetched. "
                "Put its files into the repository, or give an archive that has them"
            )
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as aside:
            where = {"GIT_WORK_TREE": aside, "GIT_INDEX_FILE": f"{aside}.index"}
            try:
                self._git("read-tree", commit, **where)
                self._git("checkout-index", "--all", "--force", f"--prefix={aside}/", **where)
            finally:
                Path(f"{aside}.index").unlink(missing_ok=True)
            for place in Path(aside).rglob("*"):
                if place.is_file() and not place.is_symlink() and pointer(place):
                    raise SourceError(
                        f"{self.shown} keeps {place.relative_to(aside)} in Git LFS, from where files are not fetched. "
                        "Give an archive that has them"
                    )
            Path(aside).chmod(0o755)
            Path(aside).rename(folder)
            Path(aside).mkdir()  # the context manager removes what it made

    def _told(self, version: str | None, run: str) -> str:
        """The commit that this run was told before, ''."""
        try:
            told = json.loads((self.kept.folder / "told.json").read_text(encoding="utf-8"))
            return str(told["commits"].get(version or "", "")) if run and told["run"] == run else ""
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ""

    def _tell(self, version: str | None, run: str, commit: str) -> None:
        place = self.kept.folder / "told.json"
        commits = {version or "": commit}
        if self._told(version, run):
            return
        try:
            told = json.loads(place.read_text(encoding="utf-8"))
            commits = {**(told["commits"] if told["run"] == run else {}), **commits}
        except (OSError, ValueError, KeyError, TypeError):
            pass
        place.write_text(json.dumps({"run": run, "commits": commits}), encoding="utf-8")

    @property
    def place(self) -> Path:
        """Where the objects are."""
        return self.kept.folder / "repository.git"

    @property
    def shown(self) -> str:
        """The URL as it may be shown."""
        return public(self.url)

    def _has(self, name: str) -> bool:
        return self.place.is_dir() and self._try("cat-file", "-e", f"{name}^{{commit}}")

    def _try(self, *words: str) -> bool:
        try:
            self._git(*words)
        except SourceError:
            return False
        return True

    def _git(self, *words: str, **more: str) -> str:
        if not (self.place / "HEAD").exists():
            _run(["init", "--quiet", "--bare", str(self.place)], self, {})
        return _run([f"--git-dir={self.place}", *words], self, more)


def find(refs: Mapping[str, str], version: str, shown: str) -> str:
    """Return the full name of a branch or tag, '' where there is none. Raises SourceError where it is two things."""
    if version in refs:
        return version
    found = [name for kind in ("tags", "heads") if (name := f"refs/{kind}/{version}") in refs]
    commits = {refs.get(f"{name}^{{}}", refs[name]) for name in found}
    if len(commits) > 1:
        raise SourceError(
            f"`{version}` is a branch and a tag in {shown}: write refs/heads/{version} or refs/tags/{version}"
        )
    return found[0] if found else ""


def pointer(place: Path) -> bool:
    """True for a file that only says where its content is in Git LFS."""
    with place.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def public(url: str) -> str:
    """Return a URL, or a text with URLs, without the password or token in it."""
    return re.sub(r"://[^/\s@]+@", "://", url)


def _run(words: list[str], repository: Repository, more: Mapping[str, str]) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in OTHERS}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    try:
        done = subprocess.run(
            ["git", *SAFE, *words],
            env={**environment, **QUIET, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=SECONDS,
            umask=0o022,
            check=False,
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed on the controller: apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"git did not end within {SECONDS} s with {repository.shown}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("fatal:", "error:", "ERROR:"))]
        reason = public((said or done.stderr.splitlines() or ["no output"])[0]).removeprefix("fatal: ")
        raise SourceError(f"git cannot read {repository.shown}: {reason.rstrip('.')}")
    return done.stdout
