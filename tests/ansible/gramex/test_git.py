"""Commits of git repositories, laid out as they were committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from gramex_source import forms, git, tree
from gramex_source.git import NoVersion, Repository
from gramex_source.keep import Kept
from gramex_source.tree import SourceError


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a branch, tags, a link, an executable and an odd name."""
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "ann@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "gramex.yaml").write_text("url: {}\n")
    (folder / "run.sh").write_text("#!/bin/sh\r\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("Größe.txt")
    (folder / "Größe.txt").write_text("one\n")
    run(folder, "init", "-q", "-b", "main")
    commit(folder)
    run(folder, "tag", "-a", "-m", "x", "v1.0")
    (folder / "Größe.txt").write_text("two\n")
    commit(folder)
    return folder


@pytest.fixture
def repository(work: Path, tmp_path: Path) -> Repository:
    return at(work, tmp_path)


def at(work: Path, tmp_path: Path) -> Repository:
    url = f"file://{work}"
    return Repository(url, Kept.of(tmp_path / "cache", "git", url))


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    run(folder, "add", "-A")
    run(folder, "commit", "-q", "-m", "x")
    return run(folder, "rev-parse", "HEAD")


def text(folder: Path) -> str:
    return (folder / "Größe.txt").read_text()


def test_what_was_committed_is_laid_out(repository: Repository, work: Path) -> None:
    folder, found = repository.fetch(None)
    assert found == run(work, "rev-parse", "HEAD")
    assert tree.digest(tree.read(folder)) == tree.digest(tree.read(work))
    assert not (folder / ".git").exists()


def test_branches_tags_and_commits(repository: Repository, work: Path) -> None:
    first = run(work, "rev-parse", "v1.0^{commit}")
    for version in ("v1.0", "refs/tags/v1.0", first, first[:9]):
        assert repository.fetch(version)[1] == first, version
    assert text(repository.fetch(first)[0]) == "one\n"
    assert text(repository.fetch("main")[0]) == "two\n"


def test_a_branch_that_moved_is_fetched_again_but_for_the_same_run(repository: Repository, work: Path) -> None:
    old = repository.fetch("main", run="run 1")[1]
    (work / "Größe.txt").write_text("three\n")
    new = commit(work)
    assert repository.fetch("main", run="run 1")[1] == old, "all hosts of a run get the same"
    assert text(repository.fetch("main", run="run 2")[0]) == "three\n"
    assert repository.fetch("main", run="run 3")[1] == new


def test_a_commit_that_is_here_needs_no_network(repository: Repository, work: Path) -> None:
    commit_id = repository.fetch("v1.0")[1]
    work.rename(work.with_name("away"))
    assert text(repository.fetch(commit_id)[0]) == "one\n"
    with pytest.raises(SourceError, match="git cannot read file://"):
        repository.fetch("v1.0")


def test_what_is_not_there_is_named(repository: Repository, work: Path) -> None:
    with pytest.raises(NoVersion, match=r"no branch, tag or commit `v1\.1` in file://") as missing:
        repository.fetch("v1.1")
    assert {"main", "v1.0"} <= set(missing.value.names)
    with pytest.raises(NoVersion, match="`0123456789`"):
        repository.fetch("0123456789")


def test_a_name_of_two_things(repository: Repository, work: Path) -> None:
    run(work, "branch", "v1.0", "main")
    with pytest.raises(SourceError, match=r"is a branch and a tag in .*: write refs/heads/v1\.0 or refs/tags/v1\.0"):
        repository.fetch("v1.0")
    assert text(repository.fetch("refs/heads/v1.0")[0]) == "two\n"


def test_what_would_be_missing_is_an_error(repository: Repository, work: Path) -> None:
    (work / "big.bin").write_bytes(git.POINTER + b"v1\noid sha256:0\nsize 5\n")
    commit(work)
    with pytest.raises(SourceError, match=r"keeps big\.bin in Git LFS"):
        repository.fetch("main")
    (work / "big.bin").unlink()
    run(work, "update-index", "--add", "--cacheinfo", f"160000,{run(work, 'rev-parse', 'HEAD')},library")
    run(work, "commit", "-q", "-m", "x")
    with pytest.raises(SourceError, match="has a submodule, library"):
        repository.fetch("main")


def test_hooks_and_settings_around_do_not_matter(
    repository: Repository, work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))
    assert text(repository.fetch(None)[0]) == "two\n"
    assert not (tmp_path / "objects").exists()


def test_passwords_are_shown_nowhere() -> None:
    assert git.public("cannot read https://me:secret@example.com/x.git") == "cannot read https://example.com/x.git"


def test_no_git_on_the_controller(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="git is not installed on the controller"):
        repository.fetch(None)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("git@example.com:team/site.git", "git"),
        ("ssh://git@example.com/site", "git"),
        ("https://example.com/team/site", "git"),
        ("git+https://example.com/site.zip", "git"),
        ("https://example.com/site.zip", "url"),
        ("http://example.com/download?file=site.tgz", "git"),
        ("../apps/site.tar.gz", "path"),
        ({"host": "/opt/site"}, "host"),
    ],
)
def test_forms(source: object, kind: str) -> None:
    assert forms.form(source) == kind


def test_a_checksum_makes_any_url_an_archive() -> None:
    assert forms.form("https://example.com/download/7", "sha256:00") == "url"
