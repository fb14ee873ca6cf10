"""Archives of others: what they hold arrives, and nothing of them gets anywhere else."""

from __future__ import annotations

import hashlib
import http.server
import io
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gramex_source import archive, forms, tree, unpack
from gramex_source.tree import SourceError

YAML = b"url: {}\n"


def member(name: str, content: bytes = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tar(place: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(place, mode) as made:  # type: ignore[call-overload]
        for info, content in members:
            made.addfile(info, io.BytesIO(content))
    return place


def zipped(place: Path, *members: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            made.writestr(info, content, zipfile.ZIP_DEFLATED)
    return place


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_arrives_as_it_left(folder: Callable[..., Path], tmp_path: Path, mode: str) -> None:
    source = folder(
        {"gramex.yaml": "url: {}\n", "a b/ü.txt": "x", "run.sh": "*y", "empty/": "", "link": "-> a b/ü.txt"}
    )
    packed = tmp_path / "app.archive"
    with tarfile.open(packed, mode) as made:  # type: ignore[call-overload]
        made.add(source, "app-1.0")
    found = archive.local(packed, None, tmp_path / "cache")
    assert tree.digest(tree.read(found)) == tree.digest(tree.read(source))
    assert found.name == "app-1.0"


def test_a_zip_arrives_as_it_left(tmp_path: Path) -> None:
    packed = zipped(
        tmp_path / "app.zip",
        ("gramex.yaml", YAML, stat.S_IFREG | 0o644),
        ("run.sh", b"y", stat.S_IFREG | 0o755),
        ("empty/", b"", stat.S_IFDIR | 0o755),
        ("link", b"run.sh", stat.S_IFLNK | 0o777),
    )
    found = archive.local(packed, None, tmp_path / "cache")
    assert (found / "gramex.yaml").read_bytes() == YAML
    assert stat.S_IMODE((found / "run.sh").stat().st_mode) == 0o755
    assert (found / "empty").is_dir()
    assert str((found / "link").readlink()) == "run.sh"


LINK = {"type": tarfile.SYMTYPE}
BAD = {
    "a name that climbs": [member("../x", b"x")],
    "a name from the top": [member("/etc/x", b"x")],
    "a name with a backslash": [member("..\\x", b"x")],
    "a link that climbs": [member("a/link", linkname="../../x", **LINK)],
    "a link from the top": [member("link", linkname="/etc/passwd", **LINK)],
    "links that climb together": [
        member("d/e/s", linkname="../..", **LINK),
        member("t", linkname="d/e/s/..", **LINK),
    ],
    "a file through a link": [member("d", linkname=".", **LINK), member("d/x", b"x")],
    "a link in the place of a folder": [member("d/x", b"x"), member("d", linkname=".", **LINK)],
    "a name that is there twice": [member("x", b"x"), member("x", b"y")],
    "a device": [member("x", type=tarfile.CHRTYPE)],
    "a pipe": [member("x", type=tarfile.FIFOTYPE)],
    "another name of what is outside": [member("x", type=tarfile.LNKTYPE, linkname="../y")],
    "another name of a link": [member("l", linkname="x", **LINK), member("y", type=tarfile.LNKTYPE, linkname="l")],
}


@pytest.mark.parametrize("members", BAD.values(), ids=BAD.keys())
def test_a_tar_that_is_refused_leaves_nothing(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    packed = tar(tmp_path / "app.tgz", member("gramex.yaml", YAML), *members)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SourceError, match=r"app\.tgz (has|cannot)"):
        archive.local(packed, None, tmp_path / "cache")
    assert [place for place in tmp_path.rglob("*") if place not in before and "cache" not in place.parts] == []
    assert [place.name for place in (tmp_path / "cache").rglob("*") if place.is_file()] == [".lock"]


@pytest.mark.parametrize(
    "member", [("../x", b"x", stat.S_IFREG | 0o644), ("l", b"/etc", stat.S_IFLNK | 0o777), ("p", b"", stat.S_IFIFO)]
)
def test_a_zip_that_is_refused(tmp_path: Path, member: tuple[str, bytes, int]) -> None:
    with pytest.raises(SourceError, match=r"app\.zip has"):
        archive.local(zipped(tmp_path / "app.zip", member), None, tmp_path / "cache")


def test_what_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "FREE", 100_000)
    packed = zipped(tmp_path / "app.zip", ("gramex.yaml", YAML, 0), ("zeros", bytes(10_000_000), 0))
    with pytest.raises(SourceError, match="grows too large"):
        archive.local(packed, None, tmp_path / "cache")
    monkeypatch.setattr(unpack, "MEMBERS", 3)
    packed = tar(tmp_path / "app.tgz", *(member(f"x{number}") for number in range(4)))
    with pytest.raises(SourceError, match="grows too large"):
        archive.local(packed, None, tmp_path / "cache")


def test_a_zip_that_lies_about_a_size(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "app.zip", ("gramex.yaml", YAML * 1000, 0))
    raw = packed.read_bytes().replace(len(YAML * 1000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    packed.write_bytes(raw)
    with pytest.raises(SourceError, match=r"more of gramex\.yaml than it says|damaged"):
        archive.local(packed, None, tmp_path / "cache")


@pytest.mark.parametrize("cut", [10, 60])
def test_a_damaged_archive(tmp_path: Path, cut: int) -> None:
    packed = tar(tmp_path / "app.tgz", member("gramex.yaml", YAML * 100))
    packed.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"app\.tgz is (damaged|no archive)"):
        archive.local(packed, None, tmp_path / "cache")


def test_a_local_archive_is_compared_with_its_checksum(tmp_path: Path) -> None:
    packed = tar(tmp_path / "app.tgz", member("gramex.yaml", YAML))
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    archive.local(packed, f"sha256:{digest.upper()}", tmp_path / "cache")
    with pytest.raises(archive.WrongSum, match=f"has the checksum sha256:{digest}, and should have sha256:00"):
        archive.local(packed, "sha256:00", tmp_path / "cache")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server that wants a password for /locked/, and what it was asked for."""
    asked: list[str] = []
    served = tmp_path / "served"
    served.mkdir()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            place = served / Path(self.path).name
            locked = "/locked/" in self.path and self.headers.get("Authorization") != "Basic bWU6c2VjOnJldA=="
            self.send_response(401 if locked else 200 if place.is_file() else 404)
            self.end_headers()
            if not locked and place.is_file():
                self.wfile.write(place.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def test_an_archive_at_a_url_is_fetched_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    packed = tar(tmp_path / "served" / "app.tgz", member("app/gramex.yaml", YAML))
    checksum = f"sha256:{hashlib.sha256(packed.read_bytes()).hexdigest()}"
    for _ in range(2):
        folder, kind = forms.fetch(f"{url}/app.tgz", None, checksum, "/", tmp_path / "cache", "")
        assert ((folder / "gramex.yaml").read_bytes(), kind) == (YAML, "archive")
    assert asked == ["/app.tgz"]
    secret = url.replace("//", "//me:sec%3Aret@")
    with pytest.raises(forms.Unfit, match=f"{url}/locked/app.tgz has the checksum {checksum}, and") as unfit:
        forms.fetch(f"{secret}/locked/app.tgz", None, "sha256:" + 64 * "0", "/", tmp_path / "cache", "")
    assert unfit.value.key == "checksum"


def test_a_url_that_does_not_answer(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, _asked = server
    with pytest.raises(forms.Unfit, match=f"{url}/none.zip cannot be fetched: the answer is 404 Not Found") as unfit:
        forms.fetch(f"{url}/none.zip", None, "sha256:" + 64 * "0", "/", tmp_path / "cache", "")
    assert unfit.value.key == "source"
