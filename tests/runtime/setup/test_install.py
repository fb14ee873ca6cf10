"""`gramex install`, `update`, `uninstall` and `run`, with a server of our own in place of the network."""

import stat
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from gramex.setup.archive import SourceError
from gramex.setup.fetch import Redirects

APP = {"gramex.yaml": "url: {one: {pattern: /one, handler: FunctionHandler, kwargs: {function: 'str(1)'}}}\n"}


@pytest.fixture
def apps(tmp_path):
    return tmp_path / "data/apps"


@pytest.fixture
def noted(apps):
    return lambda: yaml.safe_load((apps / "apps.yaml").read_text())


@pytest.fixture
def packed(tmp_path):
    """Write a ZIP file; entries are name -> text, or (ZipInfo, text)."""

    def pack(files, name="app.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, text in files.items():
                archive.writestr(entry, text)
        return path

    return pack


class Server(ThreadingHTTPServer):
    """Has `files`, by path: content, or as text where to go; announces `missing` more bytes than it sends."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Web)
        self.files: dict[str, bytes | str] = {}
        self.missing = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Web(BaseHTTPRequestHandler):
    """Answers with the files of the server."""

    server: Server

    def do_GET(self):
        content = self.server.files.get(self.path.partition("?")[0])
        if isinstance(content, str):
            self.send_response_only(302)
            self.send_header("Location", content)
        else:
            self.send_response_only(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"") + self.server.missing))
        self.end_headers()
        self.wfile.write(content.encode() if isinstance(content, str) else content or b"")

    def log_message(self, *args):
        pass


@pytest.fixture
def web():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_folder_is_copied_set_up_and_noted(run, tools, calls, source, apps, noted):
    tools("make")
    folder = source("mine", "Makefile", page_html="1")
    before = time.time()
    done = run("install", "app", "mine")
    assert done.returncode == 0, done.stderr
    assert (apps / "app/page.html").read_text() == "1"
    assert calls() == ["make  in app"]
    [(name, entry)] = noted().items()
    assert (name, entry["target"], entry["url"]) == ("app", str(apps / "app"), str(folder))
    assert entry["installed"] >= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(before))
    assert stat.S_IMODE((apps / "apps.yaml").stat().st_mode) == 0o600


def test_update_comes_from_where_it_came(run, source, apps):
    source("mine", page_html="1", old_html="x")
    assert run("install", "app", "mine").returncode == 0
    (source("mine", page_html="2") / "old.html").unlink()
    assert run("update", "app", folder=apps).returncode == 0
    assert [path.name for path in (apps / "app").iterdir()] == ["page.html"]
    assert (apps / "app/page.html").read_text() == "2"
    done = run("update", "other")
    assert (done.returncode, "other is not installed" in done.stderr) == (1, True)


def test_a_failed_set_up_changes_nothing(run, tools, source, apps, noted):
    tools("make")
    source("bad", "Makefile", "fail-make")
    assert run("install", "app", "bad").returncode == 1
    assert not (apps / "app").exists()
    source("mine", page_html="1")
    assert run("install", "app", "mine").returncode == 0
    before = noted()
    done = run("install", "app", "bad")
    assert done.returncode == 1
    assert "app: the set-up failed. The app is as it was before" in done.stderr
    assert (apps / "app/page.html").read_text() == "1"
    assert noted() == before


def test_a_folder_that_holds_the_data_is_no_endless_copy(run, source, apps, tmp_path):
    folder = source("mine", page_html="1")
    assert run("install", "app", ".", folder=folder, GRAMEXDATA=str(folder / "data")).returncode == 0
    assert (folder / "data/apps/app/page.html").exists()
    assert not (folder / "data/apps/app/data").exists()
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o750
    assert run("install", "other", ".", folder=folder, GRAMEXDATA=str(folder)).returncode == 0
    assert [path.name for path in (folder / "apps/other").iterdir()].count("apps") == 0


def test_a_zip_loses_its_single_folder(run, packed, apps):
    tool = zipfile.ZipInfo("top-1/bin/tool")
    tool.external_attr = (stat.S_IFREG | 0o755) << 16
    path = packed({"top-1/": "", "top-1/gramex.yaml": "a: 1", tool: "x", "top-1/é/b": "2"})
    assert run("install", "app", str(path)).returncode == 0
    assert {str(each.relative_to(apps / "app")) for each in (apps / "app").rglob("*") if each.is_file()} == {
        "gramex.yaml", "bin/tool", "é/b",
    }  # fmt: skip
    assert (apps / "app/bin/tool").stat().st_mode & 0o111
    assert not (apps / "app/gramex.yaml").stat().st_mode & 0o111
    assert run("install", "flat", str(packed({"a/b": "1", "c": "2"}))).returncode == 0
    assert (apps / "flat/a/b").exists()


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/evil", "a//b", "..\\evil", "C:\\evil", "c:evil", "a/CON", "a. ", "a\nb", "x" * 256],
)
def test_a_zip_writes_nothing_outside(run, packed, apps, tmp_path, name):
    done = run("install", "app", str(packed({"good": "1", name: "evil"})))
    assert done.returncode == 1
    assert "cannot be the path of a file in an app" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (apps / "app").exists()
    assert not list(tmp_path.rglob("*evil*"))


def test_a_zip_has_no_links_and_no_name_twice(run, packed, apps, tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    done = run("install", "app", str(packed({link: str(tmp_path), "link/x": "evil"})))
    assert (done.returncode, "which is no plain file" in done.stderr) == (1, True)
    done = run("install", "app", str(packed({"a": "1", "a/b": "2"})))
    assert (done.returncode, "as file and folder" in done.stderr) == (1, True)
    assert not (apps / "app").exists()


def test_bombs_and_damage_are_refused(run, packed, apps, tmp_path):
    path = packed({"a": "1" * 1000, "b": "x"})
    raw = path.read_bytes()
    # The archive tells that a file has 4 GiB.
    for position in (raw.find(b"PK\x03\x04") + 22, raw.find(b"PK\x01\x02") + 24):
        raw = raw[:position] + b"\xff\xff\xff\xfe" + raw[position + 4 :]
    path.write_bytes(raw)
    done = run("install", "app", str(path))
    assert (done.returncode, "is larger than 2048 MiB" in done.stderr) == (1, True)
    path.write_bytes(b"PK no archive")
    done = run("install", "app", str(path))
    assert (done.returncode, "is no ZIP file" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr
    assert not (apps / "app").exists()


def test_a_url_is_fetched(run, packed, web, apps, noted):
    web.files = {"/app.zip": packed({"top/page.html": "1"}).read_bytes(), "/moved": "/app.zip"}
    for path in ("/app.zip?token=t", "/moved"):
        done = run("install", "app", web.url + path)
        assert done.returncode == 0, done.stderr
        assert "token" not in done.stdout
        assert noted()["app"]["url"] == web.url + path
    assert (apps / "app/page.html").read_text() == "1"


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/missing", "answers 404"),
        ("/file", "is not allowed"),
        ("/ftp", "redirects from http to ftp"),
        ("/page", "is no ZIP file"),
        ("/loop", "answers 302"),
    ],
)
def test_bad_urls(run, web, apps, path, complaint):
    web.files = {"/file": "file:///etc/passwd", "/ftp": "ftp://127.0.0.1/x", "/page": b"<html>", "/loop": "/loop"}
    done = run("install", "app", web.url + path)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (apps / "app").exists()


def test_a_secure_url_does_not_lead_to_one_that_is_not():
    request = urllib.request.Request("https://host/app.zip")
    with pytest.raises(SourceError, match="from https to http"):
        Redirects().redirect_request(request, None, 302, "Found", {}, "http://host/app.zip")
    followed = Redirects().redirect_request(request, None, 302, "Found", {}, "https://other/app.zip")
    assert followed.full_url == "https://other/app.zip"


def test_what_breaks_off_is_not_installed(run, packed, web, apps):
    web.files, web.missing = {"/app.zip": packed({"a": "1"}).read_bytes()}, 10
    done = run("install", "app", f"{web.url}/app.zip")
    assert (done.returncode, "broke off" in done.stderr) == (1, True)
    assert not (apps / "app").exists()


@pytest.mark.parametrize("source", ["nowhere", "file:///etc", "ftp://host/x.zip", ""])
def test_other_sources_are_refused(run, source):
    done = run("install", "app", source)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["..", "../x", "a/b", ".hidden", "apps.yaml", "con", "a\\b", "x.", "ä", "-x"])
def test_names_stay_in_the_folder_of_apps(run, source, name, tmp_path):
    source("mine", page_html="1")
    for command in (["install", "--", name, "mine"], ["uninstall", "--", name], ["run", "--", name]):
        done = run(*command)
        assert done.returncode == 2, command
        assert "cannot be the name of an app" in done.stderr


def test_uninstall_removes_app_and_note(run, source, apps, noted):
    source("mine", page_html="1")
    for name in ("one", "two", "three"):
        assert run("install", name, "mine").returncode == 0
    done = run("uninstall", "one", "never", "two")
    assert done.returncode == 1
    assert "never is not installed. Installed: three, two" in done.stderr
    assert set(noted()) == {"three"}
    assert {path.name for path in apps.iterdir()} == {"three", "apps.yaml", ".lock"}
    assert run("uninstall").returncode == 2


def test_uninstall_does_not_follow_links(run, source, apps):
    folder = source("mine", page_html="1")
    assert run("install", "app", "mine").returncode == 0
    (apps / "app/link").symlink_to(folder)
    (apps / "linked").symlink_to(folder)
    assert run("uninstall", "app", "linked").returncode == 0
    assert (folder / "page.html").exists()


def test_a_damaged_list_is_reported(run, source, apps):
    apps.mkdir(parents=True)
    (apps / "apps.yaml").write_text("a: [")
    source("mine", page_html="1")
    for command in (["install", "app", "mine"], ["uninstall", "app"], ["run", "app"]):
        done = run(*command)
        assert (done.returncode, "apps.yaml: cannot be read" in done.stderr) == (1, True), command
        assert "Traceback" not in done.stderr


def test_run_starts_the_app_with_options(run, serve, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "gramex.yaml").write_text(APP["gramex.yaml"])
    assert run("install", "app", "mine").returncode == 0
    import sys

    here = tmp_path / "here"
    app = serve(folder=here, data=tmp_path / "data", command=[sys.executable, "-m", "gramex", "run", "app"])
    assert app.get("/one").text == "1"
    assert app.stop() == 0
    done = run("run", "other")
    assert done.returncode == 2
    assert "other is not installed. Installed: app" in done.stderr
    assert run("run", "app", "--listen.prot=1").returncode == 2
