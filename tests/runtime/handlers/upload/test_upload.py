"""UploadHandler: what is stored, under which name, and what is told about it."""

import json
import re
import sqlite3
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

MODES = ("unique", "overwrite", "error", "backup")


def entry(path, **kwargs):
    return {"pattern": f"/{path}", "handler": "UploadHandler", "kwargs": {"path": path, **kwargs}}


CONF = {
    "url": {
        "login": {"pattern": "/login/", "handler": "SimpleAuth", "kwargs": {"credentials": {"ann": "secret"}}},
        "closed": entry("closed", auth=True),
        "listed": entry("listed", methods="get"),
        "named": entry("named", keys={"file": ["photo", "text"], "save": "as", "delete": "drop"}),
        "away": entry("away", redirect="/done"),
        "bad": entry("bad", if_exists="never"),
        "page": {
            "pattern": "/page",
            "handler": "FileHandler",
            "kwargs": {"path": "page.html", "template": True},
        },
        "nowhere": {"pattern": "/nowhere", "handler": "UploadHandler"},
        **{mode: entry(mode, if_exists=mode) for mode in MODES},
    }
}

PAGE = (
    "{% import gramex.handlers.uploadhandler %}"
    "{% for key, info in gramex.handlers.uploadhandler.FileUpload('listed').info().items() %}"
    "{{ key }} {{ info['filename'] }} {{ info['data'] }};{% end %}"
)


@pytest.fixture(scope="module")
def app(serve_module):
    return serve_module(CONF, {"page.html": PAGE})


def test_answer_tells_all_about_a_file(app, send):
    before = time.time() * 1000
    answer = send(app, "/unique", ("file", "tell.txt", "text"), ("why", None, "ä"), ("why", None, "b"))
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    [found] = answer.json()["upload"]
    created = found.pop("created")
    assert before - 1 <= created <= time.time() * 1000
    assert isinstance(created, int)
    assert found == {
        "filename": "tell.txt", "file": "tell.txt", "key": "tell.txt", "size": 4, "mime": "text/plain", "user": None,
        "data": {"why": ["ä", "b"]},
    }  # fmt: skip
    assert answer.json()["delete"] == []
    assert (app.folder / "unique/tell.txt").read_bytes() == b"text"


def test_nothing_sent_is_nothing_stored(app, send):
    answer = send(app, "/unique", ("file", "", ""))
    assert (answer.status, answer.json()) == (200, {"upload": [], "delete": []})


def test_a_taken_name_gets_a_number(app, send):
    names = [send(app, "/unique", ("file", "n.tar.gz", str(i))).json()["upload"][0]["file"] for i in range(3)]
    assert names == ["n.tar.gz", "n.tar.1.gz", "n.tar.2.gz"]
    assert [(app.folder / "unique" / name).read_text() for name in names] == ["0", "1", "2"]


def test_uploads_at_once_never_share_a_name(app, send):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: send(app, "/unique", ("file", "race", str(i))), range(24)))
    names = [answer.json()["upload"][0]["file"] for answer in answers]
    assert len(set(names)) == 24
    assert sorted(int((app.folder / "unique" / name).read_text()) for name in names) == list(range(24))


def test_two_processes_share_a_folder(serve, send):
    conf = {"url": {"up": entry("up", methods="get")}}
    first = serve(conf)
    second = serve(None, folder=first.folder, data=first.data)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: send((first, second)[i % 2], "/up", ("file", "same.txt", str(i))), range(24)))
    assert [answer.status for answer in answers] == [200] * 24
    told = {each["file"]: each["size"] for each in second.get("/up").json().values()}
    assert told == {path.name: path.stat().st_size for path in (first.folder / "up").glob("same*")}
    assert len(told) == 24


def test_overwrite(app, send):
    for text in ("one", "two"):
        assert send(app, "/overwrite", ("file", "o", text)).json()["upload"][0]["file"] == "o"
    assert (app.folder / "overwrite/o").read_text() == "two"
    assert {path.name for path in (app.folder / "overwrite").iterdir()} == {"o", ".meta.db"}


def test_error_refuses_and_keeps_the_first(app, send):
    assert send(app, "/error", ("file", "e", "one")).status == 200
    # The file before it in the same form is not kept either.
    assert send(app, "/error", ("file", "other", "x"), ("file", "e", "two")).status == 403
    assert (app.folder / "error/e").read_text() == "one"
    assert {path.name for path in (app.folder / "error").iterdir()} == {"e", ".meta.db"}


def test_backup_keeps_the_old_file_with_its_time(app, send):
    for text in ("one", "two", "three"):
        assert send(app, "/backup", ("file", "b.txt", text)).json()["upload"][0]["file"] == "b.txt"
    names = {path.name: path.read_text() for path in (app.folder / "backup").glob("b*")}
    assert names.pop("b.txt") == "three"
    assert set(names.values()) == {"one", "two"}
    assert all(re.fullmatch(r"b\.\d{8}-\d{6}(-\d)?\.txt", name) for name in names)


def test_save_names_the_file_and_its_folder(app, send):
    answer = send(app, "/unique", ("file", "given.txt", "x"), ("save", None, "sub/deep/./saved.txt"))
    [found] = answer.json()["upload"]
    assert (found["filename"], found["file"]) == ("given.txt", "sub/deep/saved.txt")
    assert (app.folder / "unique/sub/deep/saved.txt").read_text() == "x"
    assert send(app, "/unique", ("file", "x", "x"), ("save", None, "sub/deep/saved.txt/x")).status == 400


def test_fields_can_have_other_names(app, send):
    parts = ("photo", "p", "1"), ("text", "t", "2"), ("file", "f", "3"), ("as", None, "P"), ("as", None, "")
    found = send(app, "/named", *parts).json()["upload"]
    assert [(each["key"], each["filename"], each["file"]) for each in found] == [
        ("P", "p", "P"),
        ("t", "t", "t"),
    ]
    assert send(app, "/named", ("drop", None, "P")).json()["delete"] == [{"success": True, "key": "P"}]
    assert not (app.folder / "named/P").exists()


def test_list_and_delete(app, send):
    assert app.get("/listed").json() == {}
    sent = send(app, "/listed", ("file", "one", "1"), ("file", "two", "22")).json()["upload"]
    assert app.get("/listed").json() == {"one": sent[0], "two": sent[1]}
    gone = send(app, "/listed", ("delete", None, sent[0]["key"]), ("delete", None, "never")).json()
    assert gone == {"upload": [], "delete": [{"success": True, "key": "one"}, {"success": False, "key": "never"}]}
    assert list(app.get("/listed").json()) == ["two"]
    (app.folder / "listed/two").unlink()
    assert app.get("/listed").json() == {}


def test_get_answers_only_where_methods_say_so(app):
    assert app.get("/unique").status == 405
    assert app.get("/unique").headers["Allow"] == "POST"
    assert app.request("PUT", "/listed", headers={"X-Requested-With": "XMLHttpRequest"}).status == 405


def test_redirect(app, send):
    answer = send(app, "/away", ("file", "a", "1"))
    assert (answer.status, answer.headers["Location"]) == (302, "/done")
    assert (app.folder / "away/a").exists()


def test_a_form_needs_the_token(app, send):
    assert send(app, "/unique", ("file", "forged", "x"), headers={"X-Requested-With": ""}).status == 403
    assert not (app.folder / "unique/forged").exists()


def test_auth_comes_first_and_the_user_is_noted(app, send):
    assert send(app, "/closed", ("file", "a", "x")).status == 401
    assert not (app.folder / "closed/a").exists()
    browser = app.browser()
    [token] = re.findall(r'name="_xsrf" value="([^"]+)"', browser.get("/login/").text)
    assert browser.post("/login/", {"user": "ann", "password": "secret", "_xsrf": token}).status == 302
    [found] = send(browser, "/closed", ("file", "a", "x"), ("_xsrf", None, "t")).json()["upload"]
    assert found["user"]["id"] == "ann"
    assert found["data"] == {}
    assert "secret" not in json.dumps(found)


def test_the_list_is_private_sqlite(app, send):
    send(app, "/overwrite", ("file", "listed", "x"))
    path = app.folder / "overwrite/.meta.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = sqlite3.connect(path)
    [(meta,)] = connection.execute("SELECT meta FROM files WHERE file = 'listed'").fetchall()
    connection.close()
    assert json.loads(meta)["size"] == 1
    assert app.get("/overwrite/.meta.db").status == 403


def test_a_damaged_list_costs_no_file(app, send, tmp_path):
    folder = app.folder / "named"
    folder.joinpath(".meta.db").write_bytes(b"no database " * 100)
    assert send(app, "/named", ("photo", "lost", "x")).status == 500
    assert not folder.joinpath("lost").exists()
    app.wait_log("the list of files in")
    folder.joinpath(".meta.db").unlink()
    assert send(app, "/named", ("photo", "lost", "x")).status == 200


def test_mistakes_in_the_configuration_name_the_key(app, send):
    assert send(app, "/bad", ("file", "a", "x")).status == 500
    app.wait_log("if_exists: must be one of unique, overwrite, error, backup, not 'never'")
    app.wait_log("path: must be the folder for the files")


def test_a_template_shows_what_was_uploaded(app, send):
    send(app, "/listed", ("file", "shown.txt", "text"), ("why", None, "so"))
    assert "shown.txt shown.txt {&#x27;why&#x27;: [&#x27;so&#x27;]};" in app.get("/page").text
